// Reverse routes on real workerd, as a deployment has them: every fetch of the worker ends at one origin, which tells its
// targets by their names.
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectClient } from '../../support/client.ts';
import {
  type Call,
  call,
  envelopeFor,
  exchange,
  failureOf,
  startDeployedEdge,
  type TestEdge,
  testToken,
} from '../../support/edge.ts';
import { type Answer, chunk, message, type Origin, type OriginRequest, startOrigin } from '../../support/origin.ts';
import { startEchoOrigin } from '../../support/web-socket.ts';

const reverse = {
  pools: {
    app: { targets: [{ url: 'http://one.example' }] },
    pair: {
      targets: [{ url: 'http://bad.example' }, { url: 'http://good.example:8080' }],
      balance: 'hash-url',
      eject: { afterFailures: 3, forMs: 60_000 },
    },
    down: { targets: [{ url: 'http://bad.example' }], eject: { afterFailures: 2, forMs: 60_000 } },
    spread: {
      targets: [
        { url: 'http://a.example', weight: 3 },
        { url: 'http://b.example', weight: 1 },
      ],
    },
    client: { targets: [{ url: 'http://a.example' }, { url: 'http://b.example' }], balance: 'hash-client' },
    self: { targets: [{ url: 'http://self.example' }] },
  },
  routes: [
    { host: 'www.example', path: '/api', pool: 'app', stripPath: true },
    { host: 'www.example', pool: 'app' },
    { host: 'pair.example', pool: 'pair' },
    { host: 'down.example', pool: 'down' },
    { host: 'spread.example', pool: 'spread' },
    { host: 'client.example', pool: 'client' },
    { host: 'self.example', pool: 'self' },
    { host: '*.wild.example', pool: 'app' },
  ],
};

let answer: Answer;
let origin: Origin;
let edge: TestEdge;

const hostOf = (request: OriginRequest) => request.values('host')[0] ?? '';
const ok: Answer = (request, socket) => {
  if (hostOf(request) === 'bad.example') socket.destroy();
  else reply(socket, ['HTTP/1.1 200 OK', `X-Host: ${hostOf(request)}`], 'content');
};

function reply(socket: Socket, head: readonly string[], content: string): void {
  socket.write(message([...head, `Content-Length: ${content.length}`], content));
}

