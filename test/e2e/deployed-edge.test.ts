// A worker that runs elsewhere, behind TLS and HTTP/2 or HTTP/1.1, and an agent that knows its URL and a token.
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchangeRecord } from '../../schemas/exchange.ts';
import { selfSigned } from '../support/certificate.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { type Home, makeHome } from '../support/command.ts';
import { startDeployedEdge, type TestEdge, testToken } from '../support/edge.ts';
import { type Front, startFront } from '../support/front.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';

const token = testToken;
const site = 'http://site.example';
const certificate = selfSigned('127.0.0.1', 'localhost');
const large = Buffer.alloc(3 * 1024 * 1024, 'large content ');

let origin: Origin;
let edge: TestEdge;
let home: Home;

beforeAll(async () => {
  origin = await startOrigin(async (request, socket) => {
    const content = await request.content.catch(() => undefined);
    if (content === undefined) return;
    const ok = 'HTTP/1.1 200 OK';
    if (request.target === '/cut')
      return void socket.end(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk(large)]));
    if (request.target === '/large') return void socket.write(message([ok, `Content-Length: ${large.length}`], large));
    if (request.target === '/chunked')
      return void socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello'), chunk()]));
    const text = `${request.method} ${request.target} ${content.length}`;
    socket.write(message([ok, `Content-Length: ${text.length}`], text));
  });
  // Whatever the worker fetches, it gets from this origin: the internet of this test.
  edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
  home = makeHome();
  home.write('ca.pem', certificate.cert);
});

afterAll(async () => {
  home[Symbol.dispose]();
  await edge[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

describe.each(['h2', 'http/1.1'] as const)('behind %s', (protocol) => {
  let front: Front;
  let own: Home;

  beforeAll(async () => {
    own = makeHome();
    own.write('edgehop.jsonc', JSON.stringify({ trust: { authorities: [`${home.path}/ca.pem`] } }));
    front = await startFront(protocol, edge.direct, certificate);
  });

  afterAll(async () => {
    await front[Symbol.asyncDispose]();
    own[Symbol.dispose]();
  });

  test('exchanges go by the edge, whole and in the right framing, and the record says so', async () => {
    await using agent = await own.start('--edge', front.url, '--token', token, '--log', 'json');
    await agent.says('is ready');
    expect((await getOnce(agent.port, `${site}/hello`)).content.toString()).toBe('GET /hello 0');
    expect((await getOnce(agent.port, `${site}/chunked`)).content.toString()).toBe('hello');
    expect((await getOnce(agent.port, `${site}/large`)).content.equals(large)).toBe(true);
    const head = [`POST ${site}/post HTTP/1.1`, 'Host: x', 'Connection: close', `Content-Length: ${large.length}`];
    expect((await exchangeOnce(agent.port, message(head, large))).content.toString()).toBe(
      `POST /post ${large.length}`,
    );
    agent.signal('SIGTERM');
    const { stdout } = await agent.ended;
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => exchangeRecord.parse(JSON.parse(line)));
    expect(records.length).toBe(4);
    for (const record of records) {
      expect(record.route).toMatchObject({ kind: 'edge', edge: '127.0.0.1', because: 'configured' });
      expect(record.stages).toHaveProperty('edge-returned');
      expect(record.destination).toMatchObject({ host: 'site.example', knownBy: 'unknown' });
    }
    expect(new Set(front.protocols)).toEqual(new Set([protocol]));
  });

  test('content that the origin cuts is cut for the client', async () => {
    await using agent = await own.start('--edge', front.url, '--token', token);
    using client = await connectClient(agent.port);
    client.sendHead(`GET ${site}/cut HTTP/1.0`);
    const { length } = await client.octets.rest();
    expect(length).toBeLessThan(large.length + 2_000);
    expect(await client.ended).toBe('reset');
    expect((await getOnce(agent.port, `${site}/after`)).status).toBe(200);
  });

  test('a hundred exchanges at once get their own answers', async () => {
    await using agent = await own.start('--edge', front.url, '--token', token);
    const paths = Array.from({ length: 100 }, (_, i) => `/many-${i}`);
    const answers = await Promise.all(paths.map((path) => getOnce(agent.port, site + path)));
    expect(answers.map(({ content }) => content.toString())).toEqual(paths.map((path) => `GET ${path} 0`));
  });

  test('neither the token nor the MAC reaches an origin, and no MAC reaches the edge', () => {
    expect(front.received()).toContain(token);
    const wire = origin.requests.map(({ octets }) => octets).join('\n');
    expect(wire).not.toContain(token);
    const macs = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ mac }) => mac) ?? []);
    const seen = (front.received() + envelopes(front.received())).toLowerCase();
    for (const mac of macs.filter((mac) => mac !== '00:00:00:00:00:00')) {
      for (const spelling of [mac, mac.replaceAll(':', '-'), mac.replaceAll(':', '')]) {
        expect(wire.toLowerCase()).not.toContain(spelling);
        expect(seen).not.toContain(spelling);
      }
    }
  });
});

describe('an edge that cannot be used', () => {
  const expectRefused = async (args: string[], sentence: RegExp, env: Record<string, string> = {}) => {
    using own = makeHome(env);
    own.write('edgehop.jsonc', JSON.stringify({ edge: { fallback: 'fail' } }));
    await using agent = await own.start(...args);
    const response = await getOnce(agent.port, `${site}/never`);
    expect([response.status, response.isComplete]).toEqual([502, true]);
    expect(JSON.parse(response.content.toString()).detail).toMatch(sentence);
    expect(origin.requests.filter(({ target }) => target === '/never')).toEqual([]);
  };

  test('because the token is wrong says so', async () => {
    await expectRefused(['--edge', edge.direct, '--token', 'another-token-of-theirs'], /does not know the token/);
  });

  test('because something else answers there says so, although it answers 200', async () => {
    await using portal = await startOrigin((_request, socket) => {
      socket.end(message(['HTTP/1.1 200 OK', 'Content-Length: 12', 'Connection: close'], 'please login'));
    });
    await expectRefused(['--edge', portal.url, '--token', token], /not an edgehop worker/);
  });

  test('because its certificate is not trusted says so', async () => {
    await using front = await startFront('h2', edge.direct, certificate);
    await expectRefused(['--edge', front.url, '--token', token], /edge/);
    expect(front.protocols).toEqual([]);
  });
});

test('plain http to an edge on loopback is allowed, and a private destination goes directly', async () => {
  using own = makeHome();
  own.write('edgehop.jsonc', JSON.stringify({ admit: { destinations: { allow: [`127.0.0.1:${origin.port}`] } } }));
  await using agent = await own.start('--edge', edge.direct, '--token', token, '--log', 'json');
  expect((await getOnce(agent.port, `${site}/plain`)).status).toBe(200);
  expect((await getOnce(agent.port, `${origin.url}/private`)).status).toBe(200);
  agent.signal('SIGTERM');
  const { stdout } = await agent.ended;
  const routes = stdout
    .trim()
    .split('\n')
    .map((line) => exchangeRecord.parse(JSON.parse(line)).route);
  expect(routes).toMatchObject([{ kind: 'edge' }, { kind: 'direct', because: 'private-destination' }]);
});

/** The text inside the envelopes of what the edge received. */
function envelopes(received: string): string {
  return [...received.matchAll(/"edgehop-envelope-\d+":"([\w-]+)"/g)]
    .map(([, text = '']) => Buffer.from(text, 'base64url').toString('latin1'))
    .join('\n');
}
