// Whether a response may be stored, and what of it. RFC 9111 3.
import { describe, expect, test } from 'vitest';
import type { CacheRequest, CacheResponse } from '../../../http/caching/stored.ts';
import { hasContent, judgeStoring } from '../../../http/caching/storing.ts';
import type { Field } from '../../../http/fields.ts';
import { formatHttpDate } from '../../../http/http-date.ts';

const now = Date.UTC(2026, 10, 21, 12);
const at = (seconds: number) => formatHttpDate(now + seconds * 1000);
const url = 'http://o.example/a';
const fresh: Field = ['Cache-Control', 'max-age=60'];

interface Case {
  readonly method?: string;
  readonly asked?: readonly Field[];
  readonly status?: number;
  readonly answered?: readonly Field[];
}

function judge({ method = 'GET', asked = [], status = 200, answered = [fresh] }: Case) {
  const request: CacheRequest = { method, url, fields: asked };
  const response: CacheResponse = { status, reason: '', fields: answered, requestTime: now, responseTime: now };
  return judgeStoring(request, response);
}

const because = (given: Case) => {
  const storing = judge(given);
  return storing.kind === 'refuse' ? storing.because : 'it is stored';
};

const cc = (value: string): Field => ['Cache-Control', value];
const etag: Field = ['ETag', '"a"'];

test('the head is kept as it came, with what selected it', () => {
  const answered: Field[] = [
    ['Date', at(-10)],
    ['Age', '5'],
    fresh,
    ['X-Unknown', '1'],
    ['x-unknown', '2'],
    ['Vary', 'Foo, Bar'],
    ['Via', '1.1 far'],
  ];
  expect(judge({ asked: [['Foo', ' x ']], answered })).toEqual({
    kind: 'store',
    head: {
      status: 200,
      reason: '',
      fields: answered,
      requestTime: now,
      responseTime: now,
      url,
      selecting: [
        ['bar', undefined],
        ['foo', 'x'],
      ],
    },
  });
});

describe('what is stored', () => {
  test.each<[string, Case]>([
    ['max-age', {}],
    ['s-maxage', { answered: [cc('s-maxage=60')] }],
    [
      'RFC 9111 5.3: Expires',
      {
        answered: [
          ['Expires', at(60)],
          ['Date', at(0)],
        ],
      },
    ],
    [
      'RFC 9213: a targeted field, whatever Cache-Control says',
      { answered: [['CDN-Cache-Control', 'max-age=60'], cc('no-store')] },
    ],
    ['RFC 9111 4.2.2: Last-Modified', { answered: [['Last-Modified', at(-1000)]] }],
    ['a validator alone, to be validated each time', { answered: [etag] }],
    ['no-cache with a validator', { answered: [cc('no-cache'), etag] }],
    ['max-age=0 with a validator', { answered: [cc('max-age=0'), etag] }],
    ['RFC 5861: no freshness, but leave to serve it stale', { answered: [cc('max-age=0, stale-while-revalidate=60')] }],
    ['what was made long ago', { answered: [cc('max-age=1500'), ['Age', '2000']] }],
    ['must-revalidate', { answered: [cc('max-age=60, must-revalidate')] }],
    [
      'RFC 9111 5.2.2.3: no-store with must-understand and a status that is understood',
      { answered: [cc('max-age=60, no-store, must-understand')] },
    ],
    ['a request with a cookie', { asked: [['Cookie', 'a=b']] }],
    [
      'RFC 9111 3.5: an authorised request, with public',
      { asked: [['Authorization', 'x']], answered: [cc('max-age=60, public')] },
    ],
    [
      'RFC 9111 3.5: with must-revalidate',
      { asked: [['Authorization', 'x']], answered: [cc('max-age=60, must-revalidate')] },
    ],
    ['RFC 9111 3.5: with s-maxage', { asked: [['Authorization', 'x']], answered: [cc('s-maxage=60')] }],
    [
      'E02: an override field that Vary names',
      { asked: [['X-Forwarded-Host', 'x']], answered: [fresh, ['Vary', 'X-Forwarded-Host']] },
    ],
    ['a request whose content is empty', { asked: [['Content-Length', '0']] }],
    ['the whole, although a range was asked for', { asked: [['Range', 'bytes=0-1']] }],
    ['Pragma in a response, which says nothing', { answered: [fresh, ['Pragma', 'no-cache']] }],
  ])('%s', (_, given) => {
    expect(because(given)).toBe('it is stored');
  });

  test.each([200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 404, 410, 451, 499, 500, 502, 503, 504, 599])(
    'a %i with explicit freshness',
    (status) => {
      expect(because({ status })).toBe('it is stored');
    },
  );

  test('E09: an error that is said to be public, for as long as its Last-Modified says', () => {
    expect(because({ status: 599, answered: [cc('public'), ['Last-Modified', at(-1000)]] })).toBe('it is stored');
  });
});

