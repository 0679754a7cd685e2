// The origin server of the cache's bench, run as a process of its own: content that may be stored, and counts of what it sent.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const kibibyte = 1024;
const maxOctets = 1024 * kibibyte;
const content = Buffer.alloc(maxOctets, 'x');
let [requests, octets] = [0, 0];

/** `/OCTETS/NAME?fresh=SECONDS&vary` answers so many octets, fresh for so long, with an ETag that never changes. */
const server = createServer((request, response) => {
  requests++;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin');
  const length = Math.min(Number(pathname.split('/')[1]), maxOctets);
  const etag = `"${length}"`;
  response.setHeader('cache-control', `max-age=${searchParams.get('fresh') ?? 3600}`);
  response.setHeader('etag', etag);
  if (searchParams.has('vary')) response.setHeader('vary', 'accept-language');
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  octets += length;
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': length });
  response.end(content.subarray(0, length));
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => {
  process.send?.({ requests, octets });
  [requests, octets] = [0, 0];
});
process.on('disconnect', () => process.exit());
