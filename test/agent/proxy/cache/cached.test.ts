// The cache before the next hop: what answers from the store, what goes on, and what is made of the answer.
import { describe, expect, test } from 'vitest';
import type { Field } from '../../../../http/fields.ts';
import type { RequestPlan } from '../../../../http/plan/plan.ts';
import { failure, response, stream, type TestCache, testCache } from '../../../support/caching.ts';

const fresh = 'Cache-Control: max-age=60';

describe('what is stored', () => {
  test('answers without the next hop, with its age', async () => {
    const cache = await stored(fresh, 'ETag: "1"');
    cache.clock.at = 5_000;
    const { status, fields, received, trace } = await cache.get();
    expect({ status, received }).toMatchObject({ status: 200, received: { octets: 'content', endings: ['end'] } });
    expect(fields).toContainEqual(['Age', '5']);
    expect(fields).toContainEqual(['ETag', '"1"']);
    expect(cache.asked).toHaveLength(1);
    expect(trace.cache).toEqual({ agent: { hit: true, ttl: 55 } });
    expect(trace.stamps['request-relayed']).toBeUndefined();
  });

  test('is said to be stored by the answer that brought it', async () => {
    const cache = testCache();
    cache.reply = () => response([fresh], 'content');
    const { trace, received } = await cache.get();
    expect(trace.cache).toEqual({ agent: { fwd: 'uri-miss', fwdStatus: 200, stored: true } });
    expect(received).toMatchObject({ octets: 'content', endings: ['end'] });
  });

  test('answers HEAD', async () => {
    const cache = await stored(fresh);
    const { outcome, fields } = await cache.ask({ method: 'HEAD' });
    expect(outcome).toMatchObject({ response: { status: 200, content: { kind: 'none' } } });
    expect(fields).toContainEqual(['Content-Length', '7']);
    expect(cache.asked).toHaveLength(1);
  });

  test('answers a range', async () => {
    const cache = await stored(fresh);
    const { status, fields, received } = await cache.get(['Range', 'bytes=1-3']);
    expect({ status, octets: received.octets }).toEqual({ status: 206, octets: 'ont' });
    expect(fields).toContainEqual(['Content-Range', 'bytes 1-3/7']);
    expect(cache.asked).toHaveLength(1);
  });

  test('answers several ranges', async () => {
    const cache = await stored(fresh, 'Content-Type: text/plain');
    const { received } = await cache.get(['Range', 'bytes=0-0,6-6']);
    expect(received.octets.split('\r\n').filter((line) => /^(?:--|[ct]$)/.test(line))).toEqual([
      '--b0undary',
      'c',
      '--b0undary',
      't',
      '--b0undary--',
    ]);
  });

  test('answers a condition', async () => {
    const cache = await stored(fresh, 'ETag: "1"');
    const { outcome } = await cache.get(['If-None-Match', '"1"']);
    expect(outcome).toMatchObject({ response: { status: 304, content: { kind: 'none' } } });
    expect(cache.asked).toHaveLength(1);
  });

  test('comes from the disk, with its trailers', async () => {
    const cache = testCache();
    const content = stream();
    cache.reply = () => response([fresh], content);
    await cache.get();
    content.write('content');
    content.end([['X-Sum', '7']]);
    cache.store.isOnDisk = true;
    const { received } = await cache.get();
    await turns();
    expect(received).toEqual({ octets: 'content', endings: ['end'], trailers: [['X-Sum', '7']] });
  });

  test('is a miss where the disk has lost it', async () => {
    const cache = await stored(fresh);
    cache.store.isOnDisk = true;
    cache.store.isLost = true;
    cache.reply = () => response([fresh], 'again');
    expect((await cache.get()).received.octets).toBe('again');
    cache.store.isLost = false;
    await cache.get();
    expect(cache.asked).toHaveLength(2);
  });

  test('is all there is for a client that asks for nothing else', async () => {
    const cache = testCache();
    const { status, outcome } = await cache.get(['Cache-Control', 'only-if-cached']);
    expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'http_request_denied' } });
    expect({ status, asked: cache.asked.length }).toEqual({ status: 504, asked: 0 });
  });
});

describe('what a rule keeps from answering', () => {
  const ofText = { type: ['text/plain'] };
  test.each<[string, NonNullable<RequestPlan['onResponse']['cache']>]>([
    ['bypass', [{ rule: 'r', action: 'bypass' }]],
    ['validate', [{ rule: 'r', action: 'validate' }]],
    ['bypass, by what is stored', [{ rule: 'r', action: 'bypass', when: ofText }]],
    ['validate, by what is stored', [{ rule: 'r', action: 'validate', when: ofText }]],
  ])('does not answer a client that asks for nothing else, and nobody is asked for it: %s', async (_, candidates) => {
    const cache = await stored(fresh, 'ETag: "1"', 'Content-Type: text/plain');
    const plan = { rules: ['r'], onResponse: { cache: candidates } };
    const { status } = await cache.ask({ plan, forwardFields: [['Cache-Control', 'only-if-cached']] });
    expect({ status, asked: cache.asked.length }).toEqual({ status: 504, asked: 1 });
    await cache.ask({ plan, forwardFields: [] });
    expect(cache.asked).toHaveLength(2);
  });
});

