// An origin that takes nothing but what RFC 9112 allows, and notes what else comes.
import type { Socket } from 'node:net';
import { type ScannedRequest, scanRequests } from './strict-scan.ts';
import { startTcp } from './tcp.ts';

export interface StrictOrigin extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Over all connections, as their heads came; the content of one that is still coming is what there is of it. */
  requests(): readonly ScannedRequest[];
  /** What came that is no request, one sentence for each connection. */
  violations(): readonly string[];
}

/** Called for each request that is complete, in the order of its connection. */
export type StrictAnswer = (request: ScannedRequest, socket: Socket) => void;

/** Starts an origin on a free port. A connection on which no request came is answered with 400 and closed. */
export async function startStrictOrigin(answer: StrictAnswer = echoTarget): Promise<StrictOrigin> {
  const connections: { octets: Buffer }[] = [];
  /** Whose and which, of each head that came. */
  const heads: { readonly connection: { octets: Buffer }; readonly index: number }[] = [];
  const server = await startTcp((socket) => {
    const connection = { octets: Buffer.alloc(0) };
    connections.push(connection);
    let [known, answered] = [0, 0];
    socket.on('data', (octets) => {
      connection.octets = Buffer.concat([connection.octets, octets as Buffer]);
      const { messages, violation } = scanRequests(connection.octets, 'upstream');
      while (known < messages.length) heads.push({ connection, index: known++ });
      const complete = messages.filter(({ isComplete }) => isComplete);
      for (const message of complete.slice(answered)) {
        answered++;
        answer(message, socket);
      }
      if (violation !== undefined) socket.end('HTTP/1.1 400 Not By The Letter\r\nContent-Length: 0\r\n\r\n');
    });
    socket.on('end', () => socket.end());
  });
  return {
    port: server.port,
    url: `http://127.0.0.1:${server.port}`,
    requests: () => {
      const scanned = new Map(connections.map((each) => [each, scanRequests(each.octets, 'upstream').messages]));
      return heads.flatMap(({ connection, index }) => scanned.get(connection)?.[index] ?? []);
    },
    violations: () =>
      connections.flatMap(({ octets }) => {
        const { violation } = scanRequests(octets, 'upstream');
        return violation === undefined ? [] : [violation];
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** 200 whose content is the request-target; the last one on its connection where the request says so. */
export function echoTarget({ method, target, values }: ScannedRequest, socket: Socket): void {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n`;
  socket.write(method === 'HEAD' ? head : `${head}${target}`, 'latin1');
  if (values('connection').some((value) => /\bclose\b/i.test(value))) socket.end();
}
