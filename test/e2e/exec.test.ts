// `edgehop exec` as a person uses it: what it leaves alone, how it ends, and browsers in a profile of their own.
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashOf } from '../../agent/access/password-hash.ts';
import { writeState } from '../../agent/control/state-file.ts';
import { openAuthority } from '../../agent/trust/authority.ts';
import { authorityFiles } from '../../agent/trust/authority-files.ts';
import { createLeaves } from '../../agent/trust/leaves.ts';
import { environment } from '../../schemas/trust.ts';
import { startTestAgent, type TestAgent, type TestAgentOptions } from '../support/agent.ts';
import { hasBrowser } from '../support/browser.ts';
import { type Home, makeHome } from '../support/command.ts';
import { isInstalled } from '../support/program.ts';

let home: Home;
let temporaryFolder: string;
let agent: TestAgent | undefined;

beforeEach(() => {
  // Profiles of browsers are made in a folder that is looked at.
  const temporary = mkdtempSync(join(tmpdir(), 'edgehop-exec-'));
  home = makeHome({ TMPDIR: temporary });
  temporaryFolder = temporary;
});
afterEach(async () => {
  await agent?.[Symbol.asyncDispose]();
  agent = undefined;
  home[Symbol.dispose]();
  rmSync(temporaryFolder, { recursive: true, force: true });
});

/** An agent that the command finds. */
async function start(options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  agent = await startTestAgent({ edge: 'none', folder: home.path, ...options });
  const { port, controlPort } = agent;
  const note = { pid: process.pid, host: '127.0.0.1', port, controlPort, controlToken: 'x' };
  writeState(join(home.path, 'state'), note);
  return agent;
}

test('without an agent the sentence says to start one', async () => {
  const { code, stderr } = await home.run(['exec', '--', 'true']);
  expect([code, stderr]).toEqual([69, 'edgehop: no agent is running. Start one with `edgehop start`.\n']);
  expect((await home.run(['env'])).stdout).toBe('');
});

