// Equal requests at once: who waits for whose answer, for how long, and what becomes of them.
import { describe, expect, test } from 'vitest';
import { cacheBounds } from '../../../../agent/proxy/cache/bounds.ts';
import { createShared } from '../../../../agent/proxy/cache/cached.ts';
import type { Outcome, PlannedRequest } from '../../../../agent/proxy/ports.ts';
import { failure, type Got, type Reply, response, stream, testCache } from '../../../support/caching.ts';
import { fakeStore } from '../../../support/fake-store.ts';
import { stillClock } from '../../../support/walk.ts';

const fresh = 'Cache-Control: max-age=60';

test('a hundred at once make one request, whose content reaches all as it comes', async () => {
  const cache = testCache();
  const { reply, answer } = held();
  cache.reply = reply;
  const all = Array.from({ length: 100 }, () => cache.get());
  await turns();
  expect(cache.asked).toHaveLength(1);
  const content = stream();
  answer(response([fresh], content));
  const got = await Promise.all(all);
  content.write('con');
  expect(got.map(({ received }) => received.octets)).toEqual(got.map(() => 'con'));
  content.write('tent');
  content.end();
  expect(got.every(({ received }) => received.octets === 'content' && received.endings[0] === 'end')).toBe(true);
  expect(got.map(({ trace }) => trace.cache?.agent?.collapsed)).toEqual([undefined, ...Array(99).fill(true)]);
  expect(got[1]?.trace.cache).toEqual({ agent: { fwd: 'uri-miss', fwdStatus: 200, collapsed: true, ttl: 60 } });
  expect(got[1]?.fields).toContainEqual(['Age', '0']);
  expect(cache.asked).toHaveLength(1);
});

test('one that comes while the content does gets all of it', async () => {
  const cache = testCache();
  const content = stream();
  cache.reply = () => response([fresh], content);
  await cache.get();
  content.write('con');
  const late = await cache.get();
  expect(late.received.octets).toBe('con');
  content.write('tent');
  content.end([['X-Sum', '7']]);
  expect(late.received).toEqual({ octets: 'content', endings: ['end'], trailers: [['X-Sum', '7']] });
  expect(cache.asked).toHaveLength(1);
});

test('content that breaks off breaks off for all', async () => {
  const cache = testCache();
  const content = stream();
  cache.reply = () => response([fresh], content);
  const got = await Promise.all([cache.get(), cache.get()]);
  content.write('con');
  content.fail();
  expect(got.map(({ received }) => received.endings)).toEqual([
    ['http_response_incomplete'],
    ['http_response_incomplete'],
  ]);
});

test('an answer that is for one only lets the others go on, and nobody waits for the next one', async () => {
  const cache = testCache();
  const { reply, answer } = held();
  cache.reply = reply;
  const all = [cache.get(), cache.get(), cache.get()];
  await turns();
  expect(cache.asked).toHaveLength(1);
  cache.reply = () => response(['Cache-Control: private'], 'own');
  answer(response(['Cache-Control: private'], 'own'));
  expect((await Promise.all(all)).map(({ received }) => received.octets)).toEqual(['own', 'own', 'own']);
  expect(cache.asked).toHaveLength(3);
  cache.reply = () => new Promise(() => undefined);
  void cache.get();
  void cache.get();
  await turns();
  expect(cache.asked).toHaveLength(5);
});

test('E05 an answer for another variant is not shared', async () => {
  const cache = testCache();
  const language = ({ forwardFields }: PlannedRequest) => forwardFields[0]?.[1] ?? '';
  const { reply, answer } = held();
  cache.reply = reply;
  const all = ['de', 'fr', 'de', 'fr'].map((value) => cache.get(['Accept-Language', value]));
  await turns();
  cache.reply = (request) => response([fresh, 'Vary: Accept-Language'], language(request));
  answer(response([fresh, 'Vary: Accept-Language'], 'de'));
  expect((await Promise.all(all)).map(({ received }) => received.octets)).toEqual(['de', 'fr', 'de', 'fr']);
  expect(cache.asked.map(language)).toEqual(['de', 'fr']);
});

