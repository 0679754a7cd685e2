// Random rules, requests and responses, for test/fuzz/rules.test.ts.
import fc from 'fast-check';
import { type Rule, rule } from '../../schemas/rule.ts';
import type { Head } from './rule-oracle.ts';
import { exchangeOf } from './rules.ts';

const hosts = ['a.example', 'b.a.example', 'c.b.a.example', 'xn--bcher-kva.example', '127.0.0.1', '[::1]'];
const paths = [
  '/',
  '/x',
  '/x/y.js',
  '/a.example/x',
  '/%2e%41',
  '/x/./y',
  '//x',
  '/?',
  '/x?b=1',
  '/x?b=2&b=',
  '/?c=%62+d',
];

/** A request as rules see it. */
export const request = fc
  .record({
    scheme: fc.constantFrom('http', 'https'),
    host: fc.constantFrom(...hosts),
    port: fc.constantFrom('', ':80', ':443', ':8080'),
    path: fc.constantFrom(...paths),
    method: fc.constantFrom('GET', 'POST', 'get'),
    client: fc.constantFrom('127.0.0.1', '192.168.1.7', '::ffff:192.168.1.7', '2001:db8::1'),
    fields: fc.array(
      fc.tuple(fc.constantFrom('Accept', 'accept', 'Cookie', 'X-A'), fc.constantFrom('a', 'b', 'a=1; b=2', '')),
      { maxLength: 3 },
    ),
  })
  .map(({ scheme, host, port, path, ...rest }) => exchangeOf(`${scheme}://${host}${port}${path}`, rest));

/** One of these, or several of them. */
export const some = <T>(...values: readonly T[]) =>
  fc.oneof(fc.constantFrom(...values), fc.subarray([...values], { minLength: 1 }));

const onRequest = {
  host: some(...hosts, '*.a.example', '*.example', '*', 'A.Example.', 'bücher.example'),
  domain: some('a.example', 'b.a.example'),
  list: some('ads', 'more'),
  port: some(80, 443, 8080),
  scheme: some('http', 'https'),
  method: some('GET', 'POST'),
  url: some(
    '*',
    '*.js',
    'http://*.example/*',
    '*://a.example/*',
    'http://a.example:8080/*',
    'https://*/x*',
    '*://*/*?*',
  ),
  path: some('/x', '/x*', '*', '*/y.js', '/*x*', '/a.example/*', '/**'),
  query: fc.dictionary(fc.constantFrom('b', 'c', 'd'), fc.constantFrom(true, false, '1', '*', 'b d', '*d')),
  fields: fc.dictionary(
    fc.constantFrom('accept', 'ACCEPT', 'cookie', 'x-a'),
    fc.constantFrom(true, false, 'a', 'a*', '*b'),
  ),
  client: some('127.0.0.0/8', '192.168.1.7', '::ffff:192.168.1.0/120', '2001:db8::/32'),
  time: some('00:00-12:00', '12:00-12:00', '22:00-06:00', '11:59-12:01'),
  weekday: some('mon', 'sat', 'sun'),
};

const onResponse = fc.record(
  {
    status: some<string | number>(200, 404, '2xx', '5xx', '404-500'),
    type: some('text/*', 'TEXT/HTML', '*'),
    size: fc.record({ minBytes: fc.constantFrom(0, 5), maxBytes: fc.constantFrom(5, 9) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

/** Changes of fields. */
export const edits = {
  set: fc.dictionary(fc.constantFrom('x-a', 'X-B', 'accept'), fc.constantFrom('1', '2', '')),
  add: fc.dictionary(fc.constantFrom('x-a', 'x-c'), fc.constantFrom('3', '4')),
  remove: some('x-a', 'cookie', 'ACCEPT'),
};

const targets = [
  'http://other.example/',
  '{scheme}://other.example:{port}{path}{query}',
  'https://other.example/?u={url}',
  'http://{host}.alt.example{path}',
  '{url}',
];

const early = fc.record(
  {
    rewrite: fc.record({ to: fc.constantFrom(...targets) }),
    request: fc.record(edits, { requiredKeys: [] }),
    route: fc.constantFrom('edge', 'direct'),
    fallback: fc.constantFrom('direct', 'fail'),
    upstream: fc.constantFrom('fetch', 'socket'),
    shape: fc.constantFrom('4g', 'offline'),
  },
  { requiredKeys: [] },
);

const late = fc.record(
  {
    response: fc.record(edits, { requiredKeys: [] }),
    cache: fc.oneof(fc.constantFrom('bypass', 'validate'), fc.record({ freshnessSeconds: fc.constantFrom(1, 2) })),
    log: fc.constantFrom('usual', 'errors', 'off'),
  },
  { requiredKeys: [] },
);

const answer = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  fc.constantFrom(
    { block: 'drop' },
    { block: { status: 451 } },
    { respond: { text: 'a' } },
    { redirect: { to: 'http://other.example/' } },
  ),
);

const sparse = fc
  .record(onRequest, { requiredKeys: [] })
  .chain((all) =>
    fc
      .subarray(Object.keys(all), { maxLength: 3 })
      .map((keys) => Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key)))),
  );

/** Rules that a configuration could have, with a response or without. */
export const rules: fc.Arbitrary<readonly Rule[]> = fc
  .array(
    fc.tuple(
      sparse,
      fc.option(sparse, { nil: undefined, freq: 4 }),
      fc.option(onResponse, { nil: undefined, freq: 3 }),
      early,
      late,
      answer,
      fc.integer({ min: 0, max: 9 }),
    ),
    { maxLength: 8 },
  )
  .map((written) =>
    written.flatMap(([when, not, response, before, after, answers, chance], index) => {
      const then = { ...(response === undefined && before), ...after, ...answers };
      const all = { ...when, ...(not !== undefined && { not }), ...(response !== undefined && { response }) };
      const parsed = rule.safeParse({ name: `rule ${index}`, enabled: chance > 0, when: all, then });
      return parsed.success ? [parsed.data] : [];
    }),
  );

/** The head of a response. */
export const response = fc.record({
  status: fc.constantFrom(200, 204, 404, 500),
  fields: fc.constantFrom(
    [],
    [['Content-Type', 'text/html; charset=utf-8']],
    [
      ['content-type', 'image/png'],
      ['Content-Length', '5'],
      ['X-A', 'origin'],
    ],
  ) as fc.Arbitrary<Head['fields']>,
});