describe('a program', () => {
  test('reads and writes as without us, and its exit status is ours', async () => {
    await start();
    const octets = randomBytes(300_000).toString('base64');
    const copied = await home.run(['exec', '--', 'sh', '-c', 'cat; echo said >&2; exit 7'], octets);
    expect([copied.code, copied.stdout === octets, copied.stderr]).toEqual([7, true, 'said\n']);
  });

  test('has arguments of its own, options that are ours too', async () => {
    await start();
    const { stdout } = await home.run(['exec', '--', 'printf', '%s.', '--port', '-h', 'a b', "'", '$HOME', '']);
    expect(stdout).toBe("--port.-h.a b.'.$HOME..");
    expect((await home.run(['exec', 'printf', '%s', '--no-ca'])).stdout).toBe('--no-ca');
  });

  test.each([
    ['that a signal ends', ['sh', '-c', 'kill -KILL $$'], 137],
    ['that is not there', ['there-is-no-such-program'], 127],
    ['that is none', ['./note'], 126],
  ])('%s ends as it does in a shell', async (_, command, code) => {
    await start();
    home.write('note', 'text');
    expect((await home.run(['exec', '--', ...command])).code).toBe(code);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('is passed %s, and may take its time', async (signal) => {
    await start();
    const script = `process.on('${signal}', () => { console.error('noticed'); process.exit(9); });
      setInterval(() => undefined, 1000); console.error('ready');`;
    await using running = home.begin('exec', '--', process.execPath, '-e', script);
    await running.says('ready');
    running.signal(signal);
    expect(await running.ended).toMatchObject({ code: 9, stderr: 'ready\nnoticed\n' });
  });
});

describe('the variables', () => {
  const names = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'];
  const printed = async (...options: string[]) =>
    environment.parse(JSON.parse((await home.run(['env', '--json', ...options])).stdout));

  test('say nothing of certificates without an authority, until one is asked for', async () => {
    const { port } = await start();
    const plain = await printed();
    expect(plain).toMatchObject({ http_proxy: `http://127.0.0.1:${port}`, NODE_USE_ENV_PROXY: '1' });
    expect(existsSync(join(home.path, 'state', 'authority'))).toBe(false);
    expect(Object.keys(plain).filter((name) => /CA|CERT/.test(name))).toEqual([]);
    expect(Object.keys(await printed('--ca'))).toEqual(expect.arrayContaining(names));
    expect(Object.keys(await printed())).toEqual(expect.arrayContaining(names));
    expect(Object.keys(await printed('--no-ca'))).toEqual(Object.keys(plain));
  });

  test('hold credentials only where the agent asks for them, and these are good', async () => {
    const credentials = [{ name: 'one', hash: await hashOf('secret') }];
    home.write('edgehop.jsonc', JSON.stringify({ admit: { credentials, destinations: { allowPrivate: true } } }));
    await using running = await home.start('--edge', 'none');
    const { port } = running;
    const origin = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nfine').resume());
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
    const curl = ['--', 'curl', '-sSf', '--noproxy', 'nobody', url];
    const { http_proxy: proxy } = await printed();
    expect(proxy).toMatch(new RegExp(`^http://:[\\w-]{43}@127.0.0.1:${port}$`));
    const asked = await home.run(['exec', ...curl]);
    const named = await home.run(['exec', '--proxy', `http://one:secret@127.0.0.1:${port}`, ...curl]);
    expect([asked.stdout, named.stdout]).toEqual(['fine', 'fine']);
    origin.close();
  });
});

describe.skipIf(!hasBrowser)('Chromium', () => {
  /** A page under a leaf of the local CA. */
  async function startPage() {
    const authority = await openAuthority(authorityFiles(join(home.path, 'state')), Date.now());
    const leaves = createLeaves({ authority: async () => authority, wallTime: Date.now, maxLeaves: 1 });
    const context = await leaves.contextFor('localhost');
    const server = createTlsServer({ SNICallback: (_name, done) => done(null, context) }, (socket) => {
      socket.on('error', () => undefined);
      const response = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>seen</p>';
      socket.once('data', () => socket.end(response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, url: `https://localhost:${(server.address() as AddressInfo).port}/` };
  }

  const browser = ['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--dump-dom'];

  test('goes through the agent, takes the local CA by its key, and leaves no profile', {
    timeout: 90_000,
  }, async () => {
    const { records } = await start();
    const { server, url } = await startPage();
    const { stdout } = await home.run(['exec', '--', ...browser, url]);
    expect(stdout).toContain('<p>seen</p>');
    expect(records.map(({ request }) => request.method)).toContain('CONNECT');
    const refused = await home.run(['exec', '--no-ca', '--', ...browser, url]);
    expect(refused.stdout).not.toContain('seen');
    expect(readdirSync(temporaryFolder).filter((name) => name.startsWith('edgehop-profile-'))).toEqual([]);
    server.close();
  });

  test('a profile that the person names is theirs, and stays', { timeout: 90_000 }, async () => {
    await start();
    const { server, url } = await startPage();
    const profile = join(home.path, 'profile');
    const { stdout } = await home.run(['exec', '--', ...browser, `--user-data-dir=${profile}`, url]);
    expect(stdout).toContain('<p>seen</p>');
    expect(existsSync(join(profile, 'Default'))).toBe(true);
    server.close();
  });
});

test('a browser is told of proxy, profile and the hash of our key, before what the person says', async () => {
  await start();
  await openAuthority(authorityFiles(join(home.path, 'state')), Date.now());
  const pem = home.read('state/authority/edgehop-ca.pem');
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  const hash = createHash('sha256').update(key).digest('base64');
  chmodSync(home.write('chromium', '#!/bin/sh\nfor each; do echo "$each"; done\n'), 0o755);
  const { stdout: told } = await home.run(['exec', '--', './chromium', '--incognito']);
  expect(told.split('\n')).toEqual([
    expect.stringMatching(/^--user-data-dir=.*edgehop-profile-/),
    `--proxy-server=http://127.0.0.1:${agent?.port}`,
    '--proxy-bypass-list=<-loopback>',
    '--no-first-run',
    '--no-default-browser-check',
    `--ignore-certificate-errors-spki-list=${hash}`,
    '--incognito',
    '',
  ]);
  expect(existsSync(told.split('\n')[0]?.replace('--user-data-dir=', '') ?? '')).toBe(false);
});

test.skipIf(!isInstalled('certutil', '-H'))(
  'Firefox has the proxy in its preferences and our CA in its database',
  async () => {
    const { port } = await start();
    const script = '#!/bin/sh\necho "$@"; cat "$3/user.js"; certutil -L -d "sql:$3"\n';
    chmodSync(home.write('firefox', script), 0o755);
    const { stdout } = await home.run(['exec', '--ca', '--', './firefox', 'https://a.test/']);
    expect(stdout).toMatch(/^--no-remote --profile \S*edgehop-profile-\w+ https:\/\/a\.test\/\n/);
    expect(stdout).toContain(`user_pref("network.proxy.ssl_port", ${port});`);
    expect(stdout).toMatch(/^edgehop local CA [0-9a-f]{8} +C,, *$/m);
    expect(readdirSync(temporaryFolder).filter((name) => name.startsWith('edgehop-profile-'))).toEqual([]);
  },
);
