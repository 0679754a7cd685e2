// A target of a pool, run as a process of its own: `quick`, or `slow`, which answers one request at a time. Counts them.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a slow target takes for each request. */
const slowMs = 20;

const isSlow = process.argv[2] === 'slow';
const content = Buffer.alloc(1024, 'x');
let requests = 0;
const waiting: ServerResponse[] = [];
let isBusy = false;

const server = createServer((_request, response) => {
  requests++;
  if (!isSlow) return answer(response);
  waiting.push(response);
  serve();
});

function answer(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': content.length, 'cache-control': 'no-store' });
  response.end(content);
}

/** One after the other. */
function serve(): void {
  const next = isBusy ? undefined : waiting.shift();
  if (next === undefined) return;
  isBusy = true;
  setTimeout(() => {
    isBusy = false;
    answer(next);
    serve();
  }, slowMs);
}

server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ requests }));
process.on('disconnect', () => process.exit());