describe('what is not stored', () => {
  test.each([
    ['the response says no-store', ['Cache-Control: no-store'], []],
    ['the request says no-store', [fresh], [['Cache-Control', 'no-store']]],
  ] as const)('%s', async (because, lines, fields: readonly Field[]) => {
    const cache = testCache();
    cache.reply = () => response(lines, 'content');
    const { trace } = await cache.get(...fields);
    expect(trace.cache?.agent).toMatchObject({ fwdStatus: 200, detail: because });
    await cache.get(...fields);
    expect(cache.asked).toHaveLength(2);
    expect(cache.store.entries).toEqual([]);
  });

  test('what the store does not take reaches the client all the same', async () => {
    const cache = testCache();
    cache.store.isFull = true;
    cache.reply = () => response([fresh], 'content');
    expect((await cache.get()).received).toMatchObject({ octets: 'content', endings: ['end'] });
  });

  test('E08 a GET with content is nobody else’s, and is not answered from what is stored', async () => {
    const cache = await stored(fresh);
    const { trace } = await cache.ask({ content: {} as never });
    expect(trace.cache?.agent).toMatchObject({ fwd: 'bypass' });
    expect(cache.asked).toHaveLength(2);
  });

  test('E08 an answer to HEAD is not stored', async () => {
    const cache = testCache();
    cache.reply = () => response([fresh]);
    await cache.ask({ method: 'HEAD' });
    expect(cache.store.entries).toEqual([]);
  });

  test('E10 content that breaks off', async () => {
    const cache = testCache();
    const content = stream();
    cache.reply = () => response([fresh], content);
    const { received } = await cache.get();
    content.write('cont');
    content.fail();
    expect(received).toMatchObject({ octets: 'cont', endings: ['http_response_incomplete'] });
    expect(cache.store.entries).toEqual([]);
  });
});