describe('what is not stored', () => {
  test.each<[string, Case, string]>([
    ['RFC 9111 5.2.2.5: no-store', { answered: [cc('no-store, max-age=60')] }, 'the response says no-store'],
    ['in any case', { answered: [cc('No-StOrE')] }, 'the response says no-store'],
    ['E12: no-store in what is malformed', { answered: [cc('max-age=60; no-store')] }, 'the response says no-store'],
    ['RFC 9111 5.2.1.5: no-store in the request', { asked: [cc('no-store')] }, 'the request says no-store'],
    ['RFC 9111 5.2.2.7: private', { answered: [cc('private, max-age=60')] }, 'the response says private'],
    [
      'E12: private twice, once with names',
      { answered: [cc('private, private="a", max-age=60')] },
      'the response says private',
    ],
    ['RFC 9213: private for us', { answered: [['CDN-Cache-Control', 'private'], fresh] }, 'the response says private'],
    [
      'RFC 9111 5.2.2.3: a status that must be understood',
      { status: 599, answered: [cc('max-age=60, no-store, must-understand')] },
      'it must be understood, and 599 is not known',
    ],
    [
      'even without no-store',
      { status: 299, answered: [cc('max-age=60, must-understand')] },
      'it must be understood, and 299 is not known',
    ],
    [
      'E03: an authorised request',
      { asked: [['Authorization', 'x']] },
      'the request is authorised, and the response is not said to be shared',
    ],
    [
      'E03: with an invalid s-maxage',
      { asked: [['Authorization', 'x']], answered: [cc('s-maxage=x'), etag] },
      'the request is authorised, and the response is not said to be shared',
    ],
    ['E04: a cookie is set', { answered: [fresh, ['Set-Cookie', 'a=b']] }, 'the response sets a cookie'],
    [
      'E04: even in public',
      { answered: [cc('public, max-age=60'), ['Set-Cookie', 'a=b']] },
      'the response sets a cookie',
    ],
    ['E05: Vary: *', { answered: [fresh, ['Vary', 'Foo, *']] }, 'the response varies by more than the request'],
    ['E08: HEAD', { method: 'HEAD' }, 'the method is HEAD'],
    [
      'E08: content of known length',
      { asked: [['Content-Length', '5']] },
      'the request has content, which is not part of the key',
    ],
    [
      'E08: content of unknown length',
      { asked: [['Transfer-Encoding', 'chunked']] },
      'the request has content, which is not part of the key',
    ],
    ['another method', { method: 'PUT' }, 'the method is PUT'],
    ['a method in another case', { method: 'get' }, 'the method is get'],
    ['nothing to go by', { answered: [] }, 'it has neither freshness nor a validator'],
    [
      'RFC 9111 5.3: an invalid Expires alone',
      { answered: [['Expires', '0']] },
      'it has neither freshness nor a validator',
    ],
    [
      'no-cache without a validator',
      { answered: [cc('max-age=60, no-cache')] },
      'it would have to be validated, and has no validator',
    ],
    [
      'a status without freshness of its own',
      { status: 302, answered: [etag] },
      'nothing says how long a 302 is fresh',
    ],
    [
      'a private Age',
      { answered: [cc('max-age=60, private="age"'), ['Age', '50']] },
      'the response forbids to keep its age',
    ],
    [
      'RFC 9110 15.3.7: a part that nobody asked for',
      { status: 206, answered: [fresh, ['Content-Range', 'bytes 0-1/2']] },
      'it is a part that nobody asked for',
    ],
    [
      'several parts',
      {
        status: 206,
        asked: [['Range', 'bytes=0-1']],
        answered: [fresh, ['Content-Type', 'multipart/byteranges; boundary=x']],
      },
      'it is not one known part',
    ],
  ])('%s', (_, given, fragment) => {
    expect(because(given)).toBe(fragment);
  });

  test.each([
    'Forwarded',
    'X-Forwarded-Host',
    'X-Forwarded-Scheme',
    'X-Forwarded-Proto',
    'X-Forwarded-Port',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method-Override',
    'X-Host',
  ])('E02: the answer to a request with %s', (name) => {
    expect(because({ asked: [[name, 'evil.example']] })).toBe(`the request has ${name}, which is not part of the key`);
  });

  test.each([101, 304, 401, 407, 408, 412, 413, 416, 417, 421, 425, 426, 428, 429, 431, 511])(
    'E09: a %i, which is about this request only',
    (status) => {
      expect(because({ status })).toBe(`the status is ${status}`);
    },
  );

  test.each([400, 403, 404, 405, 410, 414, 500, 501, 502, 503, 504])(
    'E09: a %i without explicit freshness',
    (status) => {
      const answered: Field[] = [['Last-Modified', at(-100_000)], ['Date', at(0)], etag];
      expect(because({ status, answered })).toBe(`nothing says how long a ${status} is fresh`);
    },
  );
});

