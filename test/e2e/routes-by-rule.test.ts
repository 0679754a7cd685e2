// Rules choose the way of an exchange: which edge, or none, how that reaches the origin, and what happens where it cannot.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Rule } from '../../schemas/rule.ts';
import { startTestAgent, type TestAgent, type TestAgentOptions } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';
import { startDeployedEdge, type TestEdge, testToken } from '../support/edge.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { startSilentPort } from '../support/silent-port.ts';

/** What each edge finds behind it, and what this machine finds. */
let behind: { readonly home: Origin; readonly far: Origin; readonly here: Origin };
let edges: { readonly home: TestEdge; readonly far: TestEdge };

beforeAll(async () => {
  const saying = (text: string) =>
    startOrigin((_, socket) => void socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${text.length}`], text)));
  const [home, far, here] = await Promise.all([saying('home'), saying('far'), saying('here')]);
  behind = { home, far, here };
  const [first, second] = await Promise.all([
    startDeployedEdge({ internet: `127.0.0.1:${home.port}` }),
    startDeployedEdge({ internet: `127.0.0.1:${far.port}` }),
  ]);
  edges = { home: first, far: second };
});

afterAll(async () => {
  await Promise.all(Object.values(edges).map((edge) => edge[Symbol.asyncDispose]()));
  await Promise.all(Object.values(behind).map((origin) => origin[Symbol.asyncDispose]()));
});

type Then = Rule['then'];

/** A public name, as the agent sees it, that the direct route may dial. */
const site = (path: string) => `http://site.example:${behind.here.port}${path}`;

function startAgent(rules: Readonly<Record<string, Then>>, parts: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  return startTestAgent({
    edge: edges.home.direct as `http://${string}`,
    allowPrivate: false,
    allow: [`127.0.0.1:${behind.here.port}`],
    answers: { 'site.example': ['127.0.0.1'] },
    limits: { connectTimeoutMs: 300 },
    ...parts,
    config: {
      ...parts.config,
      rules: [
        ...(parts.config?.rules ?? []),
        ...Object.entries(rules).map(([path, action]) => ({ name: `of ${path}`, when: { path }, then: action })),
      ],
      edge: { edges: [{ name: 'far', url: edges.far.direct, token: testToken }], ...parts.config?.edge },
    },
  });
}

async function asked(proxy: TestAgent, path: string) {
  const response = await getOnce(proxy.port, site(path));
  return { ...response, text: response.content.toString(), record: await proxy.recordOf(path) };
}

test('each goes where its rule says, the others by the edge in use', async () => {
  await using proxy = await startAgent({
    '/far': { route: { edge: 'far' } },
    '/home': { route: { edge: 'home' } },
    '/edge': { route: 'edge' },
    '/here': { route: 'direct' },
  });
  await proxy.hasSaid(/^edge far is ready$/);
  const ways = [];
  for (const path of ['/far', '/home', '/edge', '/here', '/usual']) {
    const { text, record } = await asked(proxy, path);
    ways.push([text, record.route, record.rules]);
  }
  expect(ways).toEqual([
    ['far', { kind: 'edge', edge: 'far', because: 'rule' }, ['of /far']],
    ['home', { kind: 'edge', edge: 'home', because: 'rule' }, ['of /home']],
    ['home', { kind: 'edge', edge: 'home', because: 'rule' }, ['of /edge']],
    ['here', { kind: 'direct', because: 'rule' }, ['of /here']],
    ['home', { kind: 'edge', edge: 'home', because: 'configured' }, undefined],
  ]);
});

describe('an edge of a rule that is down (I07)', () => {
  test.each([
    ['direct', undefined, 'direct'],
    ['direct', 'fail', 'failed'],
    ['fail', undefined, 'failed'],
    ['fail', 'direct', 'direct'],
  ] as const)('where fallback is %s, and %s by rule: %s', async (fallback, byRule, result) => {
    await using silent = await startSilentPort();
    const url = `http://127.0.0.1:${silent.port}`;
    const way = { route: { edge: 'far' }, ...(byRule !== undefined && { fallback: byRule }) };
    await using proxy = await startAgent(
      { '/by-rule': way },
      { fallback, config: { edge: { edges: [{ name: 'far', url, token: testToken }] } } },
    );
    const { status, text, record } = await asked(proxy, '/by-rule');
    if (result === 'direct') {
      expect([text, record.route]).toEqual(['here', { kind: 'direct', because: 'edge-down' }]);
    } else {
      expect([status >= 500, record.route]).toEqual([true, { kind: 'edge', edge: 'far', because: 'rule' }]);
      expect(record.error?.message).toMatch(/The rule "of \/by-rule" sends this by the edge far/);
    }
    expect((await asked(proxy, '/usual')).text).toBe('home');
  });
});

describe('without an edge', () => {
  test.each([['edge'], [{ edge: 'nowhere' }]] as const)(
    'a rule that says %j is told so in the answer',
    async (route) => {
      await using proxy = await startAgent({ '/by-rule': { route } }, { edge: 'none' });
      const { status, record } = await asked(proxy, '/by-rule');
      expect(status).toBe(502);
      expect(record.error).toMatchObject({
        type: 'proxy_configuration_error',
        message: expect.stringContaining('"of /by-rule"'),
      });
      expect(record.route).toBeUndefined();
    },
  );

  test('a rule may name one all the same', async () => {
    await using proxy = await startAgent({ '/by-rule': { route: { edge: 'far' } } }, { edge: 'none' });
    expect((await asked(proxy, '/by-rule')).text).toBe('far');
    expect((await asked(proxy, '/usual')).text).toBe('here');
  });

  test('a rule that allows the direct way itself gets it', async () => {
    await using proxy = await startAgent({ '/by-rule': { route: 'edge', fallback: 'direct' } }, { edge: 'none' });
    const { text, record } = await asked(proxy, '/by-rule');
    expect([text, record.route]).toEqual(['here', { kind: 'direct', because: 'no-edge' }]);
  });
});

test('a private destination goes directly, whichever edge a rule names, and the record says why', async () => {
  await using proxy = await startAgent({ '/by-rule': { route: { edge: 'far' } } });
  await getOnce(proxy.port, `http://127.0.0.1:${behind.here.port}/by-rule`);
  expect((await proxy.recordOf('/by-rule')).route).toEqual({ kind: 'direct', because: 'private-destination' });
});

test('a destination that is private is not reached by a rule that sends it by an edge', async () => {
  await using proxy = await startAgent({ '/by-rule': { route: { edge: 'far' } } }, { allow: [] });
  const before = [behind.far.requests.length, behind.here.requests.length];
  expect((await getOnce(proxy.port, `http://127.0.0.1:${behind.here.port}/by-rule`)).status).toBe(403);
  expect([behind.far.requests.length, behind.here.requests.length]).toEqual(before);
});

test('how the edge reaches the origin is for rules too', async () => {
  await using proxy = await startAgent({ '/socket': { upstream: 'socket' } }, { edge: 'embedded', allowPrivate: true });
  const [byRule, usual] = [await asked(proxy, '/socket'), await asked(proxy, '/usual')];
  expect([byRule.text, usual.text]).toEqual(['here', 'here']);
  expect(byRule.record.upstream).toMatchObject({ because: 'configured' });
  expect(usual.record.upstream).not.toMatchObject({ because: 'configured' });
});

test.each([
  [{ route: 'direct' }, 200, 'rule'],
  [{ route: 'edge' }, 200, 'connect'],
  [{ route: { edge: 'far' } }, 200, 'connect'],
  [{ route: 'edge', fallback: 'fail' }, 502, undefined],
  [{ route: { edge: 'far' }, fallback: 'fail' }, 502, undefined],
] as const)('a tunnel of a rule that says %j is answered with %i (I07)', async (action, status, because) => {
  const rules = [{ name: 'of tunnels', when: { host: 'site.example' }, then: action }];
  await using proxy = await startAgent({}, { config: { rules } });
  using client = await connectClient(proxy.port);
  const authority = `site.example:${behind.here.port}`;
  client.sendHead(`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`);
  expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(`HTTP/1.1 ${status} `);
  client.socket.resetAndDestroy();
  const { route, error } = await proxy.recordOf(authority);
  expect(route?.because).toBe(because);
  if (status === 502)
    expect(error).toMatchObject({
      type: 'proxy_configuration_error',
      message: expect.stringContaining('"of tunnels"'),
    });
});

test('rules whose way by an edge tunnels cannot take are named at the start', async () => {
  await using proxy = await startTestAgent({
    edge: 'none',
    config: {
      rules: [
        { name: 'all of it', when: { host: 'a.example' }, then: { route: 'edge' } },
        { when: { host: 'b.example', path: '/x' }, then: { route: 'edge' } },
        { when: { host: 'c.example' }, then: { route: 'direct' } },
      ],
    },
  });
  expect(proxy.said.join('\n')).toMatch(/edges carry no tunnels yet: what "all of it" sends by an edge goes directly/);
  expect(proxy.said.join('\n')).not.toMatch(/rule 2|rule 3/);
});
