// `edgehop ping` as a person or a script uses it: routes, phases, what is printed where, exit statuses.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pingReport } from '../../schemas/api.ts';
import { selfSigned } from '../support/certificate.ts';
import { type Home, makeHome, type RunningAgent } from '../support/command.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';

describe('edgehop ping', () => {
  let home: Home;
  let agent: RunningAgent;
  let origin: Origin;
  let secure: Origin;

  beforeAll(async () => {
    const tls = selfSigned('localhost', '127.0.0.1');
    const authority = makeHome();
    home = makeHome({ NODE_EXTRA_CA_CERTS: authority.write('ca.pem', tls.cert) });
    origin = await startOrigin((_request, socket) => void socket.write(message(['HTTP/1.1 200 OK'])));
    secure = await startOrigin((_request, socket) => void socket.write(message(['HTTP/1.1 200 OK'])), { tls });
    agent = await home.start('--edge', 'none', '--allow-private');
    return () => authority[Symbol.dispose]();
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
    await secure[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  const pinged = (...args: string[]) => home.run(['ping', '--interval', '0', ...args]);

  async function reported(...args: string[]) {
    const { code, stdout, stderr } = await pinged('--json', ...args);
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/bug/)]);
    return pingReport.parse(JSON.parse(stdout));
  }

  test('measures through the running agent and says so; numbers go to stdout, talk to stderr', async () => {
    const connections = origin.connections;
    const { code, stdout, stderr } = await pinged(`127.0.0.1:${origin.port}`, '-n', '3');
    expect(code).toBe(0);
    expect(stdout).toContain(`127.0.0.1:${origin.port} through the agent on port ${agent.port}\n`);
    expect(stdout).toContain('  3 attempts, none failed\n');
    expect(stdout).toMatch(/^ {2}proxy( +\d+\.\d{3}){4} ms$/m);
    expect(stdout).toMatch(/^ {2}connect( +\d+\.\d{3}){4} ms$/m);
    expect(stdout).toMatch(/^ {2}total +\d+\.\d{3} – +\d+\.\d{3} ms {2}█/m);
    expect(stdout).not.toContain('\x1b');
    expect(
      stderr
        .trim()
        .split('\n')
        .map((line) => line.split(',')[0]),
    ).toEqual(['edgehop: not counted', 'edgehop: 1', 'edgehop: 2', 'edgehop: 3']);
    expect(origin.connections - connections).toBe(4);
  });

  test('--direct needs no agent, and measures ten attempts where nothing is said', async () => {
    using alone = makeHome();
    const { code, stdout } = await alone.run(['ping', origin.url, '--direct', '--json', '--interval', '0']);
    expect(code).toBe(0);
    const [route] = pingReport.parse(JSON.parse(stdout)).routes;
    expect(route).toMatchObject({ route: 'direct', name: 'directly', attempts: 10, addresses: ['127.0.0.1'] });
    expect(route?.phases.connect?.samples.length).toBe(10);
  });

  test('--compare measures by both ways, --tls and --http the phases after connecting', async () => {
    const asked = secure.requests.length;
    const report = await reported(`${secure.url}/path?query`, '--http', '--compare', '-n', '2');
    expect(report).toMatchObject({
      target: `127.0.0.1:${secure.port}`,
      tls: true,
      http: { method: 'HEAD', path: '/path?query' },
    });
    expect(report.routes.map(({ route, phases }) => [route, Object.keys(phases).join()])).toEqual([
      ['proxy', 'proxy,connect,tls,http,total'],
      ['direct', 'connect,tls,http,total'],
    ]);
    for (const { attempts, failures, statuses } of report.routes)
      expect([attempts, failures, statuses]).toEqual([2, [], { 200: 2 }]);
    expect(secure.requests.slice(asked).map(({ method, target }) => `${method} ${target}`)).toEqual(
      Array(6).fill('HEAD /path?query'),
    );
  });

  test('takes a name with --tls, and --method', async () => {
    const report = await reported(
      `localhost:${secure.port}`,
      '--tls',
      '--http',
      '--method',
      'GET',
      '-n',
      '1',
      '--direct',
    );
    expect(report).toMatchObject({ target: `localhost:${secure.port}`, http: { method: 'GET', path: '/' } });
    expect(report.routes[0]?.lookupMs).toBeGreaterThan(0);
    expect(secure.requests.at(-1)?.method).toBe('GET');
  });

  test('a certificate of another name fails, and is told', async () => {
    const other = await startOrigin(() => undefined, { tls: selfSigned('other.example') });
    await using _other = other;
    const { code, stdout, stderr } = await pinged(other.url, '-n', '2');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no attempt through the agent .* came through/)]);
    expect(stdout).toMatch(/2 attempts, 2 failed\n {2}2 in tls: .*not trusted/);
  });

  test('attempts that fail are counted beside those that come through', async () => {
    let connections = 0;
    await using moody = await startTcp((socket) => {
      if (++connections % 2 === 0) socket.resetAndDestroy();
      else socket.once('data', () => socket.end('HTTP/1.1 503 Overloaded\r\n\r\n'));
    });
    const [route] = (await reported(`127.0.0.1:${moody.port}`, '--http', '--direct', '-n', '3')).routes;
    expect(route).toMatchObject({ attempts: 3, statuses: { 503: 1 } });
    expect(route?.failures.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    expect(route?.phases.total?.samples.length).toBe(1);
  });

  test('a refusal of the agent is told in its words, at once', async () => {
    using strict = makeHome();
    await using _agent = await strict.start('--edge', 'none');
    const { code, stdout, stderr } = await strict.run(['ping', `127.0.0.1:${origin.port}`]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/is refused: .*--allow-private.*\(403 by the agent on port \d+\)/);
  });

  test('Ctrl-C prints what there is and ends with 130', async () => {
    await using ping = home.begin('ping', `127.0.0.1:${origin.port}`, '-n', '10000', '--interval', '1');
    await ping.says('edgehop: 2,');
    ping.signal('SIGINT');
    const { code, stdout, stderr } = await ping.ended;
    expect([code, stderr]).toEqual([130, expect.stringMatching(/interrupted/)]);
    expect(stdout).toMatch(/^ {2}\d+ attempts, none failed$/m);
  });

  test.each([
    [['ping'], 2, /missing required argument/],
    [['ping', 'ftp://x/'], 2, /no http or https URL/],
    [['ping', 'x', '-n', '0'], 2, /whole number from 1/],
    [['ping', 'x', '--count', '1e3'], 2, /whole number from 1/],
    [['ping', 'x', '--method', 'POST'], 2, /HEAD/],
    [['ping', 'x', '--port', '1'], 69, /no agent is running on port 1.*edgehop start.*--direct/],
  ])('%j ends with %i', async (args, status, sentence) => {
    const { code, stdout, stderr } = await home.run(args);
    expect([code, stdout, stderr]).toEqual([status, '', expect.stringMatching(sentence)]);
  });
});
