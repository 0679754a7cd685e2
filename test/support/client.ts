// A client that writes raw octets to a proxy and reads what really comes back.
import { connect, type Socket } from 'node:net';
import { type Ending, type Octets, octetsOf, type Response, readResponse } from './messages.ts';

export interface Client extends Disposable {
  readonly socket: Socket;
  readonly octets: Octets;
  /** Writes octets as they are; a text is one octet a character. */
  send(octets: string | Buffer): void;
  /** Writes lines, each with its CRLF, and an empty one after the last. */
  sendHead(...lines: string[]): void;
  response(method?: string): Promise<Response>;
  /** How the proxy ended the connection. */
  readonly ended: Promise<Ending>;
}

/** Connects to a port of this machine. The client's own sending stays open when the proxy ends. */
export function connectClient(port: number, host = '127.0.0.1'): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      const octets = octetsOf(socket);
      const send = (text: string | Buffer) =>
        void (socket.writable && socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text));
      resolve({
        socket,
        octets,
        send,
        sendHead: (...lines) => send(`${lines.join('\r\n')}\r\n\r\n`),
        response: (method) => readResponse(octets, method),
        ended: octets.ended,
        [Symbol.dispose]: () => void socket.destroy(),
      });
    });
  });
}

/** Sends octets on a connection of their own, and gives the first response and how the connection ended after it. */
export async function exchangeOnce(
  port: number,
  octets: string | Buffer,
  method = 'GET',
): Promise<Response & { readonly ending: Ending }> {
  using client = await connectClient(port);
  client.send(octets);
  const response = await client.response(method);
  return { ...response, ending: await client.ended };
}

/** A GET in absolute-form that asks the proxy to close after it. */
export function getOnce(port: number, url: string, ...fields: string[]): ReturnType<typeof exchangeOnce> {
  return exchangeOnce(
    port,
    `${[`GET ${url} HTTP/1.1`, 'Host: x', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`,
  );
}
