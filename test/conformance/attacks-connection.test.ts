// ATTACKS.md group A, what outlives one message: upgrades, content that nobody reads, pipelines, Expect, Max-Forwards.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { type Client, connectClient } from '../support/client.ts';
import type { Response } from '../support/messages.ts';
import { type StrictOrigin, startStrictOrigin } from '../support/strict-origin.ts';

describe.each(routes)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: StrictOrigin;
  let known = 0;

  beforeAll(async () => {
    origin = await startStrictOrigin();
    proxy = await startTestAgent({ edge, allowPrivate: false, allow: [`127.0.0.1:${origin.port}`] });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  /** What the origin has got since the last time, as method, target and content. */
  const arrived = () => {
    expect(origin.violations()).toEqual([]);
    const all = origin.requests();
    const news = all.slice(known).map(({ method, target, content }) => `${method} ${target} ${content}`.trim());
    known = all.length;
    return news;
  };

  beforeEach(() => {
    known = origin.requests().length;
  });

  /** The request behind the one that was answered so gets its own answer, or none because that was the last. */
  async function expectOwnOrEnd(client: Client, answered: Response, path: string): Promise<void> {
    const target = new URL(path, origin.url).pathname;
    if (answered.field('connection') === 'close') {
      expect((await client.octets.rest()).length).toBe(0);
      expect(arrived().filter((each) => each.includes(target))).toEqual([]);
    } else {
      expect((await client.response()).content.toString()).toBe(target);
      expect(arrived().at(-1)).toBe(`GET ${target}`);
    }
  }

  const get = (path: string, ...fields: string[]) =>
    `${[`GET ${origin.url}${path} HTTP/1.1`, 'Host: x', ...fields].join('\r\n')}\r\n\r\n`;

  test('A13 a GET with content is carried with it, or refused: its content is never left out or taken for a request', async () => {
    using client = await connectClient(proxy.port);
    client.send(`${get('/13', 'Content-Length: 10')}hellohello${get('/after')}`);
    const first = await client.response();
    if (first.status === 200) expect((await client.response()).content.toString()).toBe('/after');
    else expect([first.status, await client.ended]).toEqual([501, 'end']);
    expect(arrived()).toEqual(first.status === 200 ? ['GET /13 hellohello', 'GET /after'] : []);
  });

  test.each([
    ['websocket', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='],
    ['h2c', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
    ['something unknown', 'Connection: upgrade', 'Upgrade: foo/1'],
  ])('A14 A22 what follows an upgrade to %s that is answered with 200 is a request', async (_name, ...fields) => {
    using client = await connectClient(proxy.port);
    client.send(`${get('/14', ...fields)}${get('/behind')}`);
    const first = await client.response();
    expect(first.content.toString()).toBe('/14');
    await expectOwnOrEnd(client, first, '/behind');
  });

  test('A15 content of a request that is answered without it is never taken for a request', async () => {
    for (const framing of ['Content-Length', 'Transfer-Encoding'] as const) {
      const inner = get('/inner');
      using client = await connectClient(proxy.port);
      const field = framing === 'Content-Length' ? `Content-Length: ${inner.length}` : 'Transfer-Encoding: chunked';
      const content = framing === 'Content-Length' ? inner : `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
      client.send(`POST http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n${content}`);
      expect((await client.response()).status).toBe(403);
      client.send(get('/after', 'Connection: close'));
      const rest = (await client.octets.rest()).toString();
      expect(rest).toMatch(/^$|\r\n\r\n\/after$/); // closed, or drained to its end
      expect(arrived().filter((each) => each !== 'GET /after')).toEqual([]);
    }
  });

  test('A16 of five requests in one segment the third is malformed: two answers, 400, the end', async () => {
    using client = await connectClient(proxy.port);
    client.send(`${get('/1')}${get('/2')}${get('/3', 'X : y')}${get('/4')}${get('/5')}`);
    expect((await client.response()).content.toString()).toBe('/1');
    expect((await client.response()).content.toString()).toBe('/2');
    expect((await client.response()).status).toBe(400);
    expect((await client.octets.rest()).length).toBe(0);
    expect(arrived()).toEqual(['GET /1', 'GET /2']);
  });

  test.each([
    ['twice', '1.1', ['Expect: 100-continue', 'Expect: 100-continue']],
    ['in a list', '1.1', ['Expect: 100-continue, 100-continue']],
    ['in HTTP/1.0', '1.0', ['Expect: 100-continue', 'Connection: keep-alive']],
    ['obfuscated', '1.1', ['Expect: x 100-continue']],
    ['unknown', '1.1', ['Expect: 200-maybe']],
    ['with the content at once', '1.1', ['Expect: 100-continue']],
  ])('A17 Expect %s costs at most one 100, and nothing gets out of step', async (_name, version, fields) => {
    using client = await connectClient(proxy.port);
    const head = [`POST ${origin.url}/17 HTTP/${version}`, 'Host: x', ...fields, 'Content-Length: 5'];
    client.send(`${head.join('\r\n')}\r\n\r\nhello${get('/after', 'Connection: close')}`);
    let response = await client.response('POST');
    if (response.status === 100) response = await client.response('POST');
    if (response.status !== 417) {
      expect([response.status, response.content.toString()]).toEqual([200, '/17']);
      expect(arrived()[0]).toBe('POST /17 hello');
    }
    await expectOwnOrEnd(client, response, '/after');
    expect(arrived().filter((each) => each.includes('17'))).toEqual([]);
  });

  test('A25 TRACE that may go no further is answered here, without what is secret, and one step fewer goes on', async () => {
    using client = await connectClient(proxy.port);
    const trace = (hops: number) =>
      `TRACE ${origin.url}/25 HTTP/1.1\r\nHost: x\r\nMax-Forwards: ${hops}\r\nCookie: a=secret\r\nAuthorization: Basic secret\r\n\r\n`;
    client.send(trace(0));
    const last = await client.response('TRACE');
    expect([200, 405, 501]).toContain(last.status);
    expect(last.content.toString()).not.toContain('secret');
    expect(arrived()).toEqual([]);
    using other = await connectClient(proxy.port);
    other.send(trace(1));
    const next = await other.response('TRACE');
    if (next.status !== 200) expect([405, 501]).toContain(next.status);
    else expect(origin.requests().at(-1)?.values('max-forwards')).toEqual(['0']);
  });
});
