// The suite's origin server, run as a process of its own on loopback, where it counts who comes by a proxy and who not.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { engineIn, importFrom } from './suite.ts';

type Answer = (path: readonly string[], request: IncomingMessage, response: ServerResponse) => void;

/** How many requests came with a Via field, and how many without. */
export interface Arrivals {
  readonly proxied: number;
  readonly direct: number;
}

const parts = ['config', 'state', 'test'] as const;
const [folder = ''] = process.argv.slice(2);
const engine = engineIn(folder);
const answers = new Map<string | undefined, Answer>();
for (const part of parts) {
  answers.set(part, (await importFrom<{ default: Answer }>(engine.folder, `server/handle-${part}.mjs`)).default);
}
let arrivals: Arrivals = { proxied: 0, direct: 0 };

// The suite's own server listens on every interface.
const server = createServer((request, response) => {
  // Some tests send more content than they say, which would spoil the connection for whatever test comes on it next.
  response.shouldKeepAlive = false;
  const by = request.headers.via === undefined ? 'direct' : 'proxied';
  arrivals = { ...arrivals, [by]: arrivals[by] + 1 };
  const [part, ...path] = new URL(request.url ?? '/', 'http://origin').pathname.slice(1).split('/');
  const answer = answers.get(part);
  if (answer !== undefined) answer(path, request, response);
  else response.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.(arrivals));
process.on('disconnect', () => process.exit());