describe('qualified directives, RFC 9111 5.2.2.4 and 5.2.2.7', () => {
  test.each(['no-cache', 'private'])('the fields that %s names are left out', (name) => {
    const answered: Field[] = [
      ['Cache-Control', `${name}="a, SET-Cookie"`],
      ['A', '1'],
      ['b', '2'],
      ['Set-Cookie', 'x=y'],
      ['Cache-Control', 'max-age=60'],
    ];
    const storing = judge({ answered });
    expect(storing.kind === 'store' && storing.head.fields).toEqual([answered[0], answered[2], answered[4]]);
  });

  test('a field that it needs, but that did not come, is not missed', () => {
    expect(because({ answered: [cc('max-age=60, private="age"')] })).toBe('it is stored');
  });

  test('a validator that is left out is none', () => {
    expect(because({ answered: [cc('no-cache="etag"'), etag] })).toBe('it has neither freshness nor a validator');
  });
});

describe('parts, RFC 9111 3.3', () => {
  test('one part of a known whole is stored as that', () => {
    const answered: Field[] = [fresh, ['Content-Range', 'bytes 4-9/10']];
    const storing = judge({ status: 206, asked: [['Range', 'bytes=-6']], answered });
    expect(storing.kind === 'store' && storing.head.part).toEqual({ first: 4, completeOctets: 10 });
  });
});

describe('POST, RFC 9110 9.3.3', () => {
  const posted = (location: string, cacheControl = 'max-age=60', status = 200): Case => ({
    method: 'POST',
    asked: [['Content-Length', '5']],
    status,
    answered: [cc(cacheControl), ['Content-Location', location]],
  });

  test.each(['', '/a', 'a', url])('what is said to be the representation is stored: %j', (location) => {
    expect(because(posted(location))).toBe('it is stored');
  });

  test.each<[string, Case]>([
    ['another URL', posted('/b')],
    ['another origin', posted('http://p.example/a')],
    ['no URL', posted('http://[')],
    ['no freshness', posted('', 'no-cache')],
    ['no longer fresh', posted('', 'max-age=0')],
    ['an error', posted('', 'max-age=60', 404)],
    ['a redirection', posted('', 'max-age=60', 300)],
    ['no Content-Location', { method: 'POST' }],
  ])('it is not: %s', (_, given) => {
    expect(because(given)).toBe('the method is POST');
  });

  test('all else that holds for a GET holds for it', () => {
    expect(because(posted('', 'max-age=60, private'))).toBe('the response says private');
  });
});

test.each<[boolean, Field[]]>([
  [false, []],
  [false, [['Content-Length', '0']]],
  [true, [['Content-Length', '1']]],
  [true, [['content-length', 'x']]],
  [true, [['Transfer-Encoding', 'chunked']]],
])('E08: whether a request carries content: %s', (expected, fields) => {
  expect(hasContent(fields)).toBe(expected);
});