beforeEach(async () => {
  answer = ok;
  origin = await startOrigin((request, socket) => answer(request, socket));
  edge = await startDeployedEdge({
    bindings: { EDGEHOP_TOKENS: `tests=${testToken}`, EDGEHOP_REVERSE: JSON.stringify(reverse) },
    internet: `127.0.0.1:${origin.port}`,
  });
});
afterEach(async () => {
  await edge[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const ask = (host: string, path = '/', { fields = {}, ...options }: Call = {}) =>
  call(edge.direct + path, { ...options, fields: { host, ...fields } });

describe('a route', () => {
  test('leads by host and path to its target, which is asked by its own name', async () => {
    const response = await ask('www.example', '/a%2Fb?c=d&e');
    expect(response).toMatchObject({ status: 200, isComplete: true });
    expect(response.content.toString()).toBe('content');
    expect(response.field('proxy-status')).toBe('edgehop-edge;next-hop="one.example"');
    expect(origin.requests[0]).toMatchObject({ method: 'GET', target: '/a%2Fb?c=d&e' });
    expect(origin.requests[0]?.values('host')).toEqual(['one.example']);
  });

  test('may take its beginning off the path, and puts it before redirects again', async () => {
    answer = (_, socket) => reply(socket, ['HTTP/1.1 302 Found', 'Location: http://one.example/login?x'], '');
    const response = await ask('www.example', '/api/users?x=1');
    expect(origin.requests[0]?.target).toBe('/users?x=1');
    expect(response.status).toBe(302);
    expect(response.field('location')).toBe('http://www.example/api/login?x');
  });

  test('asks for no token, and no other host or path is served', async () => {
    expect((await ask('deep.wild.example')).status).toBe(200);
    expect((await ask('wild.example')).status).toBe(404);
    expect((await ask('other.example')).status).toBe(404);
    expect(origin.requests).toHaveLength(1);
  });

  test.each(['/v1', '/v1/hello', '/V1/hello', '/v1/nothing', '/%761/hello'])('never takes %s', async (path) => {
    const response = await ask('www.example', path);
    expect([401, 404]).toContain(response.status);
    expect(origin.requests).toHaveLength(0);
  });

  test('with a token there is nothing else below /v1 either', async () => {
    const response = await ask('www.example', '/v1/nothing', { fields: { authorization: `Bearer ${testToken}` } });
    expect(response.status).toBe(404);
    expect(origin.requests).toHaveLength(0);
  });

  test('leaves the edge’s own paths as they are', async () => {
    const response = await ask('www.example', '/v1/hello', { fields: { authorization: `Bearer ${testToken}` } });
    expect(response.status).toBe(200);
  });
});

describe('the target is told', () => {
  test('D03: of the client by Forwarded, and nothing that the client claims of itself', async () => {
    await ask('www.example', '/', {
      fields: {
        'cf-connecting-ip': '192.0.2.7',
        forwarded: 'for=10.0.0.1',
        'x-forwarded-for': '10.0.0.1',
        'x-real-ip': '10.0.0.1',
        connection: 'x-hop',
        'x-hop': '1',
        'edgehop-envelope-0': 'e30',
        'x-kept': 'yes',
      },
    });
    const request = await origin.received(1);
    expect(request.values('forwarded')).toEqual(['for=192.0.2.7;by=_edgehop-edge;host=www.example;proto=http']);
    expect(request.values('x-kept')).toEqual(['yes']);
    for (const name of ['x-forwarded-for', 'x-real-ip', 'x-hop', 'edgehop-envelope-0']) {
      expect(request.values(name)).toEqual([]);
    }
  });

  test('D02: nothing of our token, and all of its own users’ credentials', async () => {
    await ask('www.example', '/', { fields: { authorization: `Bearer ${testToken}` } });
    await ask('www.example', '/', { fields: { authorization: 'Bearer of-the-application' } });
    expect((await origin.received(1)).octets).not.toContain(testToken);
    expect((await origin.received(2)).values('authorization')).toEqual(['Bearer of-the-application']);
  });

  test('the content, octet for octet', async () => {
    const content = Uint8Array.from({ length: 70_000 }, (_, i) => i & 0xff);
    await ask('www.example', '/', { method: 'POST', content });
    expect(await (await origin.received(1)).content).toEqual(Buffer.from(content));
  });
});

test.each([
  ['of a known length', ['Content-Length: 100'], 'only this'],
  ['in chunks', ['Transfer-Encoding: chunked'], chunk('only this').toString()],
])(
  'B05: content of a request %s that the client breaks off never ends well for the target',
  async (_, framing, part) => {
    const ended = Promise.withResolvers<unknown>();
    answer = (request) => request.content.then(ended.resolve, () => ended.resolve('broken off'));
    const client = await connectClient(Number(new URL(edge.direct).port));
    client.send(message(['POST / HTTP/1.1', 'Host: www.example', ...framing], part));
    await origin.received(1);
    client.socket.destroy();
    expect(await ended.promise).toBe('broken off');
  },
);

describe('the client gets', () => {
  test('cookies line by line, and nothing of the connection to the target', async () => {
    answer = (_, socket) =>
      reply(
        socket,
        [
          'HTTP/1.1 200 OK',
          'Set-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
          'Set-Cookie: b=2',
          'Keep-Alive: timeout=5',
          'Edgehop-Envelope-0: e30',
        ],
        'x',
      );
    const response = await ask('www.example');
    expect(response.field('set-cookie')).toBe('a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT, b=2');
    expect(response.field('keep-alive')).toBe(undefined);
    expect(response.field('edgehop-envelope-0')).toBe(undefined);
  });

  test('encoded content as the target encoded it', async () => {
    answer = (_, socket) => reply(socket, ['HTTP/1.1 200 OK', 'Content-Encoding: gzip'], 'not really gzip');
    const response = await ask('www.example', '/', { fields: { 'accept-encoding': 'gzip' } });
    expect(response.field('content-encoding')).toBe('gzip');
    expect(response.content.toString()).toBe('not really gzip');
  });

  test('the length of what HEAD leaves out, and 204 and 304 without content', async () => {
    answer = ({ method, target }, socket) => {
      if (method === 'HEAD') socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 1234']));
      else socket.write(message([`HTTP/1.1 ${target.slice(1)} X`, 'ETag: "a"']));
    };
    expect((await ask('www.example', '/', { method: 'HEAD' })).field('content-length')).toBe('1234');
    expect((await ask('www.example', '/204')).status).toBe(204);
    expect((await ask('www.example', '/304')).field('etag')).toBe('"a"');
  });

  test('B05: an end that says so where content of a known length breaks off', async () => {
    answer = (_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 100'], 'only this'), () => socket.destroy());
    };
    expect((await ask('www.example')).isComplete).toBe(false);
  });

  test('content of an unknown length as it comes', async () => {
    const rest = Promise.withResolvers<void>();
    answer = async (_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], chunk('first ')));
      await rest.promise;
      socket.write(Buffer.concat([chunk('rest'), chunk()]));
    };
    const client = await connectClient(Number(new URL(edge.direct).port));
    client.sendHead('GET / HTTP/1.1', 'Host: www.example');
    await client.octets.until('first '); // the head and the first chunk are there while the rest is not
    rest.resolve();
    await client.octets.until('rest\r\n0\r\n\r\n');
    client.socket.destroy();
  });

  test('the answer of TRACE from nobody', async () => {
    expect((await ask('www.example', '/', { method: 'TRACE' })).status).toBe(405);
    expect(origin.requests).toHaveLength(0);
  });
});

