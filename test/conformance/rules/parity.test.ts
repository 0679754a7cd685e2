// Every row of the table of rules through real agents: by the edge with fetch, with connections of its own, and directly.
import { beforeAll, describe, expect, test } from 'vitest';
import type { ExchangeRecord } from '../../../schemas/exchange.ts';
import { rows } from './cases.ts';
import { type Party, type Seen, type SeenTunnel, startParty, toOrigin } from './parties.ts';
import { type Ask, type Expected, type Way, ways } from './row.ts';

/** What has to differ between the ways, and why. Nothing else may. */
const differing = {
  response: {
    date: 'of an answer of each agent itself',
    'server-timing': 'measures this exchange',
    'proxy-status': 'names the next hop',
    'cache-status': 'a cache of the edge has a word in it, too',
    age: 'counts seconds',
    via: 'names the run of the agent, and the edge where there is one',
    etag: 'of a file that each agent has for itself',
    'last-modified': 'likewise',
  },
  request: {
    via: 'as above',
    'cdn-loop': 'says that an edge was passed',
    connection: 'of the hop alone',
  },
} as const;

/** Of the exchange, in problem details. */
const exchangeId = /"exchange":"[\w-]+"/;

let parties: readonly Party[];

beforeAll(async () => {
  parties = await Promise.all(ways.map(startParty));
  return () => Promise.all(parties.map((party) => party[Symbol.asyncDispose]()));
});

const exchanges = rows.flatMap(({ ask, expected, ...row }) =>
  ask && expected ? [named({ ...row, ask, expected })] : [],
);
const upgrades = rows.flatMap(({ ask, upgrade, ...row }) => (ask && upgrade ? [named({ ...row, ask, upgrade })] : []));
const tunnels = rows.flatMap(({ tunnel, ...row }) => (tunnel ? [named({ ...row, tunnel })] : []));

test.each(exchanges)('exchange: %s', async (_, { rules, before = [], ask, expected, unlike = {} }) => {
  const seen = await byEachWay(async (party) => {
    await party.heed(rules);
    for (const each of before) await party.carry(each, 'exchange', true);
    return party.carry(ask, 'exchange', expected.record !== null);
  });
  for (const way of ways) {
    holds(seen[way], unlike[way] ?? expected, ask, way);
    if (expected.record !== null && !('route' in (expected.record ?? {})))
      isOfItsWay(seen[way], way, 'upstream' in (expected.record ?? {}));
  }
  areAlike(ways.filter((way) => unlike[way] === undefined).map((way) => comparable(seen[way])));
});

test.each(upgrades)('upgrade: %s', async (_, { rules, before = [], ask, upgrade }) => {
  const seen = await byEachWay(async (party) => {
    await party.heed(rules);
    for (const each of before) await party.carry(each, 'upgrade', true);
    return party.carry(ask, 'upgrade', upgrade.record !== null);
  });
  for (const way of ways) holds(seen[way], upgrade, ask, way);
  areAlike(ways.map((way) => comparable(seen[way])));
});

describe.each(['connect', 'socks5'] as const)('tunnel by %s:', (by) => {
  test.each(tunnels)('%s', async (_, { rules, tunnel }) => {
    const seen = await byEachWay(async (party) => {
      await party.heed(rules);
      return party.tunnel(tunnel, by);
    });
    for (const way of ways) {
      const { outcome, through, record } = seen[way];
      const isRefusal = typeof tunnel.outcome === 'number';
      expect({ way, outcome }).toEqual({ way, outcome: by === 'socks5' && isRefusal ? 'refused' : tunnel.outcome });
      if (isRefusal && record !== undefined) expect(record.response?.status).toBe(tunnel.outcome);
      expect(through).toBe(
        outcome === 'open' ? 'GET /through HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n' : undefined,
      );
      recordHolds(record, tunnel);
      if (record !== undefined) expect([record.kind, record.route?.kind ?? 'direct']).toEqual(['tunnel', 'direct']);
    }
    areAlike(ways.map((way) => comparableTunnel(seen[way])));
  });
});

/** Titles are told in full. */
function named<R extends { readonly title: string }>(row: R): readonly [string, R] {
  return [row.title, row];
}

async function byEachWay<T>(carry: (party: Party) => Promise<T>): Promise<Record<Way, T>> {
  const seen = await Promise.all(parties.map(async (party) => [party.way, await carry(party)] as const));
  return Object.fromEntries(seen) as Record<Way, T>;
}