test.each([
  ['a range', ['Range', 'bytes=0-1']],
  ['a condition', ['If-None-Match', '"1"']],
  ['a wish for an answer of its own', ['Cache-Control', 'no-cache']],
  ['a wish that nothing is kept', ['Cache-Control', 'no-store']],
] as const)('%s is not waited for, and does not wait', async (_, field) => {
  const cache = testCache();
  cache.reply = () => new Promise(() => undefined);
  void cache.get();
  void cache.get(field);
  void cache.get(field);
  await turns();
  expect(cache.asked).toHaveLength(3);
});

test('an answer that does not come is waited for no longer than a bound', async () => {
  const cache = testCache({ maxCollapsedWaitMs: 1 });
  let isFirst = true;
  cache.reply = () => {
    if (!isFirst) return response([fresh], 'second');
    isFirst = false;
    return new Promise(() => undefined);
  };
  void cache.get();
  expect((await cache.get()).received.octets).toBe('second');
});

test('a failure is that of all who waited', async () => {
  const cache = testCache();
  const { reply, answer } = held();
  cache.reply = reply;
  const all = [cache.get(), cache.get(), cache.get()];
  await turns();
  answer(failure());
  expect((await Promise.all(all)).map(({ status }) => status)).toEqual([502, 502, 502]);
  expect(cache.asked).toHaveLength(1);
});

test('what was begun before a reload is waited for after it, and an unsafe request outdates it', async () => {
  const store = fakeStore();
  const knowledge = createShared({ clock: stillClock(), bounds: cacheBounds });
  const [before, after] = [testCache({}, { store, knowledge }), testCache({}, { store, knowledge })];
  const { reply, answer } = held();
  before.reply = reply;
  const first = before.get();
  const second = after.get();
  await turns();
  expect(after.asked).toHaveLength(0);
  answer(response([fresh], 'before'));
  expect((await first).received.octets + (await second).received.octets).toBe('beforebefore');
  store.find('http://o.example/').forEach(store.remove);
  const held2 = held();
  before.reply = held2.reply;
  const third = before.get();
  after.reply = () => response([], 'done');
  await after.ask({ method: 'PUT' });
  held2.answer(response([fresh], 'outdated'));
  expect((await third).received.octets).toBe('outdated');
  expect(store.find('http://o.example/')).toEqual([]);
});

test('a failure is not that of one whom a rule sends another way', async () => {
  const cache = testCache();
  const { reply, answer } = held();
  cache.reply = reply;
  const plan = { rules: ['r'], route: { rule: 'r', action: 'direct' }, onResponse: {} } as const;
  const all = [cache.get(), cache.ask({ forwardFields: [], plan }), cache.get()];
  await turns();
  expect(cache.asked).toHaveLength(1);
  cache.reply = () => response([fresh], 'direct');
  answer(failure());
  expect((await Promise.all(all)).map(({ status }) => status)).toEqual([502, 200, 502]);
  expect(cache.asked.map((request) => request.plan?.route?.rule)).toEqual([undefined, 'r']);
});

test('what nobody foresaw fails for one only', async () => {
  const cache = testCache();
  const { reply, fail } = held();
  cache.reply = reply;
  const first = cache.get();
  const second = cache.get();
  await turns();
  cache.reply = () => response([fresh], 'second');
  fail(new TypeError('unforeseen'));
  await expect(first).rejects.toThrow('unforeseen');
  expect((await second).received.octets).toBe('second');
});

