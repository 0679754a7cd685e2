// Every action of rules, in the plan that it makes; which rule wins; and that the index changes nothing.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRule, holds } from '../../../http/plan/compiled-rule.ts';
import { Facts } from '../../../http/plan/facts.ts';
import type { RequestPlan } from '../../../http/plan/plan.ts';
import { compileRules } from '../../../http/plan/rules.ts';
import { exchangeOf, planOf, rulesOf, tunnelOf, type WrittenRule, worldOf } from '../../support/rules.ts';

const asked = exchangeOf('http://www.example.com/a/b?x=1');

function messageOf(plan: RequestPlan | undefined): string {
  const action = plan?.answer?.action;
  return action?.kind === 'failed' ? action.error.message : '';
}

describe('every action', () => {
  const transform = { compress: true, maxReplaceBytes: 1024 * 1024, required: false };
  test.each([
    ['block: drop', { block: 'drop' }, { answer: { action: { kind: 'block', block: 'drop' } } }],
    ['block', { block: {} }, { answer: { action: { kind: 'block', block: { status: 403 } } } }],
    [
      'respond',
      { respond: { text: 'hi' } },
      { answer: { action: { kind: 'respond', respond: { status: 200, text: 'hi', fields: {} } } } },
    ],
    [
      'redirect',
      { redirect: { to: 'https://b.example{path}{query}' } },
      { answer: { action: { kind: 'redirect', location: 'https://b.example/a/b?x=1', status: 302 } } },
    ],
    ['rewrite', { rewrite: { to: 'http://b.example{path}' } }, { rewrite: { action: 'http://b.example/a/b' } }],
    [
      'request',
      { request: { set: { 'X-A': '1' } } },
      { requestEdits: [{ action: { kind: 'set', name: 'x-a', value: '1' } }] },
    ],
    [
      'response',
      { response: { remove: 'X-A' } },
      { onResponse: { edits: [{ action: [{ kind: 'remove', name: 'x-a' }] }] } },
    ],
    ['cache: bypass', { cache: 'bypass' }, { onResponse: { cache: [{ action: 'bypass' }] } }],
    ['cache: validate', { cache: 'validate' }, { onResponse: { cache: [{ action: 'validate' }] } }],
    [
      'cache: freshnessSeconds',
      { cache: { freshnessSeconds: 60 } },
      { onResponse: { cache: [{ action: { freshnessSeconds: 60 } }] } },
    ],
    ['route', { route: 'direct' }, { route: { action: 'direct' } }],
    ['route to an edge', { route: { edge: 'home' } }, { route: { action: { edge: 'home' } } }],
    ['fallback', { fallback: 'fail' }, { fallback: { action: 'fail' } }],
    ['upstream', { upstream: 'socket' }, { upstream: { action: 'socket' } }],
    ['shape by preset', { shape: 'slow-3g' }, { shape: { action: { preset: 'slow-3g', latencyMs: 2_000 } } }],
    ['shape', { shape: { latencyMs: 5 } }, { shape: { action: { latencyMs: 5 } } }],
    ['transform', { transform: { compress: true } }, { onResponse: { transform: [{ action: transform }] } }],
    ['log', { log: 'off' }, { onResponse: { log: [{ action: 'off' }] } }],
  ])('%s', (_, then, expected) => {
    const plan = planOf([{ name: 'r', when: { host: 'www.example.com' }, then }], asked);
    expect(plan).toMatchObject({ rules: ['r'], ...expected });
    expect(planOf([{ name: 'r', when: { host: 'www.example.com' }, then }], exchangeOf('http://b.example/'))).toBe(
      undefined,
    );
    expect(planOf([{ name: 'r', enabled: false, then }], asked)).toBe(undefined);
  });
});

