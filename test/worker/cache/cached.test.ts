// The edge's cache on real workerd, in each of its stores: what it answers itself, what it asks for, and what it keeps.
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { EdgeCache, RequestEnvelope } from '../../../schemas/relay.ts';
import {
  envelopeFor,
  envelopeOf,
  exchange,
  exchangeFields,
  failureOf,
  type Reply,
  responseOf,
  send,
  startDeployedEdge,
  startEmbeddedEdge,
  type TestEdge,
  testToken,
  unmarked,
} from '../../support/edge.ts';
import { type Answer, chunk, message, type Origin, type OriginRequest, startOrigin } from '../../support/origin.ts';

const otherToken = 'another-token-for-tests-0123456789';
const tokens = `tests=${testToken},others=${otherToken}`;
const use: EdgeCache = { mode: 'use', generation: '' };
const validate: EdgeCache = { mode: 'validate', generation: '' };
const fresh = 'Cache-Control: max-age=600';

/** What the origin does for each path, by test. */
const answers = new Map<string, Answer>();
let paths = 0;
/** For what happens in its own time. */
const patience = { timeout: 20_000 };

/** A path of its own, and what the origin answers there: a function of how often it was asked there. */
function path(answer: (time: number, request: OriginRequest) => Answer | Buffer): string {
  const name = `/${++paths}`;
  let times = 0;
  answers.set(name, async (request, socket) => {
    const answered = answer(++times, request);
    if (Buffer.isBuffer(answered)) socket.write(answered);
    else await answered(request, socket);
  });
  return name;
}

const ok = (fields: readonly string[], content: string | Uint8Array = '', statusLine = 'HTTP/1.1 200 OK') =>
  message([statusLine, `Content-Length: ${content.length}`, ...fields], content);
const notModified = (fields: readonly string[]) => message(['HTTP/1.1 304 Not Modified', ...fields]);
const date = () => new Date().toUTCString();

