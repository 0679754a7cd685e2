// Parts of a content: several become one in the store, and the whole once the rest has come.
import { describe, expect, test } from 'vitest';
import type { Field } from '../../../../http/fields.ts';
import { type Got, response, stream, type TestCache, testCache } from '../../../support/caching.ts';

const whole = '0123456789';
const lines = ['Cache-Control: max-age=60', 'ETag: "1"'];

describe('parts that a client asks for', () => {
  test('are stored, and answer what lies within them', async () => {
    const cache = testCache();
    await ask(cache, [2, 5]);
    expect(await ask(cache, [3, 4])).toEqual({ status: 206, octets: '34', range: 'bytes 3-4/10' });
    expect(cache.asked).toHaveLength(1);
  });

  test.each([
    ['behind', [2, 5], [6, 8], 'bytes 2-8/10'],
    ['before', [6, 8], [2, 5], 'bytes 2-8/10'],
    ['over the end', [2, 5], [4, 8], 'bytes 2-8/10'],
    ['over the beginning', [4, 8], [2, 5], 'bytes 2-8/10'],
    ['around', [4, 5], [2, 8], 'bytes 2-8/10'],
  ] as const)('become one when the second lies %s', async (_, one, other, range) => {
    const cache = testCache();
    await ask(cache, one);
    const second = await ask(cache, other);
    expect(second.octets).toBe(whole.slice(other[0], other[1] + 1));
    expect(await ask(cache, [2, 8])).toEqual({ status: 206, octets: '2345678', range });
    expect(cache.asked).toHaveLength(2);
    expect(cache.store.entries).toHaveLength(1);
  });

  test('become the whole', async () => {
    const cache = testCache();
    await ask(cache, [0, 5]);
    await ask(cache, [6, 9]);
    const { status, received } = await cache.get();
    expect([status, received.octets, cache.asked.length]).toEqual([200, whole, 2]);
  });

  test('of another version replace those of the one before', async () => {
    const cache = testCache();
    await ask(cache, [0, 5]);
    await ask(cache, [6, 9], 'ETag: "2"');
    expect(cache.store.entries).toMatchObject([{ stored: { part: { first: 6 }, octets: 4 } }]);
  });

  test('that break off leave what is stored as it is', async () => {
    const cache = testCache();
    await ask(cache, [0, 5]);
    const content = stream();
    cache.reply = () => response([...lines, 'Content-Range: bytes 6-9/10'], content, 206);
    await cache.get(['Range', 'bytes=6-9']);
    content.write('67');
    content.fail();
    expect(cache.store.entries).toMatchObject([{ stored: { part: { first: 0 }, octets: 6 } }]);
  });

  test('that come in pieces are cut right', async () => {
    const cache = testCache();
    await ask(cache, [4, 5]);
    const content = stream();
    cache.reply = () => response([...lines, 'Content-Range: bytes 0-9/10'], content, 206);
    const { received } = await cache.get(['Range', 'bytes=0-9']);
    for (const octet of whole) content.write(octet);
    content.end();
    expect(received.octets).toBe(whole);
    expect((await cache.get()).received.octets).toBe(whole);
    expect(cache.asked).toHaveLength(2);
  });
});

describe('the whole', () => {
  test.each([
    ['end', [0, 5], 'bytes=6-', 'bytes 6-9/10', '6789'],
    ['beginning', [6, 9], 'bytes=0-5', 'bytes 0-5/10', '012345'],
  ] as const)('is completed with its %s', async (_, stored, range, contentRange, rest) => {
    const cache = testCache();
    await ask(cache, stored);
    cache.reply = () => response([...lines, `Content-Range: ${contentRange}`], rest, 206);
    const got = await cache.get();
    expect([got.status, got.received]).toMatchObject([200, { octets: whole, endings: ['end'] }]);
    expect(got.trace.cache).toEqual({ agent: { fwd: 'partial', fwdStatus: 206, stored: true } });
    expect(cache.asked[1]?.forwardFields).toEqual([
      ['Range', range],
      ['If-Range', '"1"'],
    ]);
    expect((await cache.get()).received.octets).toBe(whole);
    expect(cache.asked).toHaveLength(2);
  });

  test('comes anew where it has changed', async () => {
    const cache = testCache();
    await ask(cache, [0, 5]);
    cache.reply = () => response([...lines, 'ETag: "2"'], 'changed');
    expect((await cache.get()).received.octets).toBe('changed');
    expect((await cache.get()).received.octets).toBe('changed');
  });

  test.each([
    ['of another version', 206, 'bytes 6-9/10', 'ETag: "2"'],
    ['other than what was asked for', 206, 'bytes 8-9/10', 'ETag: "1"'],
    ['that does not exist any more', 416, 'bytes */3', 'ETag: "1"'],
  ])('is asked for anew when the next hop gives a part %s', async (_, status, range, tag) => {
    const cache = testCache();
    await ask(cache, [0, 5]);
    cache.reply = ({ forwardFields }) =>
      forwardFields.length > 0
        ? response(['Cache-Control: max-age=60', tag, `Content-Range: ${range}`], 'rest', status)
        : response([...lines, tag], 'anew');
    const { status: got, received } = await cache.get();
    expect([got, received.octets, cache.asked.length]).toEqual([200, 'anew', 3]);
  });

  test('is asked for at once where the part has no strong tag', async () => {
    const cache = testCache();
    await ask(cache, [0, 5], 'ETag: W/"1"');
    cache.reply = () => response(lines, whole);
    await cache.get();
    expect(cache.asked[1]?.forwardFields).toEqual([]);
  });

  test('E10 is not what a part that breaks off makes', async () => {
    const cache = testCache();
    await ask(cache, [0, 5]);
    const content = stream();
    cache.reply = () => response([...lines, 'Content-Range: bytes 6-9/10'], content, 206);
    const { received } = await cache.get();
    content.write('67');
    content.fail();
    expect(received).toMatchObject({ octets: '01234567', endings: ['http_response_incomplete'] });
    expect(cache.store.entries).toMatchObject([{ stored: { part: { first: 0 } } }]);
  });
});

async function ask(cache: TestCache, [first, last]: readonly [number, number], tag = 'ETag: "1"') {
  const range = `bytes ${first}-${last}/10`;
  cache.reply = () =>
    response(['Cache-Control: max-age=60', tag, `Content-Range: ${range}`], whole.slice(first, last + 1), 206);
  return told(await cache.get(['Range', `bytes=${first}-${last}`]));
}

function told({ status, received, fields }: Got) {
  const isRange = ([name]: Field) => name === 'Content-Range';
  return { status, octets: received.octets, range: fields.find(isRange)?.[1] };
}
