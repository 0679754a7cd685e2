// Our decisions beside those of http-cache-semantics, on anything that both understand: each difference has its reason.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reuse } from '../../http/caching/reuse.ts';
import type { CacheRequest, CacheResponse } from '../../http/caching/stored.ts';
import { judgeStoring } from '../../http/caching/storing.ts';
import type { Field } from '../../http/fields.ts';
import { formatHttpDate } from '../../http/http-date.ts';

/** What of the other engine is used. Its clock is a method that is meant to be replaced in tests. */
interface Policy {
  storable(): boolean;
  satisfiesWithoutRevalidation(request: { method: string; url: string; headers: Record<string, string> }): boolean;
  evaluateRequest(request: { method: string; url: string; headers: Record<string, string> }): { response?: unknown };
}

const CachePolicy = createRequire(import.meta.url)('http-cache-semantics') as {
  new (request: object, response: object): Policy;
  prototype: { now(): number };
};

const came = Date.UTC(2026, 10, 21, 12);
const url = 'http://o.example/a';

/** One response to one request, and another request later. Values of fields; numbers are seconds from `came` on. */
interface Case {
  readonly status: number;
  readonly asked: Values;
  readonly answered: Values;
  readonly askedAgain: Values;
  readonly method: string;
  /** Half a second off any whole one, so that no comparison is about being equal. */
  readonly elapsedSeconds: number;
}

type Values = Readonly<Record<string, string>>;

const plain: Case = { status: 200, asked: {}, answered: {}, askedAgain: {}, method: 'GET', elapsedSeconds: 5.5 };

const says = ({ answered }: Case, directive: RegExp) => directive.test(answered['cache-control'] ?? '');
const wants = ({ askedAgain }: Case, directive: RegExp) => directive.test(askedAgain['cache-control'] ?? '');
const repeated = /\b([a-z][a-z-]+)\b.*, \1\b/;
const at = (seconds: number) => formatHttpDate(came + seconds * 1000);

/** Where the two may differ: `ours` is what we do there and they do not. */
interface Difference {
  readonly because: string;
  readonly ours: 'answers' | 'asks';
  readonly where: (given: Case) => boolean;
  readonly example: Case;
}

const max = (seconds: number, more = '') => ({ 'cache-control': `max-age=${seconds}${more}` });

