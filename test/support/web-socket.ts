// As much of RFC 6455 as it takes to say something over a WebSocket by hand, and an origin that echoes.
import { createHash } from 'node:crypto';
import { octetsOf } from './messages.ts';
import { message } from './origin.ts';
import { startTcp, type TcpServer } from './tcp.ts';

/** `Sec-WebSocket-Accept`. RFC 6455 4.2.2. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** One unfragmented frame of at most 125 octets; a client's is masked. RFC 6455 5.2. Opcode 1: text, 8: close. */
export function frame(opcode: number, payload: string, mask?: Buffer): Buffer {
  const octets = Buffer.from(payload);
  if (mask === undefined) return Buffer.concat([Buffer.of(0x80 | opcode, octets.length), octets]);
  const masked = octets.map((octet, i) => octet ^ (mask[i % 4] as number));
  return Buffer.concat([Buffer.of(0x80 | opcode, 0x80 | octets.length), mask, masked]);
}

export interface EchoOrigin extends TcpServer {
  /** The heads of the requests, each without its empty line. */
  readonly heads: readonly string[];
}

/** Takes every request for a WebSocket, sends `greeting` right behind its 101, and echoes text until it is closed. */
export async function startEchoOrigin(greeting: string | Buffer = ''): Promise<EchoOrigin> {
  const heads: string[] = [];
  const server = await startTcp(async (socket) => {
    const octets = octetsOf(socket);
    const head = (await octets.until('\r\n\r\n'))?.toString('latin1').slice(0, -4) ?? '';
    heads.push(head);
    const key = /^sec-websocket-key: *(.*)$/im.exec(head)?.[1] ?? '';
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write(message([...lines, `Sec-WebSocket-Accept: ${acceptOf(key)}`], greeting));
    for (;;) {
      const [first = 0, second = 0] = await octets.exactly(2);
      if (first === 0) break;
      const mask = await octets.exactly(4);
      const payload = (await octets.exactly(second & 0x7f)).map((octet, i) => octet ^ (mask[i % 4] as number));
      socket.write(frame(first & 0x0f, Buffer.from(payload).toString('latin1')));
      if ((first & 0x0f) === 8) break;
    }
    socket.end();
  });
  return Object.assign(server, { heads });
}