describe('what is stale', () => {
  test('is validated, and answers once it is confirmed', async () => {
    const cache = await stored(fresh, 'ETag: "1"');
    cache.clock.at = 61_000;
    cache.reply = () => response(['ETag: "1"', 'Cache-Control: max-age=30'], '', 304);
    const { trace, received, status } = await cache.get();
    expect({ status, octets: received.octets }).toEqual({ status: 200, octets: 'content' });
    expect(cache.asked[1]).toMatchObject({ forwardFields: [['If-None-Match', '"1"']], edgeCache: 'validate' });
    expect(trace.cache).toEqual({ agent: { fwd: 'stale', fwdStatus: 304, ttl: 30 } });
    expect((await cache.get()).trace.cache).toEqual({ agent: { hit: true, ttl: 30 } });
  });

  test('gives way to a new response', async () => {
    const cache = await stored(fresh, 'ETag: "1"');
    cache.clock.at = 61_000;
    cache.reply = () => response(['ETag: "2"', fresh], 'new');
    expect((await cache.get()).received.octets).toBe('new');
    expect((await cache.get()).received.octets).toBe('new');
    expect(cache.asked).toHaveLength(2);
  });

  test('gives way to a new response that the client has already', async () => {
    const cache = await stored(fresh, 'ETag: "1"');
    cache.clock.at = 61_000;
    const content = stream();
    cache.reply = () => response(['ETag: "2"', fresh], content);
    const { status, received } = await cache.get(['If-None-Match', '"2"']);
    content.write('new');
    content.end();
    expect({ status, octets: received.octets }).toEqual({ status: 304, octets: '' });
    expect((await cache.get()).received.octets).toBe('new');
  });

  test('E15 is asked for anew when a 304 is about something else', async () => {
    const cache = await stored(fresh, 'ETag: "1"');
    cache.clock.at = 61_000;
    cache.reply = ({ forwardFields }) =>
      forwardFields.length > 0 ? response(['ETag: "9"'], '', 304) : response([fresh], 'new');
    expect((await cache.get()).received.octets).toBe('new');
    expect(cache.asked.map(({ forwardFields }) => forwardFields.length)).toEqual([0, 1, 0]);
  });

  test('E15 a 304 that nobody asked for is an error', async () => {
    const cache = testCache();
    cache.reply = () => response([], '', 304);
    expect((await cache.get()).outcome).toMatchObject({ kind: 'failed', error: { type: 'http_protocol_error' } });
    expect((await cache.get(['If-None-Match', '"1"'])).status).toBe(304);
  });

  test('answers in place of a failure where its origin allows that', async () => {
    const cache = await stored('Cache-Control: max-age=60, stale-if-error=60');
    cache.clock.at = 61_000;
    cache.reply = () => response([], 'sorry', 503);
    const { received, trace } = await cache.get();
    expect(received.octets).toBe('content');
    expect(trace.cache?.agent).toMatchObject({ fwd: 'stale', fwdStatus: 503, ttl: -1 });
    cache.reply = failure;
    expect((await cache.get()).received.octets).toBe('content');
    cache.clock.at = 121_000;
    cache.reply = () => response([], 'sorry', 503);
    expect((await cache.get()).received.octets).toBe('sorry');
  });

  test('RFC 9111 5.2.2.2: never answers in place of a failure where it must be validated', async () => {
    const cache = await stored('Cache-Control: max-age=60, must-revalidate, stale-if-error=60');
    cache.clock.at = 61_000;
    cache.reply = failure;
    expect((await cache.get()).status).toBe(502);
  });

  test('answers at once and is validated behind the client’s back, once, without what the client alone wants', async () => {
    const cache = await stored('Cache-Control: max-age=60, stale-while-revalidate=60', 'ETag: "1"');
    cache.clock.at = 61_000;
    const content = stream();
    cache.reply = () => response([fresh, 'ETag: "2"'], content);
    const { received, trace } = await cache.get(['If-Match', '"1"']);
    expect(received.octets).toBe('content');
    expect(trace.cache).toEqual({ agent: { hit: true, ttl: -1 } });
    await cache.get();
    await turns();
    content.write('new');
    expect(cache.told).not.toContain('finished');
    content.end();
    expect(cache.told).toEqual(['finished']);
    expect(cache.background).toMatchObject([
      { response: { status: 200 }, cache: { agent: { fwd: 'stale', stored: true } } },
    ]);
    expect((await cache.get()).received.octets).toBe('new');
    expect(cache.asked.map(({ forwardFields }) => forwardFields)).toEqual([[], [['If-None-Match', '"1"']]]);
  });

  test('what fails behind a client’s back fails in its own record only', async () => {
    const cache = await stored('Cache-Control: max-age=60, stale-while-revalidate=60', 'ETag: "1"');
    cache.clock.at = 61_000;
    cache.reply = () => {
      throw new TypeError('unforeseen');
    };
    expect((await cache.get()).received.octets).toBe('content');
    await turns();
    expect(cache.background).toMatchObject([{ failure: { error: { type: 'proxy_internal_error' } } }]);
    cache.reply = failure;
    await cache.get();
    await turns();
    expect(cache.background[1]).toMatchObject({ failure: { error: { type: 'connection_refused' } } });
    expect(cache.told).toEqual(['finished', 'finished']);
  });

  test('a HEAD that tells another length makes it unusable', async () => {
    const cache = await stored(fresh);
    cache.reply = () => response(['Content-Length: 9', fresh]);
    await cache.ask({ method: 'HEAD', forwardFields: [['Cache-Control', 'no-cache']] });
    expect(cache.store.entries).toEqual([]);
  });
});

describe('a request that changes something', () => {
  test.each(['POST', 'PUT', 'DELETE', 'M-SEARCH'])('%s makes what is stored unusable', async (method) => {
    const cache = await stored(fresh);
    cache.reply = () => response(['Location: /other'], '', 201);
    const { trace } = await cache.ask({ method, url: 'http://o.example/' });
    expect(trace.cache).toEqual({ agent: { fwd: 'method', fwdStatus: 201 } });
    expect(cache.store.entries).toEqual([]);
  });

  test('changes nothing when it fails', async () => {
    const cache = await stored(fresh);
    cache.reply = () => response([], '', 403);
    await cache.ask({ method: 'DELETE' });
    cache.reply = failure;
    await cache.ask({ method: 'DELETE' });
    expect(cache.store.entries).toHaveLength(1);
  });

  test('makes what is on its way unusable too, though not for those who wait for it', async () => {
    const cache = testCache();
    const content = stream();
    cache.reply = () => response([fresh], content);
    const first = await cache.get();
    const second = await cache.get();
    cache.reply = () => response([], '', 204);
    await cache.ask({ method: 'DELETE' });
    content.write('old');
    content.end();
    expect([first.received, second.received]).toMatchObject([{ octets: 'old' }, { octets: 'old' }]);
    expect(cache.store.entries).toEqual([]);
  });

  test('RFC 9110 9.3.3: what a POST answers may be stored for GETs to come', async () => {
    const cache = testCache();
    cache.reply = () => response([fresh, 'Content-Location: http://o.example/'], 'posted');
    expect((await cache.ask({ method: 'POST', content: {} as never })).received.octets).toBe('posted');
    expect((await cache.get()).received.octets).toBe('posted');
    expect(cache.asked).toHaveLength(1);
  });
});

/** A cache that has stored `content`, which came with these lines. */
async function stored(...lines: readonly string[]): Promise<TestCache> {
  const cache = testCache();
  cache.reply = () => response(lines, 'content');
  await cache.get();
  expect(cache.store.entries).toHaveLength(1);
  return cache;
}

/** Lets everything happen that waits for nothing from outside. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}
