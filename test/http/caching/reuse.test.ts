// Whether what is stored may answer a request now. RFC 9111 4.
import { describe, expect, test } from 'vitest';
import { type ForwardFailure, mayServeOnError, reuse } from '../../../http/caching/reuse.ts';
import { selectingOf } from '../../../http/caching/select.ts';
import type { CacheRequest, StoredResponse } from '../../../http/caching/stored.ts';
import type { Field } from '../../../http/fields.ts';

const came = Date.UTC(2026, 10, 21, 12);
const url = 'http://o.example/a';

function stored(fields: readonly Field[], more: Partial<StoredResponse> = {}): StoredResponse {
  const times = { requestTime: came, responseTime: came };
  return { status: 200, reason: 'OK', fields, ...times, url, selecting: [], octets: 10, ...more };
}

function request(fields: readonly Field[] = [], method = 'GET'): CacheRequest {
  return { method, url, fields };
}

const cc = (value: string): Field => ['Cache-Control', value];

/** What becomes of a request so many seconds after the only response was stored. */
function outcome(seconds: number, response: string, asked = '', mayServeStale = true) {
  const entries = [{ stored: stored([cc(response), ['ETag', '"a"']]) }];
  const { kind, ...rest } = reuse(entries, request([cc(asked)]), came + seconds * 1000, { mayServeStale });
  return 'because' in rest
    ? `${kind} because ${rest.because}`
    : 'revalidate' in rest && rest.revalidate
      ? `${kind}, revalidate`
      : kind;
}

describe('by what the response says', () => {
  test.each<[string, number, string, string]>([
    ['RFC 9111 4.2: fresh', 59, 'max-age=60', 'fresh'],
    ['its lifetime is its age', 60, 'max-age=60', 'validate because stale'],
    ['RFC 9111 5.2.2.4: no-cache', 1, 'max-age=60, no-cache', 'validate because stale'],
    ['no-cache for some fields only', 1, 'max-age=60, no-cache="a"', 'fresh'],
    ['RFC 9111 5.2.2.2: must-revalidate, fresh', 1, 'max-age=60, must-revalidate', 'fresh'],
    ['RFC 9111 5.2.2.10: s-maxage before max-age', 1, 'max-age=0, s-maxage=60', 'fresh'],
    ['a longer max-age beside it', 5, 'max-age=60, s-maxage=1', 'validate because stale'],
    ['RFC 5861 3: stale-while-revalidate', 70, 'max-age=60, stale-while-revalidate=10', 'stale, revalidate'],
    ['when that is over', 70.001, 'max-age=60, stale-while-revalidate=10', 'validate because stale'],
    [
      'must-revalidate forbids it',
      61,
      'max-age=60, must-revalidate, stale-while-revalidate=10',
      'validate because stale',
    ],
    [
      'proxy-revalidate forbids it',
      61,
      'max-age=60, proxy-revalidate, stale-while-revalidate=10',
      'validate because stale',
    ],
    ['s-maxage forbids it', 61, 's-maxage=60, stale-while-revalidate=10', 'validate because stale'],
    ['RFC 8246: immutable, fresh', 59, 'max-age=60, immutable', 'fresh'],
    ['RFC 8246: immutable, stale', 61, 'max-age=60, immutable', 'validate because stale'],
  ])('%s', (_, seconds, response, expected) => {
    expect(outcome(seconds, response)).toBe(expected);
  });
});

