// The table of `then` where it is about caches, the way and the simulated network.
import type { RuleInput as WrittenRule } from '../../support/rules.ts';
import type { Ask, Expected, Row } from './row.ts';

const when = { host: 'a.test' };
const ask: Ask = { url: 'http://a.test/x' };
const tunnel = { to: 'a.test:ORIGIN' };
const notForTunnels = { ...tunnel, outcome: 'open', rules: [] } as const;

function ruleOf(then: WrittenRule['then'], more: Partial<WrittenRule> = {}): WrittenRule {
  return { name: 'rule', when, then, ...more };
}

/** It goes on and comes back as it would without the rule. */
function asUsual(record: object = {}, status = 200): Expected {
  const client = status === 101 ? { status } : { status, content: 'hello' };
  return { client, origin: {}, rules: ['rule'], record };
}

const lasting = { fields: { 'Content-Type': 'text/plain', 'Cache-Control': 'max-age=60', ETag: '"1"' } };

/** What caches store must be of no other row. */
function cached(
  title: string,
  path: string,
  more: Partial<Row> & Pick<Row, 'rules' | 'expected'>,
  answer: Ask['answer'] = lasting,
): Row {
  const asked: Ask = { url: `http://a.test/cache/${path}`, answer };
  return { title, before: [asked], ask: asked, ...more };
}

const caches: readonly Row[] = [
  cached('without a rule what is fresh is not asked for again', 'usual', {
    rules: [],
    expected: {
      client: { status: 200, content: 'hello' },
      origin: null,
      rules: [],
      record: { cache: { agent: { hit: true } } },
    },
  }),
  cached('cache: bypass asks each time', 'bypass', {
    rules: [ruleOf({ cache: 'bypass' })],
    expected: asUsual({ cache: { agent: { fwd: 'bypass', stored: null } } }),
    upgrade: asUsual({}, 101),
    tunnel: notForTunnels,
  }),
  cached('cache: validate asks whether what is stored still holds', 'validate', {
    rules: [ruleOf({ cache: 'validate' })],
    expected: { ...asUsual(), origin: { fields: { 'if-none-match': '"1"' } } },
    tunnel: notForTunnels,
  }),
  cached(
    'cache: freshnessSeconds keeps what the origin would not have kept',
    'fresh',
    {
      rules: [ruleOf({ cache: { freshnessSeconds: 60 } })],
      expected: {
        client: { status: 200, content: 'hello' },
        origin: null,
        rules: ['rule'],
        record: { cache: { agent: { hit: true } } },
      },
      tunnel: notForTunnels,
    },
    { fields: { 'Content-Type': 'text/plain', 'Cache-Control': 'max-age=0' } },
  ),
  cached(
    'E03 no rule lets Set-Cookie be stored',
    'cookie',
    {
      rules: [ruleOf({ cache: { freshnessSeconds: 60 } })],
      expected: { ...asUsual(), client: { status: 200, fields: { 'set-cookie': 's=1' } } },
    },
    { fields: { 'Set-Cookie': 's=1' } },
  ),
  {
    title: 'E04 no rule lets the answer to Authorization be stored',
    rules: [ruleOf({ cache: { freshnessSeconds: 60 } })],
    before: [{ url: 'http://a.test/cache/secret', fields: ['Authorization: Basic eDp5'] }],
    ask: { url: 'http://a.test/cache/secret', fields: ['Authorization: Basic eDp5'] },
    expected: { ...asUsual(), origin: { fields: { authorization: 'Basic eDp5' } } },
  },
  cached('cache by the response: this one is not stored', 'by-type', {
    rules: [ruleOf({ cache: 'bypass' }, { when: { ...when, response: { type: 'text/*' } } })],
    expected: asUsual(),
  }),
  cached('cache by the response: and that one is', 'by-other-type', {
    rules: [ruleOf({ cache: 'bypass' }, { when: { ...when, response: { type: 'image/*' } } })],
    expected: { client: { status: 200, content: 'hello' }, origin: null, rules: [] },
  }),
  cached('changed fields are not stored: a stored response is changed anew, once', 'edited', {
    rules: [ruleOf({ response: { add: { 'x-add': '1' } } })],
    expected: { client: { status: 200, fields: { 'x-add': '1' } }, origin: null, rules: ['rule'] },
  }),
];