describe('which rule wins', () => {
  test('of each kind the first, in the order of the file', () => {
    const plan = planOf(
      [
        { name: 'a', then: { route: 'direct', request: { set: { x: '1' } } } },
        { name: 'b', then: { route: 'edge', shape: '4g', request: { set: { X: '2', y: '2' } } } },
        { name: 'c', then: { shape: 'edge', fallback: 'fail' } },
        { name: 'd', then: { fallback: 'direct' } },
      ],
      asked,
    );
    expect(plan?.rules).toEqual(['a', 'b', 'c']);
    expect(plan?.route).toEqual({ rule: 'a', action: 'direct' });
    expect(plan?.shape?.rule).toBe('b');
    expect(plan?.fallback).toEqual({ rule: 'c', action: 'fail' });
    expect(plan?.requestEdits?.map(({ rule, action }) => `${rule} ${action.name}`)).toEqual(['a x', 'b y']);
  });

  test.each(['block', 'respond', 'redirect'] as const)(
    'block, respond and redirect are one kind: %s ahead of the others answers',
    (kind) => {
      const actions = { block: {}, respond: {}, redirect: { to: 'http://b.example/' } };
      const others = Object.entries(actions).filter(([name]) => name !== kind);
      const rules = [[kind, actions[kind]] as const, ...others].map(([name, action]) => ({
        name,
        when: { host: 'www.example.com' },
        then: { [name]: action },
      }));
      expect(planOf(rules, asked)).toMatchObject({ rules: [kind], answer: { rule: kind, action: { kind } } });
    },
  );

  test('an answer leaves nothing for other kinds, but for the log', () => {
    const plan = planOf(
      [
        { name: 'a', then: { request: { set: { x: '1' } }, rewrite: { to: 'http://b.example/' }, log: 'off' } },
        { name: 'b', then: { block: {} } },
      ],
      asked,
    );
    expect(plan).toMatchObject({ rules: ['a', 'b'], answer: { rule: 'b' }, onResponse: { log: [{ rule: 'a' }] } });
    expect(plan?.requestEdits).toBe(undefined);
    expect(plan?.rewrite).toBe(undefined);
  });

  test('a rule that answers at once does so also behind one that waits for a response', () => {
    const plan = planOf(
      [
        { name: 'late', when: { response: { status: 404 } }, then: { respond: { text: 'none' } } },
        { name: 'now', then: { block: {} } },
      ],
      asked,
    );
    expect(plan).toMatchObject({ rules: ['now'], answer: { rule: 'now' } });
    expect(plan?.onResponse.answer).toBe(undefined);
  });

  test('conditions are judged by the request as it came, not by what another rule makes of it', () => {
    const rules: WrittenRule[] = [
      { name: 'a', when: { host: 'www.example.com' }, then: { rewrite: { to: 'http://b.example/' } } },
      { name: 'b', when: { host: 'b.example' }, then: { block: {} } },
      { name: 'c', when: { fields: { x: true } }, then: { route: 'direct' } },
      { name: 'd', then: { request: { set: { x: '1' } } } },
    ];
    for (const order of [rules, rules.toReversed()]) {
      const plan = planOf(order, asked);
      expect([...(plan?.rules ?? [])].sort()).toEqual(['a', 'd']);
      expect(plan?.rewrite?.action).toBe('http://b.example/');
    }
  });

  test('a rewrite to the very URL is none', () => {
    expect(planOf([{ then: { rewrite: { to: '{url}' } } }], asked)).toBe(undefined);
  });
});

describe('what waits for a response', () => {
  test('the candidates go up to the first that waits for nothing', () => {
    const when = { response: { status: 200 } };
    const plan = planOf(
      [
        { name: 'a', when, then: { cache: 'bypass', log: 'off', transform: { compress: true } } },
        { name: 'b', then: { cache: 'validate', log: 'errors', transform: { compress: true } } },
        { name: 'c', when, then: { cache: { freshnessSeconds: 1 }, log: 'usual', transform: { compress: true } } },
      ],
      asked,
    );
    expect(plan?.rules).toEqual(['a', 'b']);
    for (const kind of ['cache', 'log', 'transform'] as const)
      expect(plan?.onResponse[kind]?.map(({ rule, when: waits }) => [rule, waits?.status])).toEqual([
        ['a', [200]],
        ['b', undefined],
      ]);
  });

  test('answers that wait are all there, with their URLs', () => {
    const plan = planOf(
      [
        { name: 'a', when: { response: { status: 404 } }, then: { redirect: { to: 'http://b.example{path}' } } },
        { name: 'b', when: { response: { status: '5xx' } }, then: { respond: { text: 'sorry' } } },
        { name: 'c', when: { response: { status: 410 } }, then: { redirect: { to: '{url}' } } },
      ],
      asked,
    );
    expect(plan?.answer).toBe(undefined);
    expect(plan?.onResponse.answer).toMatchObject([
      { rule: 'a', when: { status: [404] }, action: { kind: 'redirect', location: 'http://b.example/a/b' } },
      { rule: 'b', when: { status: ['5xx'] }, action: { kind: 'respond' } },
      { rule: 'c', action: { kind: 'failed', error: { type: 'proxy_loop_detected' } } },
    ]);
  });

  test('edits of a name that an earlier rule always edits are left out', () => {
    const plan = planOf(
      [
        { name: 'a', when: { response: { status: 404 } }, then: { response: { set: { x: '1' } } } },
        { name: 'b', then: { response: { set: { x: '2' } } } },
        { name: 'c', then: { response: { set: { x: '3' } } } },
      ],
      asked,
    );
    expect(plan?.rules).toEqual(['a', 'b']);
    expect(plan?.onResponse.edits?.map(({ rule }) => rule)).toEqual(['a', 'b']);
  });
});