describe('by what the request says, RFC 9111 5.2.1', () => {
  test.each<[string, number, string, string, string]>([
    ['no-cache', 1, 'max-age=60', 'no-cache', 'validate because request'],
    ['no-cache for something', 1, 'max-age=60', 'no-cache="a"', 'validate because request'],
    ['no-cache, stale', 61, 'max-age=60', 'no-cache', 'validate because request'],
    ['no-store', 1, 'max-age=60', 'no-store', 'forward because request'],
    ['max-age=0 at once', 0, 'max-age=60', 'max-age=0', 'validate because request'],
    ['max-age as old as it is', 5, 'max-age=60', 'max-age=5', 'fresh'],
    ['max-age, too old', 5.001, 'max-age=60', 'max-age=5', 'validate because request'],
    [
      'RFC 8246: max-age=0 of a client that reloads, although immutable',
      6,
      'max-age=60, immutable',
      'max-age=0',
      'validate because request',
    ],
    ['min-fresh that is met', 50, 'max-age=60', 'min-fresh=10', 'fresh'],
    ['min-fresh that is not', 50.001, 'max-age=60', 'min-fresh=10', 'validate because request'],
    ['E12: an invalid min-fresh', 1, 'max-age=60', 'min-fresh=x', 'validate because request'],
    ['max-stale', 1000, 'max-age=60', 'max-stale', 'stale'],
    ['max-stale that is enough', 70, 'max-age=60', 'max-stale=10', 'stale'],
    ['max-stale that is not', 70.001, 'max-age=60', 'max-stale=10', 'validate because stale'],
    ['E13: max-stale, but it was never fresh', 1, 'max-age=0', 'max-stale', 'validate because stale'],
    ['E13: max-stale, but nothing says how long it is fresh', 1, 'public', 'max-stale', 'validate because stale'],
    ['max-stale, fresh', 1, 'max-age=60', 'max-stale=10', 'fresh'],
    ['max-stale against must-revalidate', 61, 'max-age=60, must-revalidate', 'max-stale', 'validate because stale'],
    ['max-stale against proxy-revalidate', 61, 'max-age=60, proxy-revalidate', 'max-stale', 'validate because stale'],
    ['max-stale against s-maxage', 61, 's-maxage=60', 'max-stale', 'validate because stale'],
    ['max-stale against no-cache', 61, 'max-age=60, no-cache', 'max-stale', 'validate because stale'],
    ['max-stale and a max-age that is met', 65, 'max-age=60', 'max-age=70, max-stale=10', 'stale'],
    ['max-stale and a max-age that is not', 65, 'max-age=60', 'max-age=60, max-stale=10', 'validate because stale'],
    [
      'less max-stale than stale-while-revalidate',
      65,
      'max-age=60, stale-while-revalidate=10',
      'max-stale=1',
      'validate because stale',
    ],
    [
      'max-age, and stale-while-revalidate',
      61,
      'max-age=60, stale-while-revalidate=10',
      'max-age=1000',
      'validate because stale',
    ],
    [
      'min-fresh, and stale-while-revalidate',
      61,
      'max-age=60, stale-while-revalidate=10',
      'min-fresh=0',
      'validate because stale',
    ],
    ['only-if-cached, fresh', 1, 'max-age=60', 'only-if-cached', 'fresh'],
    ['only-if-cached, stale', 61, 'max-age=60', 'only-if-cached', 'unsatisfiable'],
    ['only-if-cached and max-stale', 61, 'max-age=60', 'only-if-cached, max-stale', 'stale'],
    [
      'only-if-cached and stale-while-revalidate',
      61,
      'max-age=60, stale-while-revalidate=9',
      'only-if-cached',
      'stale, revalidate',
    ],
  ])('%s', (_, seconds, response, asked, expected) => {
    expect(outcome(seconds, response, asked)).toBe(expected);
  });

  test('RFC 9111 5.4: Pragma: no-cache', () => {
    const entries = [{ stored: stored([cc('max-age=60')]) }];
    const decision = reuse(entries, request([['Pragma', 'no-cache']]), came, { mayServeStale: true });
    expect(decision).toMatchObject({ kind: 'validate', because: 'request' });
  });

  test('who must not get it stale never does', () => {
    expect(outcome(61, 'max-age=60, stale-while-revalidate=10', '', false)).toBe('validate because stale');
    expect(outcome(61, 'max-age=60', 'max-stale', false)).toBe('validate because stale');
    expect(outcome(59, 'max-age=60', '', false)).toBe('fresh');
  });
});

