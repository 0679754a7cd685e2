// The configuration: nothing has to be said, and nothing unknown may be.
import { expect, test } from 'vitest';
import { config } from '../../schemas/config.ts';

const defaults = config.parse({});

test('an empty file is valid, and every key has a default', () => {
  expect(defaults).toMatchObject({
    listen: { host: '127.0.0.1', port: 8080, controlPort: 8081 },
    edge: { use: 'embedded', edges: [], upstream: 'fetch' },
    parents: { use: 'auto' },
    admit: { destinations: { allow: [], allowPrivate: false } },
    log: 'pretty',
    annotate: true,
  });
  expect(keysOf(config.parse(Object.fromEntries(sections.map((section) => [section, {}]))))).toEqual(keysOf(defaults));
});

test('the configuration in effect is a valid configuration that means the same', () => {
  expect(config.parse(defaults)).toEqual(defaults);
});

/** Of which 0 means that there is no limit. */
const unlimitedByDefault = ['maxRequestsPerSecondPerClient'];

test('every limit is a positive whole number', () => {
  for (const [name, value] of Object.entries(defaults.limits)) {
    const isUnlimited = unlimitedByDefault.includes(name);
    expect(name).toMatch(
      /(Ms|Bytes|Characters|(Connections|RequestsPerSecond)PerClient|Connections|Fields|LeafCertificates|Names|Records|Requests|Responses)$/,
    );
    if (isUnlimited) expect(value).toBe(0);
    else expect(value).toBeGreaterThan(0);
    for (const wrong of [...(isUnlimited ? [] : [0]), -1, 1.5, '1', null]) {
      expect(config.safeParse({ limits: { [name]: wrong } }).success, `${name}: ${wrong}`).toBe(false);
    }
  }
});

const sections = ['listen', 'edge', 'parents', 'admit', 'limits'] as const;

test.each<readonly [string, object]>([
  ['at the top', { listne: {} }],
  ...sections.map((section) => [`in ${section}`, { [section]: { nonsense: 1 } }] as const),
  ['in admit.clients', { admit: { clients: { block: [] } } }],
  ['in a rule', { rules: [{ then: { block: 'drop', nonsense: 1 } }] }],
  ['in admit.destinations', { admit: { destinations: { deny: [] } } }],
  ['in an edge', { edge: { edges: [{ name: 'a', url: 'https://a.example', token: 'x'.repeat(16), secret: 1 }] } }],
])('an unknown key is refused, %s', (_, file) => {
  expect(config.safeParse(file).error?.issues.map(({ code }) => code)).toEqual(['unrecognized_keys']);
});

test.each([
  ['port 0, which chooses one', { listen: { port: 0 } }, true],
  ['port 65535', { listen: { port: 65_535 } }, true],
  ['port 65536', { listen: { port: 65_536 } }, false],
  ['a head larger than what is relayed', { limits: { maxHeadBytes: 64 * 1024 + 1 } }, false],
  ['a wait that a timer can take', { limits: { tunnelIdleTimeoutMs: 1_000_000_000 } }, true],
  ['a wait that a timer would cut short', { limits: { tunnelIdleTimeoutMs: 1_000_000_001 } }, false],
  ['a head deadline that the edge takes', { limits: { headDeadlineMs: 3_600_000 } }, true],
  ['a head deadline that the edge would refuse', { limits: { headDeadlineMs: 3_600_001 } }, false],
  ['a log of no known form', { log: 'xml' }, false],
  ['the name of a schema', { $schema: 'https://edgehop.example/schema.json' }, true],
  ['an edge by https', edges({ url: 'https://edge.example' }), true],
  ['an edge by another protocol', edges({ url: 'wss://edge.example' }), false],
  ['an edge with a name that is no word', edges({ name: 'at home' }), false],
  ['an edge with a short token', edges({ token: 'x'.repeat(15) }), false],
  ['a parent proxy with credentials', { parents: { https: 'http://me:p%40ss@proxy.example:3128' } }, true],
  ['a parent proxy by SOCKS', { parents: { all: 'socks5h://[2001:db8::1]' } }, true],
  ['a parent proxy without scheme', { parents: { http: 'proxy.example:3128' } }, true],
  ['a parent proxy of another scheme', { parents: { all: 'socks4://proxy.example' } }, false],
  ['a parent proxy without host', { parents: { all: 'http:///' } }, false],
  ['destinations without parent', { parents: { no: ['localhost', '10.0.0.0/8'] } }, true],
  ['destinations without parent in one text', { parents: { no: 'localhost' } }, false],
])('%s is taken: %j %s', (_, file, isTaken) => {
  expect(config.safeParse(file).success).toBe(isTaken);
});

function edges(part: Readonly<Record<string, string>>) {
  return { edge: { edges: [{ name: 'home', url: 'https://edge.example', token: 'x'.repeat(16), ...part }] } };
}

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, below]) => [key, ...keysOf(below).map((name) => `${key}.${name}`)]);
}
