// The command line as a person or a script meets it: exit statuses, what is printed where, signals.
import { createServer } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getReport } from '../../schemas/api.ts';
import { config } from '../../schemas/config.ts';
import { exchangeRecord } from '../../schemas/exchange.ts';
import { connectClient } from '../support/client.ts';
import { type Home, makeHome, type RunningAgent } from '../support/command.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';

const macs = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .map(({ mac }) => mac)
  .filter((mac) => mac !== '00:00:00:00:00:00');

describe('edgehop start', () => {
  test('ends with 78 at an unknown key, and names key, file and line', async () => {
    using home = makeHome();
    const path = home.write('edgehop.jsonc', '{\n  // comments are fine\n  "listen": {\n    "prot": 8080,\n  },\n}\n');
    const { code, stderr, stdout } = await home.run(['start']);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain(`${path}:4:`);
    expect(stderr).toContain('"listen.prot"');
    expect(stderr).toContain('Did you mean "port"?');
  });

  test.each(['--port', '--control-port'])(
    'G13: ends with 1 when %s is taken, and names the process that holds it',
    async (option) => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
      const { port } = holder.address() as { port: number };
      using home = makeHome();
      const ports = { '--port': '0', '--control-port': '0', [option]: String(port) };
      const { code, stderr } = await home.run(['start', '--edge', 'none', ...Object.entries(ports).flat()]);
      holder.close();
      expect(code).toBe(1);
      expect(stderr).toContain(`port ${port} is taken`);
      expect(stderr).toContain(`(process ${process.pid})`);
      expect(stderr).toContain(option);
    },
  );

  test.each([
    [['start', '--port', '99999'], 2],
    [['start', '--frobnicate'], 2],
    [['frobnicate'], 2],
    [['start', '--host', '0.0.0.0'], 78],
    [['start', '--edge', 'nowhere'], 78],
    [['start', '--edge', 'https://edge.example'], 2],
    [['start', '--edge', 'https://edge.example/path', '--token', 'a-token-of-16-octets'], 2],
    [['start', '--edge', 'https://edge.example', '--token', 'short'], 2],
    [['start', '--token', 'a-token-of-16-octets'], 2],
    [['start', '--edge', 'http://edge.example', '--token', 'a-token-of-16-octets'], 78],
    [['--version'], 0],
    [['--help'], 0],
  ])('%j ends with %i', async (args, status) => {
    using home = makeHome();
    const { code, stdout, stderr } = await home.run(args);
    expect(code).toBe(status);
    expect((status === 0 ? stdout : stderr).length).toBeGreaterThan(5);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('drains at %s and ends with 0', async (signal) => {
    using home = makeHome();
    const { origin, finish } = await halfOrigin();
    await using _origin = origin;
    await using agent = await home.start('--edge', 'none', '--allow-private');
    using client = await connectClient(agent.port);
    client.sendHead(`GET ${origin.url}/ HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    agent.signal(signal);
    await agent.says('stopping');
    finish();
    expect((await client.octets.rest()).toString()).toBe('first second');
    expect((await agent.ended).code).toBe(0);
  });

  test('takes two signals at once for one, as terminals and npm deliver them', async () => {
    using home = makeHome();
    const { origin, finish } = await halfOrigin();
    await using _origin = origin;
    await using agent = await home.start('--edge', 'none', '--allow-private');
    using client = await connectClient(agent.port);
    client.sendHead(`GET ${origin.url}/ HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    agent.signal('SIGINT');
    agent.signal('SIGTERM');
    await agent.says('stopping');
    finish();
    expect((await client.octets.rest()).toString()).toBe('first second');
    expect((await agent.ended).code).toBe(0);
  });

  test.each(['none', 'embedded'])('with edge %s stops at once at a second signal, with 130', async (edge) => {
    using home = makeHome();
    const { origin } = await halfOrigin();
    await using _origin = origin;
    await using agent = await home.start('--edge', edge, '--allow-private');
    using client = await connectClient(agent.port);
    client.sendHead(`GET ${origin.url}/ HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    agent.signal('SIGINT');
    await agent.says('stopping');
    await new Promise((resolve) => setTimeout(resolve, 400)); // two signals nearer than 300 ms are one
    agent.signal('SIGINT');
    expect(await agent.ended).toMatchObject({ code: 130, stderr: expect.not.stringMatching(/\n +at /) });
    expect(await client.ended).toBe('reset');
  });

  test('with --log json prints one record a line on stdout, and talk on stderr only', async () => {
    using home = makeHome();
    await using origin = await startOrigin(
      (_request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok')),
    );
    await using agent = await home.start('--edge', 'none', '--allow-private', '--log', 'json');
    using client = await connectClient(agent.port);
    for (const path of ['/1', '/2']) {
      client.sendHead(`GET ${origin.url}${path} HTTP/1.1`, 'Host: x');
      await client.response();
    }
    agent.signal('SIGTERM');
    const { stdout } = await agent.ended;
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => exchangeRecord.parse(JSON.parse(line)));
    expect(records.map(({ request }) => request.url)).toEqual([`${origin.url}/1`, `${origin.url}/2`]);
    for (const mac of macs) expect(stdout).not.toContain(mac);
  });
});

describe('edgehop get', () => {
  let home: Home;
  let origin: Origin;
  let agent: RunningAgent;

  beforeAll(async () => {
    home = makeHome();
    origin = await startOrigin((request, socket) => {
      const text = `hello from ${request.target}`;
      if (request.target === '/cut') socket.end(message(['HTTP/1.1 200 OK', 'Content-Length: 999'], text));
      else
        socket.write(message(['HTTP/1.1 200 OK', 'Content-Type: text/plain', `Content-Length: ${text.length}`], text));
    });
    agent = await home.start('--allow-private');
    await agent.says('is ready');
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  test('prints machine, MAC, request, response, round trip and every stage', async () => {
    const { code, stdout } = await home.run(['get', `${origin.url}/words`]);
    expect(code).toBe(0);
    expect(stdout).toContain(`machine     ${hostname()}`);
    expect(stdout).toMatch(/MAC ([0-9a-f]{2}(:[0-9a-f]{2}){5}|unknown)/);
    expect(stdout).toMatch(/^sent at {5}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/m);
    expect(stdout).toMatch(/^received at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/m);
    expect(stdout).toMatch(/^response {4}HTTP\/1\.1 200 OK$/m);
    expect(stdout).toMatch(/^round trip {2}\d+\.\d{3} ms/m);
    expect(stdout).toMatch(/by edge embedded/);
    expect(stdout).toContain('hello from /words');
    for (const stage of ['client-accepted', 'edge-received', 'upstream-responded', 'response-sent'])
      expect(stdout).toMatch(new RegExp(`^  ${stage} +\\d{4}-`, 'm'));
  });

  test('--json prints one object that the schema takes, with the whole exchange', async () => {
    const { code, stdout } = await home.run(['get', '--json', `${origin.url}/json`]);
    expect(code).toBe(0);
    const report = getReport.parse(JSON.parse(stdout));
    expect(report.response).toMatchObject({ status: 200, text: 'hello from /json' });
    expect(report.exchange?.route).toMatchObject({ kind: 'edge', edge: 'embedded' });
    expect(Object.keys(report.exchange?.stages ?? {}).length).toBe(9);
    if (report.machine.mac !== undefined) expect(macs).toContain(report.machine.mac);
  });

  test('-o saves the content and prints none of it', async () => {
    const { code, stdout } = await home.run(['get', '-o', 'saved.txt', `${origin.url}/saved`]);
    expect(code).toBe(0);
    expect(home.read('saved.txt').toString()).toBe('hello from /saved');
    expect(stdout).not.toContain('hello from');
  });

  test('takes the URL from stdin when it has none', async () => {
    const { code, stdout } = await home.run(['get', '--json'], `${origin.url}/stdin\n`);
    expect([code, getReport.parse(JSON.parse(stdout)).response.text]).toEqual([0, 'hello from /stdin']);
  });

  test('ends with 1 when the content was cut off', async () => {
    const { code, stderr } = await home.run(['get', `${origin.url}/cut`]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/content stopped before its end/)]);
  });

  test.each([
    [['get', 'ftp://x/'], 2, /no http or https URL/],
    [['get', '--port', '1', 'http://x/'], 69, /no agent is running on port 1/],
  ])('%j ends with %i', async (args, status, sentence) => {
    const { code, stderr } = await home.run(args);
    expect([code, stderr]).toEqual([status, expect.stringMatching(sentence)]);
  });

  test('ends with 69 when no agent is running, and measures without one with --direct', async () => {
    using empty = makeHome();
    const without = await empty.run(['get', `${origin.url}/x`]);
    expect([without.code, without.stdout]).toEqual([69, '']);
    expect(without.stderr).toMatch(/edgehop start/);
    expect((await empty.run(['get', '--direct', `${origin.url}/direct`])).stdout).toContain('hello from /direct');
  });

  test('tells the MAC to its owner and to nobody else', () => {
    const wire = origin.requests.map(({ octets }) => octets.toLowerCase()).join('\n');
    expect(origin.requests.length).toBeGreaterThan(3);
    for (const mac of macs) {
      for (const spelling of [mac, mac.replaceAll(':', '-'), mac.replaceAll(':', '')])
        expect(wire).not.toContain(spelling);
    }
    expect(wire).not.toContain(hostname().toLowerCase());
  });
});

describe('edgehop config', () => {
  test('validate says that a file is right, or where it is not', async () => {
    using home = makeHome();
    expect((await home.run(['config', 'validate'])).code).toBe(0);
    const path = home.write('edgehop.jsonc', '{ "listen": { "port": 99999 } }');
    const { code, stderr } = await home.run(['config', 'validate']);
    expect([code, stderr]).toEqual([78, expect.stringContaining(`${path}:1:15`)]);
  });

  test('print prints what is in effect, with every default and without secrets', async () => {
    using home = makeHome();
    const edges = [{ name: 'home', url: 'https://edge.example', token: 'a-secret-of-16-octets' }];
    home.write('edgehop.jsonc', JSON.stringify({ listen: { port: 8123 }, edge: { edges } }));
    const { code, stdout } = await home.run(['config', 'print']);
    expect([code, stdout.includes('a-secret')]).toEqual([0, false]);
    const printed = JSON.parse(stdout);
    expect(printed.listen).toEqual({ host: '127.0.0.1', port: 8123, controlPort: 8081 });
    expect(Object.keys(printed.limits)).toEqual(Object.keys(config.parse({}).limits));
  });

  test('print shows no credentials of parent proxies', async () => {
    using home = makeHome();
    const parents = {
      http: 'http://me:hush-1@proxy.example:3128',
      all: 'me:hush-2@proxy.example',
      https: 'http://p.example',
    };
    home.write('edgehop.jsonc', JSON.stringify({ parents }));
    const { code, stdout } = await home.run(['config', 'print']);
    expect([code, stdout.includes('hush')]).toEqual([0, false]);
    expect(JSON.parse(stdout).parents).toMatchObject({
      http: 'http://(secret)@proxy.example:3128',
      all: '(secret)@proxy.example',
      https: 'http://p.example',
    });
  });

  test('the environment comes before the file, and options before the environment', async () => {
    using home = makeHome({ EDGEHOP_PORT: '8124', EDGEHOP_LOG: 'json', EDGEHOP_HOST: '' });
    home.write('edgehop.jsonc', '{ "listen": { "host": "::1", "port": 8123 } }');
    const { stdout } = await home.run(['config', 'print']);
    expect(JSON.parse(stdout)).toMatchObject({ listen: { host: '::1', port: 8124 }, log: 'json' });
    await using agent = await home.start('--edge', 'none'); // with --port 0
    expect([8123, 8124]).not.toContain(agent.port);
    using wrong = makeHome({ EDGEHOP_PORT: 'eighty' });
    expect(await wrong.run(['start'])).toMatchObject({ code: 78, stderr: expect.stringContaining('EDGEHOP_PORT') });
  });

  test('schema prints a JSON Schema that an editor can use', async () => {
    using home = makeHome();
    const { code, stdout } = await home.run(['config', 'schema']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      additionalProperties: false,
      properties: { listen: { properties: { port: { default: 8080 } } } },
    });
  });
});

/** An origin that sends half of its content, and the rest when it is told to. */
async function halfOrigin(): Promise<{ origin: Origin; finish: () => void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const origin = await startOrigin(async (_request, socket) => {
    socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 12'], 'first '));
    await promise;
    socket.write('second');
  });
  return { origin, finish: resolve };
}
