// `edgehop forward` as a person uses it: a line server behind the agent, clients at once, an agent that is started again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient } from '../support/client.ts';
import { type Home, makeHome, type RunningAgent, type RunningVerb } from '../support/command.ts';
import { startLineServer } from '../support/line-server.ts';
import type { TcpServer } from '../support/tcp.ts';

/** The port that a forward says it listens on. */
async function portOf(forward: RunningVerb): Promise<number> {
  const said = await forward.says('end with Ctrl-C');
  return Number(/^edgehop: 127\.0\.0\.1:(\d+) leads to /m.exec(said)?.[1]);
}

describe('edgehop forward', () => {
  let home: Home;
  let server: TcpServer;
  let agent: RunningAgent;

  beforeAll(async () => {
    home = makeHome();
    server = await startLineServer();
    agent = await home.start('--edge', 'none', '--allow-private');
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  test('carries two clients of a line server at once through the agent, tells of each, and ends at Ctrl-C with 0', async () => {
    const target = `127.0.0.1:${server.port}`;
    await using forward = home.begin('forward', '0', target);
    const port = await portOf(forward);
    using one = await connectClient(port);
    await one.octets.until('\n');
    using two = await connectClient(port);
    await two.octets.until('\n');
    one.send('hello from one\n');
    two.send('hello from two\n');
    expect((await two.octets.until('\n'))?.toString()).toMatch(/^\d+: hello from two\n$/);
    expect((await one.octets.until('\n'))?.toString()).toMatch(/^\d+: hello from one\n$/);
    one.send('!DISCONNECT\n');
    expect((await one.octets.rest()).toString()).toBe('goodbye\n');
    expect(await one.ended).toBe('end');
    one.socket.end();
    await forward.says('(1) closed');
    two.send('still here\n');
    expect((await two.octets.until('\n'))?.toString()).toMatch(/^\d+: still here\n$/);
    forward.signal('SIGINT');
    const { code, stdout, stderr } = await forward.ended;
    expect([code, stdout]).toEqual([0, '']);
    expect(await two.ended).toBe('reset');
    expect(stderr).toContain(`leads to ${target} through the agent on port ${agent.port}`);
    expect(stderr).toMatch(/^edgehop: \(1\) closed after \d+\.\d{3} s, by the target: 27 octets sent, \d+ received$/m);
    expect(stderr).toContain('1 open connection was reset');
  });

  test('goes on through an agent that is started anew, on whatever port', async () => {
    using other = makeHome();
    const first = await other.start('--edge', 'none', '--allow-private');
    await using forward = other.begin('forward', '0', `127.0.0.1:${server.port}`);
    const port = await portOf(forward);
    using before = await connectClient(port);
    await before.octets.until('\n');
    first.signal('SIGKILL');
    await first.ended;
    await before.ended; // with an end, as the system closes the connections of a process that is killed
    expect(await endingAt(port)).toBe('reset');
    await forward.says('no agent is running any more');
    await using second = await other.start('--edge', 'none', '--allow-private');
    using after = await connectClient(port);
    expect((await after.octets.until('\n'))?.toString()).toMatch(/^welcome/);
    if (second.port !== first.port) await forward.says(`from here on through the agent on port ${second.port}`);
  });

  test('tells a refusal of the agent in its words, resets the client, and listens on', async () => {
    using strict = makeHome();
    await using _agent = await strict.start('--edge', 'none');
    await using forward = strict.begin('forward', '0', `127.0.0.1:${server.port}`);
    const port = await portOf(forward);
    for (const number of [1, 2]) {
      expect(await endingAt(port)).toBe('reset');
      expect(await forward.says(`(${number}) not opened`)).toMatch(/--allow-private.*\(403 by the agent/);
    }
  });

  test('takes the agent that is named where several run, and tells which it takes where none is', async () => {
    using both = makeHome();
    await using one = await both.start('--edge', 'none', '--allow-private');
    await using two = await both.start('--edge', 'none', '--allow-private');
    const target = `127.0.0.1:${server.port}`;
    const lowest = Math.min(one.port, two.port);
    await using any = both.begin('forward', '0', target);
    expect(await any.says('end with Ctrl-C')).toContain(`2 agents are running; this is the one on port ${lowest}`);
    for (const { port } of [one, two]) {
      await using named = both.begin('forward', '0', target, '--port', String(port));
      expect(await named.says('end with Ctrl-C')).toMatch(new RegExp(`through the agent on port ${port};`));
      await using byUrl = both.begin('forward', '0', target, '--proxy', `http://127.0.0.1:${port}`);
      using client = await connectClient(await portOf(byUrl));
      expect((await client.octets.until('\n'))?.toString()).toMatch(/^welcome/);
    }
  });

  test.each([
    [['5000'], 2, /missing required argument 'target'/],
    [['5000', 'example.com'], 2, /"example\.com" is no target.*port is missing/],
    [['0.0.0.0:0', 'example.com:80'], 2, /loopback/],
    [['nonsense', 'example.com:80'], 2, /PORT, HOST:PORT/],
    [['0', 'example.com:80', '--port', '1'], 69, /no agent is running on port 1.*edgehop start/],
    [['0', 'example.com:80', '--proxy', 'socks5://x'], 2, /no http or https URL/],
  ])('%j ends with %i', async (args, status, sentence) => {
    const { code, stdout, stderr } = await home.run(['forward', ...args]);
    expect([code, stdout, stderr]).toEqual([status, '', expect.stringMatching(sentence)]);
  });

  test('ends with 1 when its port is taken, and with 69 when no agent runs', async () => {
    const taken = await home.run(['forward', String(server.port), 'example.com:80']);
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining(`port ${server.port} is taken`)]);
    using empty = makeHome();
    const without = await empty.run(['forward', '0', 'example.com:80']);
    expect([without.code, without.stderr]).toEqual([69, expect.stringContaining('edgehop start')]);
  });
});

/** How a connection ends that nothing is sent on. A reset may be there before the connection is. */
async function endingAt(port: number): Promise<string> {
  const client = await connectClient(port).catch(() => undefined);
  const ending = await client?.ended;
  client?.[Symbol.dispose]();
  return ending ?? 'reset';
}