describe('a target that fails', () => {
  const path = async (first: string) => {
    for (let i = 0; ; i++) {
      answer = (request, socket) => reply(socket, ['HTTP/1.1 200 OK', `X-Host: ${hostOf(request)}`], '');
      if ((await ask('pair.example', `/${i}`)).field('x-host') === first) return `/${i}`;
    }
  };

  test('RFC 9110 9.2.2: another is asked where the request may be sent again', async () => {
    const toBad = await path('bad.example');
    answer = ok;
    const response = await ask('pair.example', toBad);
    expect(response.field('x-host')).toBe('good.example:8080');
    expect(response.field('proxy-status')).toBe('edgehop-edge;next-hop="good.example:8080"');
  });

  test('503 is taken for a failure where there is another, and given on where there is none', async () => {
    const toBad = await path('bad.example');
    answer = (request, socket) => {
      const isBad = hostOf(request) === 'bad.example';
      reply(socket, [isBad ? 'HTTP/1.1 503 Busy' : 'HTTP/1.1 200 OK', 'Retry-After: 9'], '');
    };
    expect((await ask('pair.example', toBad)).status).toBe(200);
    answer = (_, socket) => reply(socket, ['HTTP/1.1 503 Busy', 'Retry-After: 9'], 'busy');
    const response = await ask('www.example');
    expect(response.status).toBe(503);
    expect(response.field('retry-after')).toBe('9');
    expect(response.content.toString()).toBe('busy');
  });

  test('I08, RFC 9110 9.2.2: POST is sent to one target only', async () => {
    const toBad = await path('bad.example');
    const before = origin.requests.length;
    answer = ok;
    const response = await ask('pair.example', toBad, { method: 'POST', content: 'pay' });
    expect(response.status).toBe(502);
    expect(response.field('proxy-status')).toContain('next-hop="bad.example"');
    expect(origin.requests.slice(before).filter(({ values }) => values('host')[0] === 'good.example:8080')).toEqual([]);
  });

  test('is left out for a while, and so is not asked first again', async () => {
    const toBad = await path('bad.example');
    answer = ok;
    for (let i = 0; i < 3; i++) expect((await ask('pair.example', toBad)).status).toBe(200);
    const before = origin.requests.length;
    expect((await ask('pair.example', toBad)).status).toBe(200);
    expect(origin.requests.slice(before).map(hostOf)).toEqual(['good.example:8080']);
  });

  test('nobody can have targets left out by asking for what they answer with 503', async () => {
    answer = (_, socket) => reply(socket, ['HTTP/1.1 503 Busy'], '');
    for (let i = 0; i < 5; i++) expect((await ask('down.example')).status).toBe(503);
    const before = origin.requests.length;
    await ask('down.example');
    expect(origin.requests).toHaveLength(before + 1);
  });

  test('nor by breaking content off', async () => {
    const gone: Promise<unknown>[] = [];
    answer = (request, socket) => {
      if (request.method === 'GET') return reply(socket, ['HTTP/1.1 200 OK'], '');
      gone.push(request.content.catch(() => undefined));
    };
    for (let i = 1; i <= 4; i++) {
      const client = await connectClient(Number(new URL(edge.direct).port));
      client.send(message(['POST / HTTP/1.1', 'Host: down.example', 'Transfer-Encoding: chunked'], chunk('part')));
      await origin.received(i);
      client.socket.destroy();
      await gone[i - 1];
    }
    expect((await ask('down.example')).status).toBe(200);
  });

  test('when all have failed nobody is asked, and 503 says when to come back', async () => {
    for (let i = 0; i < 2; i++) expect((await ask('down.example')).status).toBe(502);
    const before = origin.requests.length;
    const response = await ask('down.example');
    expect(response.status).toBe(503);
    expect(Number(response.field('retry-after'))).toBeGreaterThan(0);
    expect(response.content.toString()).not.toContain('bad.example');
    expect(origin.requests).toHaveLength(before);
  });
});