describe('what there is to answer with', () => {
  const options = { mayServeStale: true };
  const fresh = { stored: stored([cc('max-age=60')]) };

  test('nothing under this key', () => {
    expect(reuse([], request(), came, options)).toEqual({ kind: 'forward', because: 'uri-miss' });
    expect(reuse([], request([cc('only-if-cached')]), came, options)).toEqual({ kind: 'unsatisfiable' });
  });

  test('the times go along', () => {
    const times = { ageSeconds: 10, ttlSeconds: 49 };
    expect(reuse([fresh], request(), came + 10_500, options)).toEqual({ kind: 'fresh', entry: fresh, ...times });
    expect(reuse([fresh], request(), came + 61_000, options)).toMatchObject({ ageSeconds: 61, ttlSeconds: -1 });
  });

  test('a clock that was put back makes nothing fresh again', () => {
    const aged = { stored: stored([cc('max-age=60'), ['Age', '60']]) };
    expect(reuse([aged], request(), came - 30_000, options)).toMatchObject({ kind: 'validate', ageSeconds: 60 });
    expect(mayServeOnError(aged.stored, request([cc('max-stale=0')]), came - 30_000, { kind: 'disconnected' })).toBe(
      true,
    );
    const older = stored([cc('max-age=60'), ['Age', '61']]);
    expect(mayServeOnError(older, request([cc('max-stale=0')]), came - 30_000, { kind: 'disconnected' })).toBe(false);
  });

  test('a HEAD is answered by what a GET has stored', () => {
    expect(reuse([fresh], request([], 'HEAD'), came, options).kind).toBe('fresh');
  });

  test.each(['POST', 'PUT', 'OPTIONS', 'QUERY', 'get'])('no other method is: %s', (method) => {
    expect(reuse([fresh], request([], method), came, options)).toEqual({ kind: 'forward', because: 'method' });
  });

  test('E08: nor a GET with content', () => {
    const decision = reuse([fresh], request([['Content-Length', '3']]), came, options);
    expect(decision).toMatchObject({ kind: 'forward', because: 'request' });
  });

  test('the latest of those that the request selects', () => {
    const variant = (value: string, name: string) => {
      const fields: Field[] = [cc('max-age=60'), ['Vary', 'Foo'], ['ETag', name]];
      return { stored: stored(fields, { selecting: selectingOf(fields, request([['Foo', value]])) }) };
    };
    const entries = [variant('2', '"c"'), variant('1', '"b"'), variant('1', '"a"')];
    expect(reuse(entries, request([['Foo', '1']]), came, options)).toMatchObject({ kind: 'fresh', entry: entries[1] });
    expect(reuse(entries, request([['Foo', '3']]), came, options)).toEqual({ kind: 'forward', because: 'vary-miss' });
    const stale = reuse(entries, request([['Foo', '1']]), came + 61_000, options);
    expect(stale).toMatchObject({ kind: 'validate', entry: entries[1] });
    expect(stale.kind === 'validate' && stale.candidates).toEqual([entries[1], entries[0], entries[2]]);
  });

  test('RFC 9111 4.3.1: without an entity tag of its own, no others are named beside it', () => {
    const [one, two] = ['1', '2'].map((value) => {
      const fields: Field[] = [['Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'], cc('max-age=0'), ['Vary', 'Foo']];
      const tag: Field[] = value === '1' ? [] : [['ETag', '"b"']];
      return { stored: stored([...fields, ...tag], { selecting: selectingOf(fields, request([['Foo', value]])) }) };
    }) as [{ stored: StoredResponse }, { stored: StoredResponse }];
    const decision = reuse([two, one], request([['Foo', '1']]), came, options);
    expect(decision.kind === 'validate' && decision.candidates).toEqual([one]);
  });

  test('no more than eight are named', () => {
    const entries = Array.from({ length: 20 }, (_, number) => {
      const fields: Field[] = [
        ['ETag', `"${number}"`],
        ['Vary', 'Foo'],
      ];
      return { stored: stored(fields, { selecting: selectingOf(fields, request([['Foo', `${number}`]])) }) };
    });
    const decision = reuse(entries, request([['Foo', '15']]), came, options);
    expect(decision.kind === 'validate' && decision.candidates.length).toBe(8);
    expect(decision.kind === 'validate' && decision.candidates[0]).toBe(entries[15]);
  });
});

