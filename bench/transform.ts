// `npm run bench:transform`: octets of content between agent and edge for a page of uncompressed text and large images, with transforms and without.
import { createServer as createHttpServer, request } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { png } from '../test/support/images.ts';
import { startEdgehop } from './edgehop.ts';
import { startOrigin } from './own-servers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import type { StartPorts } from './target.ts';

const words = 'the quick brown fox jumps over the lazy dog and finds that nothing is as it was before'.split(' ');

/** What a page of today has, but that its origin compresses nothing. */
const resources: Readonly<Record<string, { readonly type: string; readonly content: Buffer }>> = {
  '/': { type: 'text/html; charset=utf-8', content: Buffer.from(`<html><body>${text(60_000, '<p>')}</body></html>`) },
  '/style.css': { type: 'text/css', content: Buffer.from(text(100_000, '} .a {')) },
  '/app.js': { type: 'text/javascript', content: Buffer.from(text(400_000, ';')) },
  '/data.json': { type: 'application/json', content: Buffer.from(JSON.stringify(text(80_000, ' '))) },
  '/large.png': { type: 'image/png', content: png(1_600, 1_000) },
  '/small.png': { type: 'image/png', content: png(600, 400) },
  '/font.woff2': { type: 'font/woff2', content: png(100, 100) },
};

const transforms = [
  { name: 'smaller', then: { transform: { image: { width: 800, quality: 75, format: 'webp' }, compress: true } } },
];

const browser = { 'Accept-Encoding': 'gzip, br', Accept: 'image/avif,image/webp,*/*' };

await main(endingSignal());

async function main(signal: AbortSignal): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const ready = cleanUp.use(await startOrigin(folder, signal));
  const ports: StartPorts = { folder, originPort: ready.port, signal };
  const site = cleanUp.adopt(await listening(startSite()), close);
  const plain = await measured([], portOf(site), ports);
  const transformed = await measured(transforms, portOf(site), ports);
  console.log(
    'Octets of content from the edge to the agent, which passes them on as they are; one exchange each, nothing cached',
  );
  for (const path of Object.keys(resources)) {
    console.log(row(path, plain.get(path) as number, transformed.get(path) as number));
  }
  const total = (octets: ReadonlyMap<string, number>) => [...octets.values()].reduce((sum, each) => sum + each, 0);
  console.log(row('together', total(plain), total(transformed)));
  if (total(transformed) >= total(plain)) throw new Error('transforms have saved nothing');
}

function row(name: string, before: number, after: number): string {
  const share = ((after / before) * 100).toFixed(1);
  return `  ${name.padEnd(12)} ${String(before).padStart(9)} without, ${String(after).padStart(9)} with transforms (${share} %)`;
}

/** Octets of content from the edge, for each resource. */
async function measured(
  rules: readonly object[],
  port: number,
  ports: StartPorts,
): Promise<ReadonlyMap<string, number>> {
  await using agent = await startEdgehop('edgehop-edge', ports, { cache: { agent: false, edge: 'off' }, rules });
  const octets = new Map<string, number>();
  for (const [path, { content }] of Object.entries(resources)) {
    const came = await asked(agent.request.port, `http://127.0.0.1:${port}${path}`);
    if (came === 0 || came > content.length) throw new Error(`${path}: ${came} octets came`);
    octets.set(path, came);
  }
  return octets;
}

/** How many octets of content came, by way of the agent. */
function asked(port: number, url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const options = {
    port,
    host: '127.0.0.1',
    path: url,
    headers: { ...browser, Host: new URL(url).host },
    agent: false,
  };
  request(options, (response) => {
    let octets = 0;
    if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
    response.on('data', (piece: Buffer) => {
      octets += piece.length;
    });
    response.on('end', () => resolve(octets)).on('error', reject);
  })
    .on('error', reject)
    .end();
  return promise;
}

function startSite(): Server {
  return createHttpServer(({ url = '' }, reply) => {
    const found = resources[url];
    if (found === undefined) reply.writeHead(404).end();
    else
      reply.writeHead(200, { 'Content-Type': found.type, 'Content-Length': found.content.length }).end(found.content);
  });
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.on('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function close(server: Server): Promise<void> {
  if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** So many characters of words, the same each time. */
function text(characters: number, between: string): string {
  let made = '';
  for (let at = 1; made.length < characters; at = (at * 48_271) % 0x7fffffff) {
    made += `${words[at % words.length]}${at % 7 === 0 ? between : ' '}`;
  }
  return made;
}