const byEdge = { kind: 'edge' };
const directly = { kind: 'direct' };
const noEdge =
  'without an edge a rule that asks for one is refused, unless its fallback is "direct" (docs/rules.md, Choose the way)';

const routes: readonly Row[] = [
  {
    title: 'route: direct leaves the edge out',
    rules: [ruleOf({ route: 'direct' })],
    ask,
    expected: asUsual({ route: { ...directly, because: 'rule' } }),
    upgrade: asUsual({ route: directly }, 101),
    tunnel: { ...tunnel, outcome: 'open', rules: ['rule'], record: { route: directly } },
  },
  {
    title: 'route: edge goes by the edge in use, and nowhere without',
    rules: [ruleOf({ route: 'edge' })],
    ask,
    expected: asUsual({ route: { ...byEdge, because: 'rule' } }),
    unlike: {
      direct: {
        because: noEdge,
        client: { status: 502 },
        origin: null,
        rules: ['rule'],
        record: { error: { type: 'proxy_configuration_error' } },
      },
    },
    upgrade: asUsual({ route: { ...directly, because: 'upgrade' } }, 101),
    tunnel: { ...tunnel, outcome: 'open', rules: ['rule'], record: { route: { ...directly, because: 'connect' } } },
  },
  {
    title: 'route: an edge by its name, whatever is used otherwise',
    rules: [ruleOf({ route: { edge: 'embedded' } })],
    ask,
    expected: asUsual({ route: { ...byEdge, because: 'rule' } }),
    upgrade: asUsual({ route: { ...directly, because: 'upgrade' } }, 101),
    tunnel: { ...tunnel, outcome: 'open', rules: ['rule'] },
  },
  {
    title: 'fallback: fail with an edge that no tunnel can use',
    rules: [ruleOf({ route: 'edge', fallback: 'fail' })],
    ask,
    expected: asUsual({ route: byEdge }),
    unlike: { direct: { because: noEdge, client: { status: 502 }, origin: null, rules: ['rule'] } },
    upgrade: { client: { status: 502 }, origin: null, rules: ['rule'] },
    tunnel: { ...tunnel, outcome: 502, rules: ['rule'], record: { error: { type: 'proxy_configuration_error' } } },
  },
  {
    title: 'fallback: direct where there is no edge',
    rules: [ruleOf({ route: 'edge', fallback: 'direct' })],
    ask,
    expected: asUsual({ route: byEdge }),
    unlike: { direct: { because: noEdge, ...asUsual({ route: directly }) } },
    upgrade: asUsual({ route: directly }, 101),
    tunnel: { ...tunnel, outcome: 'open', rules: ['rule'], record: { route: directly } },
  },
  {
    title: 'upstream: fetch',
    rules: [ruleOf({ upstream: 'fetch' })],
    ask,
    expected: asUsual({ upstream: null }),
    upgrade: asUsual({}, 101),
    tunnel: notForTunnels,
  },
  {
    title: 'upstream: socket',
    rules: [ruleOf({ upstream: 'socket' })],
    ask,
    expected: asUsual({ upstream: {} }),
    unlike: {
      direct: {
        because: 'it says how an edge reaches the origin (docs/configuration.md, then.upstream)',
        ...asUsual({ upstream: null }),
      },
    },
    tunnel: notForTunnels,
  },
];

function shaped(
  title: string,
  shape: NonNullable<WrittenRule['then']['shape']>,
  more: Partial<Row> = {},
  outcome: object = {},
): Row {
  const record = { shape: { rule: 'rule', ...outcome } };
  return {
    title: `shape: ${title}`,
    rules: [ruleOf({ shape })],
    ask,
    expected: asUsual(record),
    upgrade: asUsual(record, 101),
    tunnel: { ...tunnel, outcome: 'open', rules: ['rule'], record },
    ...more,
  };
}

