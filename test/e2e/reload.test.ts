// Another configuration while the agent runs: it is in force at once, nothing that goes on is cut, and a wrong one changes nothing.
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Config } from '../../schemas/config.ts';
import { configOf, routes, startTestAgent, type TestAgentOptions } from '../support/agent.ts';
import { type Client, connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { makeHome } from '../support/command.ts';
import { startDeployedEdge, type TestEdge, testToken } from '../support/edge.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';

const ok = 'HTTP/1.1 200 OK';
const half = Buffer.alloc(50_000, 'a');

/** An origin whose long answers go on when they are told to. */
interface SlowOrigin extends AsyncDisposable {
  readonly origin: Origin;
  /** Lets the answers that wait end. */
  finish(): void;
}

async function startSlowOrigin(): Promise<SlowOrigin> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const origin = await startOrigin(async ({ target }, socket) => {
    if (target === '/download') {
      socket.write(message([ok, `Content-Length: ${half.length * 2}`], half));
      await promise;
      socket.write(half);
    } else if (target === '/events') {
      const head = message([ok, 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked']);
      socket.write(Buffer.concat([head, chunk('data: 1\n\n')]));
      await promise;
      socket.write(Buffer.concat([chunk('data: 2\n\n'), chunk()]));
    } else socket.write(message([ok, 'Cache-Control: no-store', 'Content-Length: 2'], 'ok'));
  });
  return { origin, finish: resolve, [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose]() };
}

const blockOf = (path: string, status = 451) => ({ when: { path }, then: { block: { status } } });

/** Options whose configuration has these rules too. */
function ruled(options: TestAgentOptions, ...rules: NonNullable<TestAgentOptions['config']>['rules'] & object): Config {
  return configOf({ ...options, config: { ...options.config, rules } });
}

/** One request on a connection that stays open. */
async function ask(client: Client, url: string): Promise<number> {
  client.sendHead(`GET ${url} HTTP/1.1`, 'Host: x');
  return (await client.response()).status;
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.each(routes)('with edge %s', (edge) => {
  test('other destinations are allowed at once; a download, events, a tunnel and idle connections go on', async () => {
    await using slow = await startSlowOrigin();
    await using echo = await startTcp((socket) => void socket.pipe(socket));
    const options = { edge };
    await using proxy = await startTestAgent(options);
    const { url } = slow.origin;
    const firstEdge = proxy.agent.state().edgePid;
    using idle = await connectClient(proxy.port);
    expect(await ask(idle, `${url}/first`)).toBe(200);
    using download = await connectClient(proxy.port);
    download.sendHead(`GET ${url}/download HTTP/1.1`, 'Host: x');
    await download.octets.until('\r\n\r\n');
    await download.octets.exactly(half.length);
    using events = await connectClient(proxy.port);
    events.sendHead(`GET ${url}/events HTTP/1.1`, 'Host: x');
    await events.octets.until('data: 1\n\n');
    using tunnel = await connectClient(proxy.port);
    tunnel.sendHead(`CONNECT 127.0.0.1:${echo.port} HTTP/1.1`, 'Host: x');
    await tunnel.octets.until('\r\n\r\n');

    const reloaded = await proxy.agent.reload(configOf({ ...options, allowPrivate: false, allow: ['10.0.0.0/8'] }));
    expect(reloaded).toEqual({ kind: 'applied', later: [] });
    expect(await ask(idle, `${url}/second`)).toBe(403);
    if (edge === 'embedded') {
      expect(proxy.agent.state().edgePid).not.toBe(firstEdge);
      expect(isRunning(firstEdge as number)).toBe(true);
    }
    tunnel.send('still here');
    expect((await tunnel.octets.exactly(10)).toString()).toBe('still here');
    slow.finish();
    expect((await download.octets.exactly(half.length)).equals(half)).toBe(true);
    expect((await events.octets.until('data: 2\n\n'))?.toString()).toContain('data: 2');
    expect((await proxy.recordOf('/download')).error).toBeUndefined();
    if (edge === 'embedded') await vi.waitFor(() => expect(isRunning(firstEdge as number)).toBe(false), 5_000);
    // The connections of what has ended are of use for the next request.
    expect(await ask(download, `${url}/third`)).toBe(403);
    expect(await ask(idle, `${url}/fourth`)).toBe(403);
  });

  test('rules come and go under load, and every answer is that of one of them', async () => {
    await using slow = await startSlowOrigin();
    const options = { edge };
    await using proxy = await startTestAgent(options);
    const statuses = new Set<number>();
    let isOver = false;
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectClient(proxy.port)));
    const busy = clients.map(async (client) => {
      let asked = 0;
      for (; !isOver || asked < 10; asked++) statuses.add(await ask(client, `${slow.origin.url}/busy`));
    });
    for (let status = 450; status < 460; status++) {
      const reloaded = await proxy.agent.reload(ruled(options, blockOf('/busy', status)));
      expect(reloaded.kind).toBe('applied');
    }
    expect(await proxy.agent.reload(configOf(options))).toMatchObject({ kind: 'applied' });
    isOver = true;
    await Promise.all(busy);
    for (const status of statuses) expect(status === 200 || (status >= 450 && status < 460)).toBe(true);
    for (const client of clients) {
      expect(await ask(client, `${slow.origin.url}/after`)).toBe(200);
      client[Symbol.dispose]();
    }
  });
});

test('reloads that come together are carried out in their order: the last one is in force', async () => {
  await using slow = await startSlowOrigin();
  const options = { edge: 'none' } as const;
  await using proxy = await startTestAgent(options);
  // The first takes longest: an edge has to be started.
  const wanted = [
    ruled({ edge: 'embedded' }, blockOf('/x', 451)),
    ruled(options, blockOf('/x', 452)),
    ruled(options, blockOf('/x', 453)),
  ];
  await Promise.all(wanted.map((config) => proxy.agent.reload(config)));
  expect((await getOnce(proxy.port, `${slow.origin.url}/x`)).status).toBe(453);
  expect(proxy.agent.state().edgePid).toBeUndefined();
});

test('clients are judged anew on connections that are open already', async () => {
  await using slow = await startSlowOrigin();
  const options = { edge: 'none' } as const;
  await using proxy = await startTestAgent(options);
  using client = await connectClient(proxy.port);
  expect(await ask(client, `${slow.origin.url}/before`)).toBe(200);
  const deny = ['127.0.0.0/8', '::1'];
  await proxy.agent.reload(configOf({ ...options, config: { admit: { clients: { deny } } } }));
  expect(await ask(client, `${slow.origin.url}/after`)).toBe(403);
});

test('a rewritten answer, Via, annotations and reverse routes are those of the new configuration', async () => {
  await using slow = await startSlowOrigin();
  const options = { edge: 'none' } as const;
  await using proxy = await startTestAgent(options);
  const target = slow.origin.url;
  await proxy.agent.reload(
    configOf({
      ...options,
      config: {
        privacy: { via: 'off' },
        annotate: false,
        pools: { app: { targets: [{ url: target }] } },
        reverse: [{ host: 'app.localhost', pool: 'app' }],
      },
    }),
  );
  const forward = await getOnce(proxy.port, `${target}/plain`);
  expect([forward.status, forward.field('proxy-status')]).toEqual([200, undefined]);
  expect(slow.origin.requests.at(-1)?.fields.some(([name]) => name.toLowerCase() === 'via')).toBe(false);
  const reverse = await exchangeOnce(
    proxy.port,
    message(['GET /reverse HTTP/1.1', `Host: app.localhost:${proxy.port}`, 'Connection: close']),
  );
  expect(reverse.status).toBe(200);
});

test('lists are read before the rules that ask for them are in force, from the folder of the file', async () => {
  await using slow = await startSlowOrigin();
  using home = makeHome();
  home.write('ads.txt', '0.0.0.0 ads.example\n');
  const options: TestAgentOptions = {
    edge: 'none',
    answers: { 'ads.example': ['127.0.0.1'], 'other.example': ['127.0.0.1'] },
  };
  await using proxy = await startTestAgent(options);
  const { port } = slow.origin;
  const statuses = async () => [
    (await getOnce(proxy.port, `http://ads.example:${port}/`)).status,
    (await getOnce(proxy.port, `http://other.example:${port}/`)).status,
  ];
  expect(await statuses()).toEqual([200, 200]);
  const rules = [{ when: { list: 'ads' }, then: { block: { status: 451 } } }] as const;
  const wanted = configOf({ ...options, config: { lists: { ads: { file: 'ads.txt' } }, rules } });
  await proxy.agent.reload(wanted, join(home.path, 'edgehop.jsonc'));
  expect(await statuses()).toEqual([451, 200]);
  home.write('other.txt', 'other.example\n');
  const others = configOf({ ...options, config: { lists: { ads: { file: 'other.txt' } }, rules } });
  await proxy.agent.reload(others, join(home.path, 'edgehop.jsonc'));
  expect(await statuses()).toEqual([200, 451]);
});

test('nothing is left of the configurations before the one in force', async () => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const options: TestAgentOptions = {
    edge: 'none',
    config: { pools: { app: { targets: [{ url: 'http://127.0.0.1:1' }] } } },
  };
  await using proxy = await startTestAgent(options);
  const before: WeakRef<object>[] = [];
  for (let status = 450; status < 460; status++) {
    const wanted = ruled(options, blockOf('/x', status));
    before.push(new WeakRef(wanted.rules), new WeakRef(wanted.pools['app'] as object));
    await proxy.agent.reload(wanted);
  }
  await proxy.agent.reload(configOf(options));
  await vi.waitFor(() => {
    collect();
    expect(before.filter((each) => each.deref() !== undefined).length).toBeLessThanOrEqual(2); // of the last one
  }, 5_000);
});