describe('E10: a part, RFC 9111 3.3', () => {
  const options = { mayServeStale: true };
  const fields: Field[] = [cc('max-age=60'), ['Content-Range', 'bytes 4-9/10'], ['ETag', '"a"']];
  const part = { stored: stored(fields, { status: 206, octets: 6, part: { first: 4, completeOctets: 10 } }) };
  const whole = { stored: stored([cc('max-age=60')]) };

  test('answers a range within it', () => {
    expect(reuse([part], request([['Range', 'bytes=6-8']]), came, options)).toMatchObject({
      kind: 'fresh',
      entry: part,
    });
  });

  test.each<[string, CacheRequest]>([
    ['the whole', request()],
    ['a range beyond it', request([['Range', 'bytes=0-5']])],
    [
      'a range of another state',
      request([
        ['Range', 'bytes=6-8'],
        ['If-Range', '"b"'],
      ]),
    ],
    ['a HEAD', request([['Range', 'bytes=6-8']], 'HEAD')],
  ])('does not answer %s', (_, asked) => {
    expect(reuse([part], asked, came, options)).toEqual({ kind: 'forward', because: 'partial', part });
  });

  test('gives way to the whole', () => {
    expect(reuse([part, whole], request(), came, options)).toMatchObject({ kind: 'fresh', entry: whole });
  });
});

describe('when forwarding fails', () => {
  const broken: ForwardFailure = { kind: 'disconnected' };
  const failed = (status: number): ForwardFailure => ({ kind: 'status', status });
  const week = 7 * 86_400;

  test.each<[string, boolean, ForwardFailure, number, string, string]>([
    ['RFC 9111 4.2.4: out of reach', true, broken, 100, 'max-age=60', ''],
    ['out of reach for a week', true, broken, 60 + week, 'max-age=60', ''],
    ['out of reach for longer', false, broken, 61 + week, 'max-age=60', ''],
    ['an error, without leave', false, failed(503), 100, 'max-age=60', ''],
    ['RFC 5861 4: out of reach, with leave', true, broken, 100, 'max-age=60, stale-if-error=40', ''],
    ['with leave for less', false, broken, 101, 'max-age=60, stale-if-error=40', ''],
    ['an error, with leave', true, failed(503), 100, 'max-age=60, stale-if-error=40', ''],
    ['an error, with leave for less', false, failed(503), 101, 'max-age=60, stale-if-error=40', ''],
    ['a status that is no error', false, failed(404), 100, 'max-age=60, stale-if-error=40', ''],
    ['the gateway times out', true, failed(504), 100, 'max-age=60, stale-if-error=40', ''],
    ['leave by the client', true, failed(500), 100, 'max-age=60', 'stale-if-error=40'],
    ['leave by the client for less', false, failed(500), 101, 'max-age=60', 'stale-if-error=40'],
    ['E13: out of reach, but it was never fresh', false, broken, 1, 'public', ''],
    ['E13: never fresh, and leave by the client', false, broken, 1, 'public', 'stale-if-error=40'],
    ['never fresh, and leave by the origin', true, broken, 1, 'max-age=0, stale-if-error=40', ''],
    ['must-revalidate', false, broken, 61, 'max-age=60, must-revalidate, stale-if-error=40', ''],
    ['proxy-revalidate', false, broken, 61, 'max-age=60, proxy-revalidate', ''],
    ['s-maxage', false, broken, 61, 's-maxage=60', ''],
    ['no-cache', false, broken, 1, 'max-age=60, no-cache', ''],
    ['no-cache, against what the client allows', false, broken, 1, 'max-age=60, no-cache', 'stale-if-error=40'],
    ['a client that wants it validated', false, broken, 1, 'max-age=60', 'no-cache'],
    ['a client that wants it young', false, broken, 61, 'max-age=60, stale-if-error=40', 'max-age=1000'],
    ['a client that wants it fresh', false, broken, 61, 'max-age=60, stale-if-error=40', 'min-fresh=0'],
    ['a client that takes it less stale', false, broken, 70.001, 'max-age=60', 'max-stale=10'],
    ['a client that takes it as stale', true, broken, 70, 'max-age=60', 'max-stale=10'],
    ['a client that takes anything', true, broken, 100, 'max-age=60', 'max-stale'],
  ])('%s: %s', (_, expected, failure, seconds, response, asked) => {
    const now = came + seconds * 1000;
    expect(mayServeOnError(stored([cc(response)]), request([cc(asked)]), now, failure)).toBe(expected);
  });
});