describe('the choice', () => {
  test('is by weight', async () => {
    const count = { a: 0, b: 0 };
    for (let i = 0; i < 200; i++) {
      const host = (await ask('spread.example')).field('x-host');
      if (host === 'a.example') count.a++;
      else count.b++;
    }
    expect(count.a).toBeGreaterThan(count.b); // 150 of 200 is what the weights say; 100 is seven deviations from it
    expect(count.b).toBeGreaterThan(0);
  });

  test('by client is the same for one client, and not the same for all', async () => {
    const hosts = new Map<string, Set<string>>();
    for (let i = 0; i < 40; i++) {
      const address = `192.0.2.${i % 20}`;
      const host = (await ask('client.example', `/${i}`, { fields: { 'cf-connecting-ip': address } })).field('x-host');
      hosts.set(address, (hosts.get(address) ?? new Set()).add(host ?? ''));
    }
    expect([...hosts.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...hosts.values()].flatMap((each) => [...each])).size).toBe(2);
  });
});

test('C11: a request that has been by a route already goes no further', async () => {
  const response = await ask('www.example', '/', { fields: { 'cdn-loop': 'cloudflare, edgehop-reverse' } });
  expect(response.status).toBe(502);
  expect(response.field('proxy-status')).toBe('edgehop-edge;error=proxy_loop_detected');
  expect(origin.requests).toHaveLength(0);
});

test('C11: nor one whose target is the route itself', async () => {
  expect((await ask('self.example')).status).toBe(502);
  expect(origin.requests).toHaveLength(0);
});

test('a WebSocket goes through', async () => {
  await using echo = await startEchoOrigin();
  await using own = await startDeployedEdge({
    bindings: { EDGEHOP_TOKENS: `tests=${testToken}`, EDGEHOP_REVERSE: JSON.stringify(reverse) },
    internet: `127.0.0.1:${echo.port}`,
  });
  const socket = await openWebSocket(new URL(own.direct).port);
  socket.send(maskedText('hello'));
  expect((await socket.octets.exactly(7)).toString('latin1')).toBe('\x81\x05hello');
  socket.socket.destroy();
  expect(echo.heads[0]).toMatch(/^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
  expect(echo.heads[0]).toMatch(/^host: one\.example$/im);
  expect(echo.heads[0]).toMatch(/^forwarded: for=192\.0\.2\.7;by=_edgehop-edge;host=www\.example;proto=http$/im);
});

async function openWebSocket(port: string) {
  const client = await connectClient(Number(port));
  client.sendHead(
    'GET /chat?room=1 HTTP/1.1',
    'Host: www.example',
    'CF-Connecting-IP: 192.0.2.7',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  );
  const head = (await client.octets.until('\r\n\r\n'))?.toString('latin1') ?? '';
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return client;
}

function maskedText(text: string): Buffer {
  return Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)]);
}

describe('a wrong variable', () => {
  test('is told to the log with its reason, and to the public without one; the edge works on', async () => {
    await using wrong = await startDeployedEdge({
      bindings: {
        EDGEHOP_TOKENS: `tests=${testToken}`,
        EDGEHOP_REVERSE: '{"routes":[{"host":"a.example","pool":"b"}]}',
      },
    });
    const response = await call(`${wrong.direct}/`, { fields: { host: 'a.example' } });
    expect(response.status).toBe(503);
    expect(response.content.toString()).not.toMatch(/EDGEHOP_REVERSE|pool/);
    const hello = await call(`${wrong.direct}/v1/hello`, { fields: { authorization: `Bearer ${testToken}` } });
    expect(hello.status).toBe(200);
    const failed = failureOf(await exchange(wrong.direct, envelopeFor('http://10.0.0.1/')));
    expect(failed.error.type).toBe('destination_ip_prohibited');
    await expect.poll(() => wrong.logLines.join('\n')).toContain('routes.0.pool: there is no pool "b"');
  });
});

test('without the variable nothing is served', async () => {
  await using none = await startDeployedEdge();
  expect((await call(`${none.direct}/`, { fields: { host: 'www.example' } })).status).toBe(404);
});