describe('what cannot be put in force', () => {
  test.each([
    [
      'an edge that there is not',
      (config: Config) => ({ ...config, edge: { ...config.edge, use: 'nowhere' } }),
      /no edge "nowhere"/,
    ],
    [
      'a destination that is none',
      (config: Config) => ({
        ...config,
        admit: { ...config.admit, destinations: { allowPrivate: true, allow: ['x y'] } },
      }),
      /"x y" is no destination/,
    ],
    [
      'clients that are none',
      (config: Config) => ({ ...config, admit: { ...config.admit, clients: { allow: ['nobody'], deny: [] } } }),
      /nobody/,
    ],
  ])('%s leaves everything as it was, and /ready says so', async (_, broken, because) => {
    await using slow = await startSlowOrigin();
    const options: TestAgentOptions = { edge: 'none', config: { rules: [blockOf('/blocked')] } };
    await using proxy = await startTestAgent(options);
    const refused = await proxy.agent.reload(broken(configOf({ ...options, config: {} })));
    expect(refused).toEqual({ kind: 'refused', because: expect.stringMatching(because) });
    expect((await getOnce(proxy.port, `${slow.origin.url}/blocked`)).status).toBe(451);
    expect((await getOnce(proxy.port, `${slow.origin.url}/other`)).status).toBe(200);
    expect(await readiness(proxy.controlPort)).toMatchObject({ ready: true, configuration: 'last-good' });
    expect((await proxy.agent.reload(configOf(options))).kind).toBe('unchanged');
    expect(await readiness(proxy.controlPort)).toMatchObject({ configuration: 'current' });
  });

  test('keys that are heeded at the start only are named, and stay as they are', async () => {
    await using slow = await startSlowOrigin();
    const options = { edge: 'none', limits: { maxFields: 20 } } as const;
    await using proxy = await startTestAgent(options);
    const wanted = configOf({
      ...options,
      limits: { maxFields: 1 },
      listen: { host: '127.0.0.1', port: 1 },
      cache: { agent: false },
    });
    const reloaded = await proxy.agent.reload(wanted);
    expect(reloaded).toEqual({ kind: 'applied', later: ['listen.port', 'cache.agent', 'limits.maxFields'] });
    expect((await getOnce(proxy.port, `${slow.origin.url}/`, 'X-One: 1', 'X-Two: 2')).status).toBe(200);
    expect((await proxy.agent.reload(configOf(options))).kind).toBe('applied');
  });
});