describe('what is stale', () => {
  test('is validated once for all', async () => {
    const cache = testCache();
    cache.reply = () => response([fresh, 'ETag: "1"'], 'content');
    await cache.get();
    cache.clock.at = 61_000;
    const { reply, answer } = held();
    cache.reply = reply;
    const all = [cache.get(), cache.get(), cache.get()];
    await turns();
    answer(response([fresh, 'ETag: "1"'], '', 304));
    expect((await Promise.all(all)).map(({ received }) => received.octets)).toEqual(['content', 'content', 'content']);
    expect((await all[1])?.trace.cache).toEqual({ agent: { fwd: 'stale', collapsed: true, ttl: 60 } });
    expect(cache.asked).toHaveLength(2);
  });

  test('answers all when validation fails', async () => {
    const cache = testCache();
    cache.reply = () => response(['Cache-Control: max-age=60, stale-if-error=60', 'ETag: "1"'], 'content');
    await cache.get();
    cache.clock.at = 61_000;
    const { reply, answer } = held();
    cache.reply = reply;
    const all = [cache.get(), cache.get()];
    await turns();
    answer(response([], '', 503));
    expect((await Promise.all(all)).map(({ received }) => received.octets)).toEqual(['content', 'content']);
    expect(cache.asked).toHaveLength(2);
  });
});

describe('a client that leaves', () => {
  test('before the answer ends a request that nobody else waits for', async () => {
    const cache = testCache();
    const first = departing();
    let isCancelled = false;
    cache.reply = ({ onLeave }) => {
      onLeave(() => {
        isCancelled = true;
      });
      return new Promise(() => undefined);
    };
    void cache.ask({ onLeave: first.onLeave });
    await turns();
    first.leave();
    expect(isCancelled).toBe(true);
    void cache.get();
    await turns();
    expect(cache.asked).toHaveLength(2);
  });

  test('before the request went on is told to the next hop at once', async () => {
    const cache = testCache();
    const cancelled: string[] = [];
    cache.reply = ({ onLeave }) => {
      onLeave(() => cancelled.push('at once'));
      return failure();
    };
    await cache.ask({ onLeave: (listener) => listener() });
    expect(cancelled).toEqual(['at once']);
  });

  test('before the answer does not end a request that others wait for, until they have left too', async () => {
    const cache = testCache();
    const [first, second] = [departing(), departing()];
    let isCancelled = false;
    cache.reply = ({ onLeave }) => {
      onLeave(() => {
        isCancelled = true;
      });
      return new Promise(() => undefined);
    };
    void cache.ask({ onLeave: first.onLeave });
    const waiting = cache.ask({ onLeave: second.onLeave });
    await turns();
    first.leave();
    expect(isCancelled).toBe(false);
    second.leave();
    expect(isCancelled).toBe(true);
    expect((await waiting).status).toBe(499);
  });

  test('leaves the answer to those who wait', async () => {
    const cache = testCache();
    const first = departing();
    const { reply, answer } = held();
    cache.reply = reply;
    const left = cache.ask({ onLeave: first.onLeave });
    const second = cache.get();
    await turns();
    first.leave();
    const content = stream();
    answer(response([fresh], content));
    cancelled(await left);
    const { received } = await second;
    content.write('content');
    content.end();
    expect(received).toMatchObject({ octets: 'content', endings: ['end'] });
  });
});

function cancelled({ outcome }: Got): void {
  if (outcome.kind === 'response' && outcome.response.content.kind === 'some') outcome.response.content.source.cancel();
}

/** A client that leaves when it is told to. */
function departing(): { readonly onLeave: (listener: () => void) => void; readonly leave: () => void } {
  const listeners: (() => void)[] = [];
  return {
    onLeave: (listener) => void listeners.push(listener),
    leave: () => {
      for (const listener of listeners) listener();
    },
  };
}

/** A next hop that answers later. */
function held(): { readonly reply: Reply; answer(outcome: Outcome): void; fail(cause: Error): void } {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  return { reply: () => promise, answer: resolve, fail: reject };
}

/** Lets everything happen that waits for nothing from outside. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}