describe('a tunnel', () => {
  const everything = {
    request: { set: { x: '1' } },
    response: { set: { x: '1' } },
    rewrite: { to: 'http://b.example/' },
    cache: 'bypass',
    upstream: 'socket',
    transform: { compress: true },
  };

  test('is led, slowed down and left out of the log', () => {
    const then = { ...everything, route: 'direct', fallback: 'fail', shape: '4g', log: 'errors' };
    const plan = planOf([{ name: 'r', then }], tunnelOf('a.example'));
    expect(plan).toMatchObject({
      rules: ['r'],
      route: { action: 'direct' },
      fallback: { action: 'fail' },
      shape: { action: { preset: '4g' } },
      onResponse: { log: [{ action: 'errors' }] },
    });
    const given = Object.entries(plan ?? {}).filter(([, value]) => value !== undefined);
    expect(given.map(([key]) => key)).toEqual(['rules', 'route', 'fallback', 'shape', 'onResponse']);
  });

  test.each([['drop'], [{ status: 451 }]])('is closed by block: %j', (block) => {
    const plan = planOf([{ name: 'r', then: { block } }], tunnelOf('a.example'));
    expect(plan).toMatchObject({ rules: ['r'], answer: { rule: 'r', action: { kind: 'block', block } } });
  });

  test.each([
    ['what needs its content', everything],
    ['respond', { respond: {} }],
    ['redirect', { redirect: { to: 'http://b.example/' } }],
  ])('knows nothing of %s', (_, then) => {
    expect(planOf([{ then }], tunnelOf('a.example'))).toBe(undefined);
  });

  test('is not blocked in the place of a response', () => {
    const rules: WrittenRule[] = [
      { name: 'a', when: { host: 'a.example' }, then: { respond: {} } },
      { name: 'b', when: { host: 'a.example' }, then: { block: {} } },
    ];
    expect(planOf(rules, tunnelOf('a.example'))?.answer?.rule).toBe('b');
    expect(planOf(rules, exchangeOf('http://a.example/'))?.answer?.rule).toBe('a');
  });
});

describe('redirects that lead in a circle', () => {
  const to = (name: string, host: string, target: string): WrittenRule => ({
    name,
    when: { host },
    then: { redirect: { to: target } },
  });

  test.each([
    ['to itself', [to('a', 'a.example', '{url}')], 'rule "a" lead in a circle'],
    [
      'to and fro',
      [to('a', 'a.example', 'http://b.example/'), to('b', 'b.example', 'http://a.example/')],
      '"a" and "b"',
    ],
    ['on and on', [to('a', 'a.example', 'http://a.example/x{path}')], 'do not come to an end'],
  ])('%s: refused, naming the rules', (_, rules, words) => {
    const plan = planOf(rules, exchangeOf('http://a.example/'));
    expect(plan?.answer?.rule).toBe('a');
    expect(plan?.answer?.action).toMatchObject({ kind: 'failed', error: { type: 'proxy_loop_detected', status: 502 } });
    expect(messageOf(plan)).toContain(words);
  });

  test('as far as another rule ends it, they go', () => {
    const rules = [
      to('a', 'a.example', 'http://b.example/'),
      { name: 'end', when: { host: 'b.example' }, then: { respond: {} } },
      to('b', 'b.example', 'http://a.example/'),
    ];
    expect(planOf(rules, exchangeOf('http://a.example/'))?.answer?.action.kind).toBe('redirect');
  });

  test('seven hosts in a row come to an end', () => {
    const rules = [1, 2, 3, 4, 5, 6, 7].map((n) => to(`${n}`, `h${n}.example`, `http://h${n + 1}.example/`));
    expect(planOf(rules, exchangeOf('http://h1.example/'))?.answer?.action.kind).toBe('redirect');
  });

  test('a POST becomes a GET on its way, as browsers make it', () => {
    const rules: WrittenRule[] = [
      { name: 'form', when: { method: 'POST' }, then: { redirect: { to: '{url}', status: 303 } } },
    ];
    const plan = planOf(rules, exchangeOf('http://a.example/', { method: 'POST' }));
    expect(plan?.answer?.action.kind).toBe('redirect');
  });
});