const differences: readonly Difference[] = [
  {
    because: 'RFC 9111 5.2.2.2: must-revalidate is about what is stale, and they never answer with it',
    ours: 'answers',
    where: (given) => says(given, /must-revalidate/),
    example: { ...plain, answered: max(60, ', must-revalidate') },
  },
  {
    because: 'RFC 9111 5.2.2.8: so is proxy-revalidate, which they take for a lifetime of 0',
    ours: 'answers',
    where: (given) => says(given, /proxy-revalidate/),
    example: { ...plain, answered: max(60, ', proxy-revalidate') },
  },
  {
    because: 'RFC 9111 5.2.2.8 and 5.2.2.10: proxy-revalidate and s-maxage forbid serving it stale, and they do',
    ours: 'asks',
    where: (given) =>
      says(given, /proxy-revalidate|s-maxage/) && (wants(given, /max-stale/) || says(given, /stale-while/)),
    example: {
      ...plain,
      answered: { etag: '"a"', 'cache-control': 's-maxage=1' },
      askedAgain: { 'cache-control': 'max-stale' },
    },
  },
  {
    because:
      'RFC 9111 5.2.2.4: no-cache forbids it whatever the client takes; to them it is stale, and max-stale allows it',
    ours: 'asks',
    where: (given) => says(given, /no-cache/) && (wants(given, /max-stale/) || says(given, /stale-while/)),
    example: {
      ...plain,
      answered: { etag: '"a"', ...max(60, ', no-cache') },
      askedAgain: { 'cache-control': 'max-stale' },
    },
  },
  {
    because: 'RFC 9111 5.2.2.4: no-cache with names of fields is about these',
    ours: 'answers',
    where: (given) => says(given, /no-cache="/),
    example: { ...plain, answered: max(60, ', no-cache="foo"') },
  },
  {
    because: 'RFC 9111 5.2.2.7: private with names of fields is about these',
    ours: 'answers',
    where: (given) => says(given, /private="/),
    example: { ...plain, answered: max(60, ', private="foo"') },
  },
  {
    because: 'RFC 9111 3: the status need not be understood unless must-understand says so',
    ours: 'answers',
    where: ({ status }) => [299, 500, 503].includes(status),
    example: { ...plain, status: 503, answered: max(60) },
  },
  {
    because: 'RFC 9111 5.2.2.3: must-understand takes back no-store where the status is understood',
    ours: 'answers',
    where: (given) => says(given, /must-understand/) && says(given, /no-store/),
    example: { ...plain, answered: max(60, ', no-store, must-understand') },
  },
  {
    because: 'RFC 9110 9.3.2: a HEAD is answered by what a GET has stored',
    ours: 'answers',
    where: ({ method }) => method === 'HEAD',
    example: { ...plain, answered: max(60), method: 'HEAD' },
  },
  {
    because: 'RFC 9111 4.2.3: the age is at least the apparent one, by Date',
    ours: 'asks',
    where: ({ answered: { date = at(0) } }) => date !== at(0),
    example: { ...plain, answered: { date: at(-90), ...max(60) } },
  },
  {
    because: 'RFC 8246 2: immutable makes nothing fresh; they give it a day',
    ours: 'asks',
    where: (given) => says(given, /immutable/),
    example: { ...plain, answered: { etag: '"a"', 'cache-control': 'immutable' } },
  },
  {
    because: 'RFC 9111 5.4: Pragma says nothing in a response',
    ours: 'answers',
    where: ({ answered }) => 'pragma' in answered,
    example: { ...plain, answered: { pragma: 'no-cache', expires: at(60) } },
  },
  {
    because: 'RFC 9111 7.3: a response that sets a cookie is never shared (E04); they share what is public',
    ours: 'asks',
    where: ({ answered }) => 'set-cookie' in answered,
    example: { ...plain, answered: { 'set-cookie': 'a=b', ...max(60, ', public') } },
  },
  {
    because: 'RFC 9111 4.2.2: no error is stored by a guess (E09)',
    ours: 'asks',
    where: (given) => given.status >= 400 && !('expires' in given.answered) && !says(given, /max-age=|s-maxage=/i),
    example: { ...plain, status: 404, answered: { 'last-modified': at(-1000) } },
  },
  {
    because: 'RFC 9111 4.2.2: a guess is a day at most',
    ours: 'asks',
    where: ({ answered, elapsedSeconds }) => 'last-modified' in answered && elapsedSeconds > 86_400,
    example: { ...plain, answered: { 'last-modified': at(-9e6) }, elapsedSeconds: 90_000.5 },
  },
  {
    because: 'RFC 9111 4.2.4: what was never fresh for anybody (E13) is not served stale because one client takes it',
    ours: 'asks',
    where: (given) => !says(given, /(?:max-age|s-maxage)="?0*[1-9]/i) && wants(given, /max-stale/),
    example: { ...plain, answered: max(0), askedAgain: { 'cache-control': 'max-stale' } },
  },
  {
    because: 'RFC 9111 4.2.1: of several values the strictest holds; they take the last',
    ours: 'asks',
    where: (given) => says(given, repeated) || wants(given, repeated),
    example: { ...plain, answered: max(1, ', max-age=60') },
  },
  {
    because: 'RFC 9111 4.2.1: a lifetime that is no integer is 0; they read as far as it looks like one',
    ours: 'asks',
    where: (given) => says(given, /(?:max-age|s-maxage)="?(?:[^,]*[^,"\d])/),
    example: { ...plain, answered: max(60, '.5') },
  },
  {
    because: 'RFC 9111 5.2: directives are the same in any case',
    ours: 'answers',
    where: (given) => says(given, /[A-Z]/),
    example: { ...plain, answered: { 'cache-control': 'Max-Age=60' } },
  },
  {
    because: 'RFC 9111 5.2: directives are the same in any case',
    ours: 'asks',
    where: (given) => says(given, /[A-Z]/),
    example: { ...plain, answered: max(60, ', No-Store') },
  },
  {
    because: 'RFC 9111 5.2: what stands in quotes is no directive',
    ours: 'answers',
    where: (given) => says(given, /ext="/),
    example: { ...plain, answered: max(60, ', ext="a, no-store, b"') },
  },
  {
    because: 'RFC 9111 5.2: what stands in quotes is no directive',
    ours: 'asks',
    where: (given) => says(given, /ext="/),
    example: { ...plain, answered: { 'cache-control': 'ext="a, max-age=60"' } },
  },
  {
    because: 'RFC 9111 5.3: an Expires that is no HTTP-date is past; they read ISO 8601 too',
    ours: 'asks',
    where: ({ answered }) => /^\d{4}-/.test(answered['expires'] ?? ''),
    example: { ...plain, answered: { expires: '2050-01-01', etag: '"a"' } },
  },
  {
    because: 'RFC 9111 5.1: an Age that is no integer does not count; they read as far as it looks like one',
    ours: 'answers',
    where: ({ answered }) => /\D/.test(answered['age'] ?? ''),
    example: { ...plain, answered: { age: '100.0', ...max(60) } },
  },
  {
    because: 'RFC 9111 4.1: values that differ in white space alone match',
    ours: 'answers',
    where: ({ answered }) => 'vary' in answered,
    example: { ...plain, answered: { vary: 'foo', ...max(60) }, asked: { foo: '1, 2' }, askedAgain: { foo: '1,2' } },
  },
  {
    because: 'RFC 9111 5.2.1.5: we take no-store of a client as leave to do without the cache',
    ours: 'asks',
    where: (given) => wants(given, /no-store/),
    example: { ...plain, answered: max(60), askedAgain: { 'cache-control': 'no-store' } },
  },
  {
    because: 'RFC 9111 5.4: Pragma in a request counts only where there is no Cache-Control',
    ours: 'answers',
    where: ({ askedAgain }) => 'pragma' in askedAgain && 'cache-control' in askedAgain,
    example: { ...plain, answered: max(60), askedAgain: { pragma: 'no-cache', 'cache-control': 'max-stale' } },
  },
  {
    because:
      'RFC 9111 5.2.1.1 and 5.2.1.2: who says how old or stale he takes it does not get it staler while it is revalidated',
    ours: 'asks',
    where: (given) => says(given, /stale-while/) && wants(given, /max-age|max-stale|min-fresh/),
    example: {
      ...plain,
      answered: max(1, ', stale-while-revalidate=60'),
      askedAgain: { 'cache-control': 'max-age=60' },
    },
  },
];

test.each(differences)(
  '$because: they do differ there, and for no other reason',
  ({ because, ours, where, example }) => {
    expect({ ours: decidedByUs(example), theirs: decidedByThem(example) }).toEqual({ ours, theirs: other(ours) });
    const reasons = differences.filter((difference) => difference.ours === ours && difference.where(example));
    expect(reasons.map((difference) => difference.because)).toEqual([because]);
    expect(where(plain)).toBe(false);
  },
);

test('the two decide alike but for the differences that are listed', () => {
  fc.assert(
    fc.property(anyCase(), (given) => {
      const ours = decidedByUs(given);
      if (ours === decidedByThem(given)) return;
      expect(differences.some((difference) => difference.ours === ours && difference.where(given))).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test('much of what is tried has no room for a difference, and it is answered as well as asked about', () => {
  const cases = fc.sample(anyCase(), { numRuns: 1000, seed: 7 });
  const mayDiffer = (given: Case) => differences.some(({ ours, where }) => where(given) && ours === decidedByUs(given));
  const strict = cases.filter((given) => !mayDiffer(given));
  expect(strict.length).toBeGreaterThan(100);
  expect(new Set(strict.map(decidedByUs))).toEqual(new Set(['answers', 'asks']));
});

function other(decision: 'answers' | 'asks'): 'answers' | 'asks' {
  return decision === 'answers' ? 'asks' : 'answers';
}

function decidedByUs(given: Case): 'answers' | 'asks' {
  const request: CacheRequest = { method: 'GET', url, fields: fieldsOf(given.asked) };
  const times = { requestTime: came, responseTime: came };
  const response: CacheResponse = { status: given.status, reason: '', fields: fieldsOf(given.answered), ...times };
  const storing = judgeStoring(request, response);
  if (storing.kind === 'refuse') return 'asks';
  const again: CacheRequest = { method: given.method, url, fields: fieldsOf(given.askedAgain) };
  const now = came + given.elapsedSeconds * 1000;
  const { kind } = reuse([{ stored: { ...storing.head, octets: 1 } }], again, now, { mayServeStale: true });
  return kind === 'fresh' || kind === 'stale' ? 'answers' : 'asks';
}

function fieldsOf(values: Values): Field[] {
  return Object.entries(values);
}

function decidedByThem(given: Case): 'answers' | 'asks' {
  const { now } = CachePolicy.prototype;
  try {
    CachePolicy.prototype.now = () => came;
    const response = { status: given.status, headers: { ...given.answered } };
    const policy = new CachePolicy({ method: 'GET', url, headers: { ...given.asked } }, response);
    CachePolicy.prototype.now = () => came + given.elapsedSeconds * 1000;
    if (!policy.storable()) return 'asks';
    const again = { method: given.method, url, headers: { ...given.askedAgain } };
    return policy.evaluateRequest(again).response === undefined ? 'asks' : 'answers';
  } finally {
    CachePolicy.prototype.now = now;
  }
}

function anyCase(): fc.Arbitrary<Case> {
  const seconds = fc.constantFrom(0, 1, 10, 100, 1000);
  const withSeconds = (...names: string[]) =>
    fc.tuple(fc.constantFrom(...names), seconds).map((pair) => pair.join('='));
  const restriction = fc.constantFrom(
    ...['private', 'no-store', 'no-cache', 'must-revalidate', 'proxy-revalidate', 'must-understand', 'No-Store'],
    ...['no-cache="foo"', 'private="foo"', 'ext="a, no-store, b"'],
  );
  const harmless = fc.constantFrom(
    'public',
    'no-transform',
    'immutable',
    'foobar',
    'max-age=x',
    'max-age=10.5',
    'Max-Age=10',
  );
  const lifetime = withSeconds('max-age', 'max-age', 's-maxage', 'stale-while-revalidate');
  const answeredDirective = fc.oneof(
    { arbitrary: lifetime, weight: 6 },
    { arbitrary: restriction, weight: 1 },
    { arbitrary: harmless, weight: 2 },
  );
  const askedDirective = fc.oneof(
    withSeconds('max-age', 'min-fresh', 'max-stale'),
    fc.constantFrom('max-stale', 'no-cache', 'no-store', 'foobar'),
  );
  const list = (directive: fc.Arbitrary<string>, maxLength: number) =>
    fc.array(directive, { minLength: 1, maxLength }).map((directives) => directives.join(', '));
  const when = fc.constantFrom(-1000, -100, -10, 0, 10, 100, 1000).map(at);
  const foo = { foo: fc.constantFrom('1', '2', '1, 2', '1,2') };
  return fc.record({
    status: fc.constantFrom(200, 200, 200, 203, 204, 299, 301, 302, 404, 500, 503),
    asked: sometimes({ ...foo, authorization: fc.constant('x'), 'cache-control': fc.constant('no-store') }),
    answered: sometimes({
      'cache-control': list(answeredDirective, 3),
      expires: fc.oneof(when, fc.constantFrom('0', '2050-01-01')),
      date: fc.constantFrom(-100, -10, 0).map(at),
      age: fc.constantFrom('0', '5', '50', '500', 'abc', '50.0'),
      'last-modified': fc.constantFrom(-1000, -100_000, -9_000_000).map(at),
      etag: fc.constant('"a"'),
      vary: fc.constantFrom('foo', 'Foo', '*'),
      'set-cookie': fc.constant('a=b'),
      pragma: fc.constant('no-cache'),
    }),
    askedAgain: sometimes({ ...foo, 'cache-control': list(askedDirective, 2), pragma: fc.constant('no-cache') }),
    method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD'),
    elapsedSeconds: fc.constantFrom(0.5, 5.5, 50.5, 500.5, 90_000.5),
  });
}

/** Some of these, few more often than many. */
function sometimes(values: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Values> {
  const names = fc.subarray(Object.keys(values));
  const fewNames = fc.oneof(names, fc.subarray(Object.keys(values), { maxLength: 2 }));
  return fc
    .tuple(fewNames, fc.record(values))
    .map(([chosen, all]) => Object.fromEntries(chosen.map((name) => [name, all[name] as string])));
}
