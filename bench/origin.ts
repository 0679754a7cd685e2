// The origin server, run as a process of its own: 1 KiB that nobody may store, and a count of the requests.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const content = Buffer.alloc(1024, 'x');
let requests = 0;

const server = createServer((_request, response) => {
  requests++;
  response.writeHead(200, {
    'content-type': 'text/plain',
    'content-length': content.length,
    'cache-control': 'no-store',
  });
  response.end(content);
});
server.keepAliveTimeout = 0; // connections that a proxy keeps outlast the turns of the others
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => process.send?.({ requests }));
process.on('disconnect', () => process.exit());