describe.each(['memory', 'cache-api', 'r2'])('in the store %s', (name) => {
  let origin: Origin;
  let edge: TestEdge;
  beforeAll(async () => {
    origin = await startOrigin((request, socket) => answers.get(request.target)?.(request, socket));
    const bindings = { EDGEHOP_TOKENS: tokens, EDGEHOP_CACHE: name };
    edge = await startDeployedEdge({ bindings, internet: `127.0.0.1:${origin.port}`, hasBucket: name === 'r2' });
  });
  afterAll(async () => {
    await edge[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  const ask = (target: string, parts: Partial<RequestEnvelope> = {}) =>
    exchange(edge.direct, envelopeFor(`http://origin.example${target}`, { cache: use, ...parts }));
  const asked = (target: string) => origin.requests.filter((request) => request.target === target).length;
  /** Waits until what has been sent is stored: until then a cache that is asked alone has nothing. */
  const stored = (target: string, parts: Partial<RequestEnvelope> = {}) =>
    vi.waitFor(async () => {
      const fields = [...(parts.fields ?? []), ['Cache-Control', 'only-if-cached']] as const;
      responseOf(await ask(target, { ...parts, fields }));
    }, patience);

  test('what was transformed answers requests with the same transform only, and one invalidation takes it away', async () => {
    const page = '<p>old</p>';
    const target = path((_, request) =>
      request.method === 'GET' ? ok([fresh, 'Content-Type: text/html'], page) : ok([]),
    );
    const setting = (attribute: string): Partial<RequestEnvelope> => {
      const action = { html: [{ select: 'p', set: { [attribute]: '1' } }], maxReplaceBytes: 1, required: false };
      return { plan: { transform: [{ rule: 'test', action }] } };
    };
    const [one, other] = [setting('a'), setting('b')];
    const textOf = (reply: Reply) =>
      (responseOf(reply).content.kind === 'marked' ? unmarked(reply).content : reply.content).toString();
    for (const [parts, expected] of [
      [one, '<p a="1">old</p>'],
      [other, '<p b="1">old</p>'],
      [{}, page],
    ] as const) {
      expect(textOf(await ask(target, parts))).toBe(expected);
      await stored(target, parts);
      expect(textOf(await ask(target, parts))).toBe(expected);
    }
    expect(asked(target)).toBe(3);
    await ask(target, { method: 'DELETE' });
    for (const parts of [one, other, {}]) await ask(target, parts);
    expect(asked(target)).toBe(7);
  });

  test('hello says which it is', async () => {
    const incoming = await send(`${edge.direct}/v1/hello`, { fields: { authorization: `Bearer ${testToken}` } });
    const [body] = await once(incoming, 'data');
    expect(JSON.parse(body.toString())).toMatchObject({ cacheStore: name });
  });

  test.each([
    ['a length', (content: Uint8Array) => ok([fresh, 'X-A: b'], content)],
    [
      'chunks',
      (content: Uint8Array) =>
        message(
          ['HTTP/1.1 200 OK', fresh, 'X-A: b', 'Transfer-Encoding: chunked'],
          Buffer.concat([chunk(content), chunk()]),
        ),
    ],
  ])('a fresh response of %s answers octet for octet, without upstream', async (_, response) => {
    const content = Uint8Array.from({ length: 70_000 }, (_, place) => place % 251);
    const target = path(() => response(content));
    const first = await ask(target);
    expect(responseOf(first).cache).toEqual({ fwd: 'uri-miss', fwdStatus: 200, stored: true });
    await stored(target);
    const second = await ask(target);
    const { status, fields, cache, stages, content: ending } = responseOf(second);
    expect(status).toBe(200);
    expect(cache).toEqual({ hit: true, ttl: expect.any(Number) });
    expect(ending).toEqual({ kind: 'length', octets: content.length });
    expect(second.content.equals(content)).toBe(true);
    expect(fields).toEqual(
      expect.arrayContaining([
        ['x-a', 'b'],
        ['Age', expect.stringMatching(/^\d+$/)],
      ]),
    );
    expect(Object.keys(stages)).toEqual(['edge-received', 'edge-returned']);
    expect(asked(target)).toBe(1);
  });

  test('E18: content with a coding, fields of 40 KiB and several of one name come back as they were', async () => {
    const content = gzipSync('hello');
    const long = 'x'.repeat(40_000);
    const fields = [
      fresh,
      'Content-Encoding: gzip',
      `X-Long: ${long}`,
      'Link: <a>',
      'Link: <b>',
      'Vary: Accept-Encoding',
    ];
    const target = path(() => ok(fields, content));
    const relayed = responseOf(await ask(target)).fields;
    await stored(target);
    const reply = await ask(target);
    const hop = ['content-length', 'connection', 'keep-alive', 'date', 'age'];
    const endToEnd = (all: typeof relayed) => all.filter(([field]) => !hop.includes(field.toLowerCase()));
    expect(endToEnd(responseOf(reply).fields)).toEqual(endToEnd(relayed));
    expect(reply.content.equals(content)).toBe(true);
    expect(asked(target)).toBe(1);
  });

  test('E05: variants stand side by side, and none answers for another', async () => {
    const target = path((_, request) =>
      ok([fresh, 'Vary: Accept-Language'], request.values('accept-language')[0] ?? 'none'),
    );
    for (const language of ['en', 'fr']) {
      await ask(target, { fields: [['Accept-Language', language]] });
      await stored(target, { fields: [['Accept-Language', language]] });
    }
    for (const language of ['en', 'fr']) {
      const reply = await ask(target, { fields: [['Accept-Language', language]] });
      expect(responseOf(reply).cache).toMatchObject({ hit: true });
      expect(reply.content.toString()).toBe(language);
    }
    expect(responseOf(await ask(target)).cache).toMatchObject({ fwd: 'vary-miss' });
    expect(asked(target)).toBe(3);
  });

  test('what is stale is asked about by our own validator, and answers again', async () => {
    const target = path((time) =>
      time === 1
        ? ok(['Cache-Control: max-age=10', 'Age: 20', 'ETag: "a"'], 'hello')
        : notModified(['ETag: "a"', fresh, 'X-New: 1']),
    );
    await ask(target);
    await stored(target, { fields: [['Cache-Control', 'max-stale']] });
    const reply = await ask(target);
    expect(responseOf(reply)).toMatchObject({ status: 200, cache: { fwd: 'stale', fwdStatus: 304 } });
    expect(responseOf(reply).fields).toContainEqual(['x-new', '1']);
    expect(reply.content.toString()).toBe('hello');
    const validation = origin.requests.filter((request) => request.target === target)[1];
    expect(validation?.values('if-none-match')).toEqual(['"a"']);
    await stored(target);
    expect(responseOf(await ask(target)).cache).toMatchObject({ hit: true });
    expect(asked(target)).toBe(2);
  });

  test('what has changed takes the place of what was stored', async () => {
    const target = path((time) =>
      time === 1 ? ok(['Cache-Control: max-age=10', 'Age: 20', 'ETag: "a"'], 'old') : ok([fresh, 'ETag: "b"'], 'new'),
    );
    await ask(target);
    await stored(target, { fields: [['Cache-Control', 'max-stale']] });
    const reply = await ask(target);
    expect(responseOf(reply).cache).toEqual({ fwd: 'stale', fwdStatus: 200, stored: true });
    expect(reply.content.toString()).toBe('new');
    await stored(target);
    expect((await ask(target)).content.toString()).toBe('new');
    expect(asked(target)).toBe(2);
  });

  test('an agent that validates is answered by nothing that the origin has not just confirmed', async () => {
    const target = path((time) => (time === 1 ? ok([fresh, 'ETag: "a"'], 'hello') : notModified(['ETag: "a"', fresh])));
    await ask(target);
    await stored(target);
    const whole = await ask(target, { cache: validate });
    expect(responseOf(whole)).toMatchObject({ status: 200, cache: { fwd: 'request', fwdStatus: 304 } });
    expect(whole.content.toString()).toBe('hello');
    const same = await ask(target, { cache: validate, fields: [['If-None-Match', '"a"']] });
    expect(responseOf(same).status).toBe(304);
    expect(asked(target)).toBe(3);
    expect(origin.requests.at(-1)?.values('cache-control')).toEqual([]);
  });

  test('E15: a 304 about something else is not believed: the request goes out again without conditions', async () => {
    const target = path((time) =>
      time === 1
        ? ok(['Cache-Control: max-age=10', 'Age: 20', 'ETag: "a"'], 'old')
        : time === 2
          ? notModified(['ETag: "other"'])
          : ok([fresh], 'new'),
    );
    await ask(target);
    await stored(target, { fields: [['Cache-Control', 'max-stale']] });
    const reply = await ask(target);
    expect(responseOf(reply)).toMatchObject({ status: 200 });
    expect(reply.content.toString()).toBe('new');
    expect(origin.requests.filter((request) => request.target === target)[2]?.values('if-none-match')).toEqual([]);
  });

  test('while it is revalidated in the background, what is stale answers; but not an agent that validates', async () => {
    const target = path((time) =>
      time === 1
        ? ok(['Cache-Control: max-age=10, stale-while-revalidate=1000', 'Age: 20', 'ETag: "a"'], 'old')
        : ok([fresh, 'ETag: "b"'], `new ${time}`),
    );
    await ask(target);
    const reply = await vi.waitFor(async () => {
      const stale = await ask(target, { fields: [['Cache-Control', 'max-stale, only-if-cached']] });
      return responseOf(stale) && ask(target);
    }, patience);
    expect(responseOf(reply).cache).toMatchObject({ hit: true });
    expect(responseOf(reply).cache?.ttl).toBeLessThan(0);
    expect(reply.content.toString()).toBe('old');
    await vi.waitFor(async () => {
      const renewed = await ask(target, { fields: [['Cache-Control', 'only-if-cached']] });
      expect(renewed.content.toString()).toBe('new 2');
    }, patience);
    expect(asked(target)).toBe(2);
    expect((await ask(target, { cache: validate })).content.toString()).toBe('new 3');
  });

  test.each([
    ['answers with an error', () => message(['HTTP/1.1 503 Service Unavailable', 'Content-Length: 0'])],
    ['does not answer in time', () => () => undefined],
  ])('what is stale stands in when upstream %s, if it may', async (_, failure) => {
    const target = path((time) =>
      time === 1 ? ok(['Cache-Control: max-age=10, stale-if-error=1000', 'Age: 20', 'ETag: "a"'], 'old') : failure(),
    );
    await ask(target);
    await stored(target, { fields: [['Cache-Control', 'max-stale']] });
    const reply = await ask(target, { headDeadlineMs: 300 });
    expect(responseOf(reply)).toMatchObject({ status: 200, cache: { fwd: 'stale' } });
    expect(reply.content.toString()).toBe('old');
    const validated = await ask(target, { cache: validate, headDeadlineMs: 300 });
    expect(envelopeOf(validated).cache).toMatchObject({ fwd: 'request' });
    expect(validated.content).toHaveLength(0);
  });

  test('ranges are cut out of a stored whole', async () => {
    const target = path(() => ok([fresh, 'ETag: "a"'], 'hello world'));
    await ask(target);
    await stored(target);
    const range = (value: string) => ask(target, { fields: [['Range', value]] });
    const one = await range('bytes=6-');
    expect(responseOf(one)).toMatchObject({ status: 206, content: { kind: 'length', octets: 5 } });
    expect(responseOf(one).fields).toContainEqual(['Content-Range', 'bytes 6-10/11']);
    expect(one.content.toString()).toBe('world');
    const two = await range('bytes=0-0,10-10');
    expect(responseOf(two)).toMatchObject({ status: 206, content: { kind: 'length', octets: two.content.length } });
    expect(two.content.toString()).toMatch(/\r\n\r\nh\r\n--[\s\S]+\r\n\r\nd\r\n--/);
    expect(responseOf(await range('bytes=11-')).status).toBe(416);
    expect(asked(target)).toBe(1);
  });

  test('E10: a part is kept as a part, and never answers for the whole', async () => {
    const target = path((_, request) =>
      request.values('range').length > 0
        ? ok([fresh, 'ETag: "a"', 'Content-Range: bytes 0-4/11'], 'hello', 'HTTP/1.1 206 Partial Content')
        : ok([fresh, 'ETag: "a"'], 'hello world'),
    );
    await ask(target, { fields: [['Range', 'bytes=0-4']] });
    await stored(target, { fields: [['Range', 'bytes=1-2']] });
    const within = await ask(target, { fields: [['Range', 'bytes=1-2']] });
    expect(responseOf(within)).toMatchObject({ status: 206, cache: { hit: true } });
    expect(within.content.toString()).toBe('el');
    const whole = await ask(target);
    expect(responseOf(whole)).toMatchObject({ status: 200, cache: { fwd: 'partial' } });
    expect(whole.content.toString()).toBe('hello world');
  });

  test('parts of the same content that touch are one, and in the end the whole', async () => {
    const content = 'hello world';
    const target = path((_, request) => {
      const [, first = 0, last = 0] = (/(\d+)-(\d+)/.exec(request.values('range')[0] ?? '') ?? []).map(Number);
      const range = `Content-Range: bytes ${first}-${last}/11`;
      return ok([fresh, 'ETag: "a"', range], content.slice(first, last + 1), 'HTTP/1.1 206 Partial Content');
    });
    for (const range of ['bytes=0-4', 'bytes=8-10', 'bytes=5-9']) {
      expect((await ask(target, { fields: [['Range', range]] })).content.length).toBeGreaterThan(0);
      await stored(target, { fields: [['Range', range]] });
    }
    const reply = await ask(target, { fields: [['Range', 'bytes=3-9']] });
    expect(responseOf(reply)).toMatchObject({ status: 206, cache: { hit: true } });
    expect(reply.content.toString()).toBe(content.slice(3, 10));
    const whole = await ask(target);
    expect(responseOf(whole)).toMatchObject({ status: 200, cache: { hit: true } });
    expect(whole.content.toString()).toBe(content);
    expect(asked(target)).toBe(3);
  });

  test('E10: a part that is shorter than it says is not stored', async () => {
    const lines = ['HTTP/1.1 206 Partial Content', fresh, 'ETag: "a"', 'Content-Range: bytes 0-9/11'];
    const target = path(() =>
      message([...lines, 'Transfer-Encoding: chunked'], Buffer.concat([chunk('hello'), chunk()])),
    );
    const range = { fields: [['Range', 'bytes=0-9']] } as const;
    expect(unmarked(await ask(target, range)).content.toString()).toBe('hello');
    expect(responseOf(await ask(target, range)).cache).toMatchObject({ fwd: 'uri-miss' });
  });

  test('E15: a 304 that nobody has asked for is not relayed', async () => {
    const target = path(() => notModified(['ETag: "a"']));
    const { error } = failureOf(await ask(target));
    expect(error).toMatchObject({ type: 'http_protocol_error', status: 502 });
    const conditional = await ask(target, { fields: [['If-None-Match', '"a"']] });
    expect(responseOf(conditional)).toMatchObject({ status: 304, cache: { fwd: 'uri-miss', fwdStatus: 304 } });
  });

  test.each([
    ['a length', () => message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 10'], 'hello')],
    ['chunks', () => message(['HTTP/1.1 200 OK', fresh, 'Transfer-Encoding: chunked'], chunk('hello'))],
  ])('E10: content of %s that is cut off is not stored', async (_, cut) => {
    const target = path((time) => (time === 1 ? (_, socket) => void socket.end(cut()) : ok([fresh], 'whole')));
    const first = await ask(target);
    const { content } = responseOf(first);
    if (content.kind === 'length') expect(first.isComplete).toBe(false);
    else expect(unmarked(first).endRecord).not.toMatchObject({ outcome: 'complete' });
    const second = await ask(target);
    expect(responseOf(second).cache).toMatchObject({ fwd: 'uri-miss' });
    expect(second.content.toString()).toBe('whole');
  });

  test('E08: HEAD is answered by a stored GET, and stores nothing itself', async () => {
    const target = path((_, { method }) =>
      method === 'HEAD' ? message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 5']) : ok([fresh], 'hello'),
    );
    expect(responseOf(await ask(target, { method: 'HEAD' })).cache).toMatchObject({ fwd: 'uri-miss' });
    const got = await ask(target);
    expect(responseOf(got).cache).toMatchObject({ fwd: 'uri-miss', stored: true });
    expect(got.content.toString()).toBe('hello');
    await stored(target);
    const head = responseOf(await ask(target, { method: 'HEAD' }));
    expect(head).toMatchObject({ status: 200, cache: { hit: true }, content: { kind: 'none' } });
    expect(head.fields).toContainEqual(['Content-Length', '5']);
    expect(asked(target)).toBe(2);
  });

  test('an unsafe method makes what is stored unusable, under every generation; one that fails does not', async () => {
    let status = '500 Internal Server Error';
    const target = path((time, { method }) =>
      method === 'POST' ? message([`HTTP/1.1 ${status}`, 'Content-Length: 0']) : ok([fresh], `${time}`),
    );
    await ask(target);
    await ask(target, { cache: { mode: 'use', generation: '7' } });
    await stored(target);
    await stored(target, { cache: { mode: 'use', generation: '7' } });
    expect(responseOf(await ask(target, { method: 'POST' })).cache).toEqual({
      fwd: 'method',
      fwdStatus: 500,
      detail: expect.any(String),
    });
    expect(responseOf(await ask(target)).cache).toMatchObject({ hit: true });
    status = '303 See Other';
    await ask(target, { method: 'POST' });
    expect(responseOf(await ask(target)).cache).toMatchObject({ fwd: 'uri-miss' });
    expect(responseOf(await ask(target, { cache: { mode: 'use', generation: '7' } })).cache).toMatchObject({
      fwd: 'uri-miss',
    });
  });

  test('what was on its way while an unsafe method was answered is not stored', async () => {
    const released = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const target = path((time, { method }) => async (_, socket) => {
      if (time === 1) {
        begun.resolve();
        await released.promise;
      }
      socket.write(method === 'POST' ? message(['HTTP/1.1 204 No Content']) : ok([fresh], `${time}`));
    });
    const slow = ask(target);
    await begun.promise;
    await ask(target, { method: 'POST' });
    released.resolve();
    expect((await slow).content.toString()).toBe('1');
    expect((await ask(target)).content.toString()).toBe('3');
  });

  test('another generation of the agent finds nothing, and its own again', async () => {
    const target = path((time) => ok([fresh], `${time}`));
    const under = (generation: string) => ask(target, { cache: { mode: 'use', generation } });
    await under('1');
    await stored(target, { cache: { mode: 'use', generation: '1' } });
    expect((await under('2')).content.toString()).toBe('2');
    expect((await under('1')).content.toString()).toBe('1');
  });

  test('E01, E11: what differs in any octet of its URL is another resource', async () => {
    const base = path((time) => ok([fresh], `${time}`));
    const urls = ['', '?', '?a', '?a=', '?a=1&b=2', '?b=2&a=1', '/', '/%41', '/A'].map((rest) => `${base}${rest}`);
    for (const url of urls) answers.set(url, (request, socket) => void socket.write(ok([fresh], request.head)));
    const get = (host: string, target: string) =>
      exchange(edge.direct, envelopeFor(`http://${host}${target}`, { cache: use }));
    for (const host of ['one.example', 'two.example', 'one.example:8080']) {
      for (const url of urls) expect(responseOf(await get(host, url)).cache).toMatchObject({ fwd: 'uri-miss' });
    }
  });

  test('E13: bearers of two tokens share nothing', async () => {
    const target = path((time) => ok(['Cache-Control: public, max-age=600'], `${time}`));
    await ask(target);
    await stored(target);
    const envelope = envelopeFor(`http://origin.example${target}`, { cache: use });
    const incoming = await send(`${edge.direct}/v1/exchange`, {
      method: 'POST',
      fields: exchangeFields(envelope, otherToken),
    });
    const [content] = await once(incoming, 'data');
    expect(content.toString()).toBe('2');
  });

  test.each(['off', undefined] as const)('with the mode %s it neither answers nor keeps', async (mode) => {
    const target = path((time) => ok([fresh], `${time}`));
    const parts: Partial<RequestEnvelope> =
      mode === undefined ? { cache: undefined } : { cache: { mode, generation: '' } };
    expect(responseOf(await ask(target, parts))).not.toHaveProperty('cache');
    expect((await ask(target, parts)).content.toString()).toBe('2');
    expect((await ask(target)).content.toString()).toBe('3');
  });

  test.each([
    ['no-store', ['Cache-Control: no-store'], []],
    ['a stream of events', [fresh, 'Content-Type: text/event-stream; charset=utf-8'], []],
    ['private', ['Cache-Control: private, max-age=600'], []],
    ['E04: Set-Cookie', [fresh, 'Set-Cookie: a=b'], []],
    ['E05: Vary: *', [fresh, 'Vary: *'], []],
    ['E03: Authorization', [fresh], [['Authorization', 'Basic eA==']]],
    ['E02: a field by which an origin is told another host', [fresh], [['X-Forwarded-Host', 'evil.example']]],
  ] as const)('%s: it is not stored, and the outcome says why', async (_, lines, fields) => {
    const target = path((time) => ok(lines, `${time}`));
    const { cache } = responseOf(await ask(target, { fields }));
    expect(cache).toEqual({ fwd: 'uri-miss', fwdStatus: 200, detail: expect.any(String) });
    expect((await ask(target, { fields })).content.toString()).toBe('2');
  });

  test('only-if-cached without anything stored is 504, and goes nowhere', async () => {
    const target = path(() => ok([fresh], 'hello'));
    const reply = await ask(target, { fields: [['Cache-Control', 'only-if-cached']] });
    expect(failureOf(reply).error).toMatchObject({ status: 504, type: 'http_request_denied' });
    expect(asked(target)).toBe(0);
  });

  test('E08: a GET with content bypasses it', async () => {
    const target = path((time) => ok([fresh], `${time}`));
    await ask(target);
    await stored(target);
    const fat = await exchange(
      edge.direct,
      envelopeFor(`http://origin.example${target}`, { cache: use, method: 'POST', content: true }),
      'hello',
    );
    expect(responseOf(fat).cache).toMatchObject({ fwd: 'method' });
  });

  test('equal requests at once are one upstream, where what comes may be shared', async () => {
    const released = Promise.withResolvers<void>();
    const target = path((time) => async (_, socket) => {
      await released.promise;
      socket.write(ok([fresh], `${time}`));
    });
    const replies = Array.from({ length: 20 }, () => ask(target));
    await vi.waitFor(() => expect(asked(target)).toBe(1), patience);
    released.resolve();
    const all = await Promise.all(replies);
    expect(all.map(({ content }) => content.toString())).toEqual(Array(20).fill('1'));
    const outcomes = all.map((reply) => responseOf(reply).cache);
    expect(outcomes.filter((outcome) => outcome?.stored)).toHaveLength(1);
    // Who comes when it is stored already has not waited.
    expect(outcomes.filter((outcome) => outcome?.collapsed || outcome?.hit)).toHaveLength(19);
    expect(outcomes.filter((outcome) => outcome?.collapsed)).not.toHaveLength(0);
    expect(asked(target)).toBe(1);
  });

  test('equal requests at once each get their own, where what comes may not be shared', async () => {
    const released = Promise.withResolvers<void>();
    const target = path((time) => async (_, socket) => {
      if (time === 1) await released.promise;
      socket.write(ok(['Cache-Control: private'], `${time}`));
    });
    const replies = Array.from({ length: 5 }, () => ask(target));
    await origin.received(1);
    released.resolve();
    const all: Reply[] = await Promise.all(replies);
    expect(all.map(({ content }) => content.toString()).sort()).toEqual(['1', '2', '3', '4', '5']);
    for (const reply of all) expect(responseOf(reply).cache).not.toHaveProperty('collapsed');
  });

  test('content that is too large for the store flows through', async () => {
    const content = Buffer.alloc(9 * 1024 * 1024, 'x');
    const target = path(() => ok([fresh], content));
    const reply = await ask(target);
    expect(responseOf(reply).cache).toMatchObject({ fwd: 'uri-miss', detail: 'it is too large' });
    expect(reply.content.equals(content)).toBe(true);
  });

  test('content of unknown length that becomes too large for the store flows through', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const pieces = Buffer.concat([...Array.from({ length: 9 }, () => chunk(piece)), chunk()]);
    const target = path(() => message(['HTTP/1.1 200 OK', fresh, 'Transfer-Encoding: chunked'], pieces));
    const first = unmarked(await ask(target));
    expect(first.content).toHaveLength(9 * piece.length);
    expect(first.endRecord).toEqual({ outcome: 'complete' });
    expect(responseOf(await ask(target)).cache).toMatchObject({ fwd: 'uri-miss' });
  });

  test('a client that leaves near the end leaves a stored response behind', async () => {
    const left = Promise.withResolvers<void>();
    const target = path((time) => async (_, socket) => {
      if (time > 1) return void socket.write(ok([fresh], 'again'));
      socket.write(message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 10'], 'hello'));
      await left.promise;
      socket.write('world');
    });
    const fields = exchangeFields(envelopeFor(`http://origin.example${target}`, { cache: use }));
    const incoming = await send(`${edge.direct}/v1/exchange`, { method: 'POST', fields });
    incoming.on('error', () => undefined);
    await once(incoming, 'data');
    incoming.destroy();
    left.resolve();
    await stored(target);
    expect((await ask(target)).content.toString()).toBe('helloworld');
    expect(asked(target)).toBe(1);
  });

  test('a client that leaves long before the end does not keep upstream busy', async () => {
    const closed = Promise.withResolvers<void>();
    const target = path(() => (_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', fresh, `Content-Length: ${3 * 1024 * 1024}`], 'hello'));
      const drip = setInterval(() => socket.write('.'), 5);
      socket.once('close', () => {
        clearInterval(drip);
        closed.resolve();
      });
    });
    const fields = exchangeFields(envelopeFor(`http://origin.example${target}`, { cache: use }));
    const incoming = await send(`${edge.direct}/v1/exchange`, { method: 'POST', fields });
    incoming.on('error', () => undefined);
    await once(incoming, 'data');
    incoming.destroy();
    await closed.promise;
    expect(asked(target)).toBe(1);
  });

  test('a response of status 204 is stored like others', async () => {
    const target = path(() => message(['HTTP/1.1 204 No Content', fresh, `Date: ${date()}`]));
    await ask(target);
    await stored(target);
    expect(responseOf(await ask(target))).toMatchObject({
      status: 204,
      cache: { hit: true },
      content: { kind: 'none' },
    });
  });
});

describe('by a connection of its own', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEmbeddedEdge();
  });
  afterAll(() => edge[Symbol.asyncDispose]());

  test.each([
    ['together with its head', ok([fresh], 'hello')],
    [
      'in chunks',
      message(['HTTP/1.1 200 OK', fresh, 'Transfer-Encoding: chunked'], Buffer.concat([chunk('hello'), chunk()])),
    ],
    ['until the connection closes', message(['HTTP/1.1 200 OK', fresh, 'Connection: close'], 'hello')],
  ])('content that comes %s is stored', async (_, octets) => {
    await using origin = await startOrigin((_, socket) => void socket.end(octets));
    const ask = () => exchange(edge.direct, envelopeFor(origin.url, { cache: use, upstream: 'socket' }));
    expect(responseOf(await ask()).cache).toEqual({ fwd: 'uri-miss', fwdStatus: 200, stored: true });
    const hit = await ask();
    expect(responseOf(hit)).toMatchObject({ cache: { hit: true }, content: { kind: 'length', octets: 5 } });
    expect(responseOf(hit)).not.toHaveProperty('upstream');
    expect(hit.content.toString()).toBe('hello');
    expect(origin.requests).toHaveLength(1);
  });

  test('content that comes behind its head is stored, with its trailers for those who take them', async () => {
    await using origin = await startOrigin(async (_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', fresh, 'Transfer-Encoding: chunked'], chunk('hel')));
      await new Promise(setImmediate);
      socket.write(Buffer.concat([chunk('lo'), Buffer.from('0\r\nX-Sum: 7\r\n\r\n')]));
    });
    const ask = (fields: RequestEnvelope['fields']) =>
      exchange(edge.direct, envelopeFor(origin.url, { cache: use, fields }));
    const record = { outcome: 'complete', trailers: [['X-Sum', '7']] };
    const trailers = [['TE', 'trailers']] as const;
    expect(unmarked(await ask(trailers))).toEqual({ content: Buffer.from('hello'), endRecord: record });
    const hit = await ask(trailers);
    expect(responseOf(hit).cache).toMatchObject({ hit: true });
    expect(unmarked(hit)).toEqual({ content: Buffer.from('hello'), endRecord: record });
    const without = await ask([]);
    expect(responseOf(without)).toMatchObject({ cache: { hit: true }, content: { kind: 'length', octets: 5 } });
    expect(origin.requests).toHaveLength(1);
  });
});