/** What a row expects of one way. */
function holds({ response, requests, record }: Seen, expected: Expected, ask: Ask, way: Way): void {
  const { client, origin } = expected;
  if (client === 'reset') expect(response, way).toBeUndefined();
  else if ('cutAfter' in client) {
    expect(response, way).toMatchObject({ status: client.status, content: client.cutAfter, isWhole: false });
  } else {
    const { status, content, fields = {} } = client;
    expect(response, way).toMatchObject({
      status,
      ...(content !== undefined && { content: latin1(content) }),
      isWhole: true,
    });
    someFields(response?.fields, fields, `${way}: response`);
  }
  const last = requests.at(-1);
  if (origin === null) expect(requests, way).toEqual([]);
  else {
    const { url, method = 'GET', content = '' } = ask;
    const { pathname, search } = new URL(url);
    const { fields = {}, ...given } = origin;
    expect(last, way).toMatchObject({ method, target: pathname + search, content, ...given });
    someFields(last?.fields, fields, `${way}: request`);
  }
  recordHolds(record, expected);
}

function someFields(
  seen: Readonly<Record<string, string>> = {},
  expected: Readonly<Record<string, string | null>>,
  what: string,
): void {
  const told = Object.fromEntries(
    Object.entries(expected).map(([name, value]) => {
      const given = seen[name] ?? null;
      const isSo = value?.endsWith('*') === true && given?.startsWith(value.slice(0, -1));
      return [name, isSo ? value : given];
    }),
  );
  expect(told, what).toEqual(expected);
}

function recordHolds(
  record: ExchangeRecord | undefined,
  { rules, record: said = {} }: Pick<Expected, 'rules' | 'record'>,
): void {
  if (said === null) return void expect(record).toBeUndefined();
  expect(rulesOf(record)).toEqual(rules);
  saysSo(JSON.parse(JSON.stringify(record).replace(/127\.0\.0\.1:\d+/g, 'ORIGIN')), said);
}

/** As `toMatchObject`, and null stands for what is not there. */
function saysSo(record: Readonly<Record<string, unknown>>, said: object): void {
  for (const [key, value] of Object.entries(said)) {
    if (value === null) expect(record[key], key).toBeUndefined();
    else if (typeof value !== 'object' || Array.isArray(value)) expect(record[key], key).toEqual(value);
    else {
      expect(record[key], key).toBeTypeOf('object');
      saysSo(record[key] as Readonly<Record<string, unknown>>, value);
    }
  }
}

/** The rule that leads to the origin is in all configurations. */
function rulesOf(record: ExchangeRecord | undefined): readonly string[] {
  return (record?.rules ?? []).filter((name) => name !== toOrigin);
}

/** Nothing has quietly gone another way. A cache, or a rule, answers by itself. */
function isOfItsWay({ record, requests }: Seen, way: Way, isUpstreamSaid: boolean): void {
  if (requests.length === 0) return;
  expect(record?.route?.kind, way).toBe(way === 'direct' ? 'direct' : 'edge');
  if (way === 'socket' && !isUpstreamSaid) expect(record?.upstream, way).toBeDefined();
}

/** What was seen, without what has to differ. */
function comparable({ response, requests, record }: Seen) {
  return {
    response: response && {
      ...response,
      content: response.content.replace(exchangeId, ''),
      fields: without(response.fields, differing.response),
    },
    requests: requests.map((request) => ({ ...request, fields: withoutNoLength(request) })),
    ...recorded(record),
  };
}

function comparableTunnel({ outcome, through, record }: SeenTunnel) {
  return { outcome, through, ...recorded(record) };
}

/** What a record says that no way has a part in. */
function recorded(record: ExchangeRecord | undefined) {
  const { rules, rewrittenUrl, transform, shape, octets, response } = record ?? {};
  return {
    isRecorded: record !== undefined,
    rules,
    rewrittenUrl: rewrittenUrl?.replace(/127\.0\.0\.1:\d+/, 'ORIGIN'),
    transform,
    shape,
    octets,
    status: response?.status,
    error: record?.error?.type,
  };
}

/** The platform's fetch says `Content-Length: 0` where there is no content, unless of GET and HEAD (RFC 9110 8.6 allows both). */
function withoutNoLength({ fields }: Seen['requests'][number]) {
  const { 'content-length': length, ...others } = without(fields, differing.request);
  return length === undefined || length === '0' ? others : { ...others, 'content-length': length };
}

function without(fields: Readonly<Record<string, string>>, names: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !(name in names)));
}

function areAlike(seen: readonly unknown[]): void {
  const [first, ...others] = seen;
  for (const other of others) expect(other).toEqual(first);
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