test('names are those of the rules that are enabled, and of unnamed ones their number', () => {
  const rules = rulesOf({ then: { log: 'off' } }, { enabled: false, then: { log: 'off' } }, { then: { log: 'off' } });
  expect(compileRules(rules).names).toEqual(['rule 1', 'rule 3']);
  expect(compileRules(rules).plan(asked, worldOf())?.rules).toEqual(['rule 1']);
});

test('a rewrite that makes no URL is a failure with a sentence, not a crash', () => {
  const rules: WrittenRule[] = [
    { name: 'sub', when: { path: '/*' }, then: { rewrite: { to: 'http://{1}.b.example/' } } },
  ];
  const plan = planOf(rules, exchangeOf('http://a.example/evil.example/?'));
  expect(plan?.answer).toMatchObject({
    rule: 'sub',
    action: { kind: 'failed', error: { type: 'proxy_configuration_error', status: 500 } },
  });
  expect(messageOf(plan)).toContain('"sub"');
  expect(messageOf(plan)).not.toContain('evil');
});

describe('the index', () => {
  const hosts = fc.constantFrom('a.example', 'b.example', 'x.a.example', 'y.x.a.example', '192.0.2.1');
  const patterns = fc.constantFrom(
    'a.example',
    '*.a.example',
    '*.example',
    'b.example',
    '*',
    '192.0.2.1',
    '*.x.a.example',
  );
  const urls = fc.constantFrom('http://a.example/*', '*://*.a.example/*', 'http://*', '*/p', 'http://b.example/p');
  const whens = fc.record(
    {
      host: fc.array(patterns, { minLength: 1, maxLength: 3 }),
      domain: fc.constantFrom('a.example', 'b.example'),
      url: fc.array(urls, { minLength: 1, maxLength: 2 }),
      path: fc.constantFrom('/', '/p', '*', '/p/*', '/p*', '/p/x', '/q/x', '*x'),
      not: fc.record({ host: patterns }),
    },
    { requiredKeys: [] },
  );

  test('an indexed plan is the plan of all rules asked one by one', () => {
    fc.assert(
      fc.property(
        fc.array(whens, { maxLength: 12 }),
        hosts,
        fc.constantFrom('/', '/p', '/p?x', '/p/x', '/pp', '/q/x/y'),
        (conditions, host, path) => {
          const rules = rulesOf(
            ...conditions.map((when, n) => ({ name: `${n}`, when, then: { response: { set: { [`x-${n}`]: '1' } } } })),
          );
          const request = exchangeOf(`http://${host}${path}`);
          const facts = new Facts().of(request, worldOf());
          const expected = rules.map(compileRule).filter((rule) => holds(rule, facts));
          const compiled = compileRules(rules);
          const names = expected.map(({ name }) => name);
          expect(compiled.plan(request, worldOf())?.rules ?? []).toEqual(names);
          expect(compiled.plan(request, worldOf())?.rules ?? []).toEqual(names); // as it is remembered
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('transformKey', () => {
  const keyOf = (...rules: WrittenRule[]) => planOf(rules, asked)?.transformKey;

  test('is equal for equal transforms, whatever their rules are called', () => {
    const then = { transform: { image: { width: 100 } } };
    expect(keyOf({ name: 'a', then })).toBe(keyOf({ name: 'b', when: { host: 'www.example.com' }, then }));
    expect(keyOf({ name: 'a', then })).toMatch(/^[0-9a-z]+-[0-9a-z]+$/);
  });

  test('is another for another transform, or another condition on the response', () => {
    const keys = [
      { then: { transform: { image: { width: 100 } } } },
      { then: { transform: { image: { width: 101 } } } },
      { then: { transform: { compress: true } } },
      { when: { response: { status: 200 } }, then: { transform: { compress: true } } },
      { when: { response: { type: 'text/*' } }, then: { transform: { compress: true } } },
    ].map((rule) => keyOf(rule));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('stays what it was: what is stored on disk has it', () => {
    expect(keyOf({ then: { transform: { compress: true } } })).toBe('1x-113nifqtxp45g');
  });

  test('is absent without transforms', () => {
    expect(keyOf({ then: { route: 'edge' } })).toBe(undefined);
  });
});