function faulty(fault: object, client: Expected['client'], origin: Expected['origin'] = {}): Partial<Row> {
  return {
    expected: { client, origin, rules: ['rule'], record: { shape: { rule: 'rule', ...fault } } },
    upgrade: undefined,
    tunnel: undefined,
  };
}

const cut = (kind: 'reset' | 'timeout' | 'truncate') =>
  shaped(
    `${kind} within the content`,
    { fault: { kind, afterBytes: 3 } },
    faulty({ fault: kind }, { status: 200, cutAfter: 'hel' }),
  );

/** Each by its name, and with its latency taken away by what is said beside it. */
const presets = (['edge', 'slow-3g', 'fast-3g', '4g', 'satellite'] as const).flatMap((preset) => [
  { ...shaped(preset, preset, {}, { preset }), upgrade: undefined, tunnel: undefined },
  shaped(`${preset}, but for its latency`, { preset, latencyMs: 0 }, {}, { preset, latencyMs: null }),
]);

const offline: Partial<Row> = {
  expected: {
    client: 'reset',
    origin: null,
    rules: ['rule'],
    record: { shape: { preset: 'offline', fault: 'reset' } },
  },
  upgrade: { client: 'reset', origin: null, rules: ['rule'], record: { shape: { preset: 'offline', fault: 'reset' } } },
  tunnel: { ...tunnel, outcome: 'reset', rules: ['rule'], record: { shape: { preset: 'offline', fault: 'reset' } } },
};

const shapes: readonly Row[] = [
  shaped('a latency', { latencyMs: 2 }, {}, { latencyMs: 2, fault: null }),
  shaped(
    'rates each way, with a burst',
    { downBytesPerSecond: 1_000_000, upBytesPerSecond: 1_000_000, burstBytes: 1_000 },
    {
      ask: { ...ask, method: 'POST', content: 'sent' },
      expected: { ...asUsual({ shape: { rule: 'rule' } }), origin: { method: 'POST', content: 'sent' } },
      upgrade: undefined,
    },
  ),
  shaped(
    'none, by probability',
    { preset: 'offline', probability: 0 },
    {
      expected: asUsual({ shape: null }),
      upgrade: asUsual({ shape: null }, 101),
      tunnel: { ...tunnel, outcome: 'open', rules: ['rule'], record: { shape: null } },
    },
  ),
  ...(['reset', 'timeout', 'truncate', 'slow-close'] as const).map((kind) =>
    shaped(`no ${kind}, by its probability`, { fault: { kind, probability: 0 } }, {}, { fault: null }),
  ),
  {
    ...shaped('the same seed makes the same choices', { latencyMs: 3, jitterMs: 2, seed: 7 }),
    rules: [ruleOf({ shape: { latencyMs: 3, jitterMs: 2, seed: 7 } }, { name: 'seeded' })],
    before: [ask, ask],
    expected: { ...asUsual({ shape: { rule: 'seeded', latencyMs: 4.054 } }), rules: ['seeded'] },
    upgrade: undefined,
    tunnel: undefined,
  },
  shaped('a reset before anything is asked', { fault: { kind: 'reset' } }, faulty({ fault: 'reset' }, 'reset', null)),
  shaped(
    'a silence before anything is asked',
    { fault: { kind: 'timeout' } },
    faulty({ fault: 'timeout' }, 'reset', null),
  ),
  cut('reset'),
  cut('timeout'),
  cut('truncate'),
  shaped(
    'a slow close',
    { fault: { kind: 'slow-close', delayMs: 1 } },
    faulty({ fault: 'slow-close' }, { status: 200, content: 'hello' }),
  ),
  ...presets,
  shaped('offline', 'offline', offline),
  shaped('offline, as a preset', { preset: 'offline' }, offline),
];

export const networkRows: readonly Row[] = [...caches, ...routes, ...shapes];