describe('edges', () => {
  let origins: readonly [Origin, Origin];
  let edges: readonly [TestEdge, TestEdge];

  beforeAll(async () => {
    const saying = (text: string) =>
      startOrigin((_, socket) => void socket.write(message([ok, `Content-Length: ${text.length}`], text)));
    origins = await Promise.all([saying('one'), saying('two')]);
    const [one, two] = origins;
    edges = await Promise.all([
      startDeployedEdge({ internet: `127.0.0.1:${one.port}` }),
      startDeployedEdge({ internet: `127.0.0.1:${two.port}` }),
    ]);
  });

  afterAll(async () => {
    await Promise.all([...edges, ...origins].map((each) => each[Symbol.asyncDispose]()));
  });

  test('of the same name at another address: the next request goes there', async () => {
    const options = (url: string) => ({ edge: url as `http://${string}`, allowPrivate: false }) as const;
    await using proxy = await startTestAgent(options(edges[0].direct));
    const text = async () => (await getOnce(proxy.port, 'http://site.example/')).content.toString();
    expect(await text()).toBe('one');
    expect((await proxy.agent.reload(configOf(options(edges[1].direct)))).kind).toBe('applied');
    expect(await text()).toBe('two');
    await proxy.hasSaid(/^edge home is ready$/);
    expect((await proxy.agent.reload(configOf({ ...options(edges[1].direct), edge: 'embedded' }))).kind).toBe(
      'applied',
    );
    expect(proxy.agent.state().edgePid).toBeDefined();
  });

  test('are kept for what goes on by them, of four configurations before the one in force', async () => {
    await using slow = await startSlowOrigin();
    const tokens = Array.from({ length: 6 }, (_, number) => `a-token-for-reloads-${number}`);
    await using edge = await startDeployedEdge({
      bindings: { EDGEHOP_TOKENS: tokens.map((token, number) => `t${number}=${token}`).join(',') },
      internet: `127.0.0.1:${slow.origin.port}`,
    });
    const configured = (token: string | undefined) => {
      const { edge: section, ...rest } = configOf({ edge: 'none', allowPrivate: false });
      return {
        ...rest,
        edge: { ...section, use: 'own', edges: [{ name: 'own', url: edge.direct, token: token ?? '' }] },
      };
    };
    await using proxy = await startTestAgent({ edge: 'none', allowPrivate: false });
    await proxy.agent.reload(configured(tokens[0]));
    using events = await connectClient(proxy.port);
    events.sendHead('GET http://site.example/events HTTP/1.1', 'Host: x');
    await events.octets.until('data: 1\n\n');
    const holds = [];
    for (const token of tokens.slice(1)) {
      expect((await proxy.agent.reload(configured(token))).kind).toBe('applied');
      const client = await connectClient(proxy.port);
      client.sendHead('GET http://site.example/events HTTP/1.1', 'Host: x');
      await client.octets.until('data: 1\n\n');
      holds.push(client);
    }
    expect(await events.ended).toBe('reset');
    expect(proxy.said.join('\n')).toMatch(/exchanges of 5 configurations go on: those of the oldest are ended/);
    slow.finish();
    for (const client of holds) {
      expect((await client.octets.until('data: 2\n\n'))?.toString()).toContain('data: 2');
      client[Symbol.dispose]();
    }
  });

  test('one that only a rule names is there when the rule is', async () => {
    const options: TestAgentOptions = {
      edge: edges[0].direct as `http://${string}`,
      allowPrivate: false,
      config: { edge: { edges: [{ name: 'two', url: edges[1].direct, token: testToken }] } },
    };
    await using proxy = await startTestAgent(options);
    await proxy.agent.reload(ruled(options, { when: { path: '/two' }, then: { route: { edge: 'two' } } }));
    expect((await getOnce(proxy.port, 'http://site.example/two')).content.toString()).toBe('two');
    expect((await getOnce(proxy.port, 'http://site.example/one')).content.toString()).toBe('one');
  });
});

async function readiness(controlPort: number): Promise<unknown> {
  const { content } = await exchangeOnce(
    controlPort,
    message(['GET /ready HTTP/1.1', `Host: 127.0.0.1:${controlPort}`, 'Connection: close']),
  );
  return JSON.parse(content.toString());
}
