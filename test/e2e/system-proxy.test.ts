// `edgehop system-proxy` with the real gsettings and kwriteconfig, in a session of its own, and with real deaths at each step.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemProxyReport } from '../../schemas/system-proxy.ts';
import { type Home, makeHome } from '../support/command.ts';
import { type DesktopSession, startDesktopSession, whyNoDconf, whyNoSession } from '../support/desktop-session.ts';

const kwriteconfig =
  ['6', '5'].find((version) => whyNoSession(`kwriteconfig${version}`, `kreadconfig${version}`) === undefined) ?? '5';
const kdePrograms = [`kwriteconfig${kwriteconfig}`, `kreadconfig${kwriteconfig}`];
const whyNoGnome = whyNoSession('gsettings');
const whyNoDconfHere = whyNoGnome ?? whyNoDconf();
const whyNoKde = whyNoSession(...kdePrograms);
for (const [name, why] of [
  ['GNOME', whyNoGnome],
  ['dconf', whyNoDconfHere],
  ['KDE', whyNoKde],
] as const)
  if (why !== undefined) process.stderr.write(`skipped: system-proxy with ${name}: ${why}\n`);

const kdeText =
  '# by hand\n[Z]\na=\\xe4\n\n[Proxy Settings]\nProxyType=1\nhttpProxy=http://proxy.corp.example 3128\nNoProxyFor=a b, c\n\n[A]\nz=1\n';
const keyfileText =
  "# by hand\n[z]\na=1\n\n[system/proxy/http]\nport=3128\nhost='proxy.corp.example'\n\n[system/proxy]\nmode='manual'\nignore-hosts=['localhost', '127.0.0.0/8', '::1']\n";

/** What a running agent notes. It is this process that is taken for one. */
function noteAgent(home: Home, port = 45678): void {
  mkdirSync(join(home.path, 'state'), { recursive: true });
  const note = { pid: process.pid, host: '127.0.0.1', port, controlPort: port + 1, controlToken: 'secret' };
  writeFileSync(join(home.path, 'state', `agent-${port}.json`), JSON.stringify(note));
}

function prepare(session: DesktopSession, wasSet: boolean): void {
  if (!wasSet) return;
  writeFileSync(session.kioslaverc, kdeText, 'latin1');
  if (session.env['GSETTINGS_BACKEND'] === 'keyfile') {
    mkdirSync(dirname(session.keyfile), { recursive: true });
    writeFileSync(session.keyfile, keyfileText);
  } else {
    session.run('gsettings', 'set', 'org.gnome.system.proxy', 'mode', "'manual'");
    session.run('gsettings', 'set', 'org.gnome.system.proxy.http', 'host', "'proxy.corp.example'");
  }
}

const killings = [
  { title: 'GNOME with a key file', backend: 'keyfile', programs: ['gsettings'], why: whyNoGnome },
  { title: 'GNOME with dconf', backend: 'dconf', programs: ['gsettings'], why: whyNoDconfHere },
  { title: 'KDE', backend: 'keyfile', programs: kdePrograms, why: whyNoKde },
] as const;

describe.each(killings)('$title', ({ backend, programs, why }) => {
  test.skipIf(why !== undefined).for([
    { title: 'a PAC where nothing was set', way: [], wasSet: false },
    { title: 'host and port where a proxy was set', way: ['--fixed'], wasSet: true },
  ])(
    'kill -9 at each step of $title: the next `off` brings all back, byte for byte',
    { timeout: 120_000 },
    async ({ way, wasSet }) => {
      await using session = await startDesktopSession({ backend, programs });
      using home = makeHome(session.env);
      noteAgent(home);
      prepare(session, wasSet);
      const before = session.dump();
      let steps = 0;
      for (const moment of ['before', 'after'] as const)
        for (let isKilled = true, step = 1; isKilled; step++) {
          isKilled = await killedAt({ session, home, step, moment }, ['system-proxy', 'on', ...way]);
          if (isKilled) steps += 1;
          else expect(session.dump()).not.toBe(before);
          expect(await home.run(['system-proxy', 'off'])).toMatchObject({ code: 0, stderr: '' });
          expect(session.dump()).toBe(before);
          expect(readdirSync(join(home.path, 'state', 'system-proxy'))).toEqual(['lock']);
        }
      expect(steps).toBeGreaterThanOrEqual(4);
      await home.run(['system-proxy', 'on', ...way]);
      for (let isKilled = true; isKilled; ) {
        isKilled = await killedAt({ session, home, step: 1, moment: 'after' }, ['system-proxy', 'off']);
      }
      expect(session.dump()).toBe(before);
    },
  );
});

interface Death {
  readonly session: DesktopSession;
  readonly home: Home;
  readonly step: number;
  readonly moment: 'before' | 'after';
}

/** Whether a verb came as far as to the step at which it is killed. */
async function killedAt({ session, home, step, moment }: Death, args: readonly string[]): Promise<boolean> {
  session.killAt(step, moment);
  const { code } = await home.run(args);
  session.spare();
  expect(['SIGKILL', 0]).toContain(code);
  return code === 'SIGKILL';
}

describe.skipIf(whyNoGnome !== undefined)('a system proxy of host and port', () => {
  const programs = ['gsettings', ...(whyNoKde === undefined ? kdePrograms : [])];

  test('ends with its agent', async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    prepare(session, true);
    const before = session.dump();
    await using agent = await home.start('--edge', 'none');
    expect(await home.run(['system-proxy', 'on', '--fixed'])).toMatchObject({ code: 0, stderr: '' });
    expect(session.run('gsettings', 'get', 'org.gnome.system.proxy.http', 'port').trim()).toBe(`${agent.port}`);
    agent.signal('SIGTERM');
    expect((await agent.ended).stderr).toContain('the system proxy is as it was before');
    expect(session.dump()).toBe(before);
  });

  test('G14: is taken back by the next start where its agent was killed, and a PAC is not', {
    timeout: 90_000,
  }, async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    const before = session.dump();
    await using killed = await home.start('--edge', 'none');
    await home.run(['system-proxy', 'on', '--fixed']);
    killed.signal('SIGKILL');
    await killed.ended;
    expect((await home.run(['system-proxy', 'status'])).stdout).toContain('programs reach nothing');
    await using next = await home.start('--edge', 'none');
    await next.says('after a process that was killed: the system proxy is as it was before');
    expect(session.dump()).toBe(before);
    await home.run(['system-proxy', 'on']);
    const set = session.dump();
    next.signal('SIGKILL');
    await next.ended;
    await using last = await home.start('--edge', 'none');
    await last.says('which no agent serves: run `edgehop system-proxy on` again');
    expect(session.dump()).toBe(set);
    await home.run(['system-proxy', 'on']);
    expect(session.dump()).toContain(`http://127.0.0.1:${last.state.controlPort}/proxy.pac`);
    await home.run(['system-proxy', 'off']);
    expect(session.dump()).toBe(before);
  });

  test('is not taken back while another agent starts and ends beside its own', { timeout: 60_000 }, async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    await using first = await home.start('--edge', 'none');
    await home.run(['system-proxy', 'on', '--fixed', '--port', `${first.port}`]);
    const set = session.dump();
    await using second = await home.start('--edge', 'none', '--no-cache');
    second.signal('SIGTERM');
    await second.ended;
    expect(session.dump()).toBe(set);
  });
});

test.skipIf(whyNoGnome !== undefined)('an `on` that was killed half way is undone by the next start, too', async () => {
  await using session = await startDesktopSession({ backend: 'keyfile', programs: ['gsettings'] });
  using home = makeHome(session.env);
  noteAgent(home);
  const before = session.dump();
  expect(await killedAt({ session, home, step: 1, moment: 'after' }, ['system-proxy', 'on'])).toBe(true);
  expect(session.dump()).not.toBe(before);
  expect((await home.run(['system-proxy', 'status'])).stdout).toContain('was cut short');
  await using agent = await home.start('--edge', 'none');
  await agent.says('after a process that was killed: the system proxy is as it was before');
  expect(session.dump()).toBe(before);
});

describe.skipIf(whyNoGnome !== undefined)('system-proxy', () => {
  const programs = ['gsettings', ...(whyNoKde === undefined ? kdePrograms : [])];

  test('sets all desktops that are here, says so, and keeps what stood before for its owner only', async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    noteAgent(home);
    prepare(session, true);
    const before = session.dump();
    expect(await home.run(['system-proxy', 'on'])).toMatchObject({ code: 0, stderr: '' });
    const status = await home.run(['system-proxy', 'status', '--json']);
    const report = systemProxyReport.parse(JSON.parse(status.stdout));
    const pac = { place: '', kind: 'pac', to: 'http://127.0.0.1:45679/proxy.pac', agent: 'running' };
    expect(report.proxies).toEqual([
      { desktop: 'gnome', ...pac },
      ...(whyNoKde === undefined ? [{ desktop: 'kde', ...pac }] : []),
    ]);
    const folder = join(home.path, 'state', 'system-proxy');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'journal.json')).mode & 0o777).toBe(0o600);
    expect((await home.run(['system-proxy', 'status'])).stdout).toContain("GNOME mode  'manual'");
    expect(await home.run(['system-proxy', 'off'])).toMatchObject({ code: 0, stderr: '' });
    expect(session.dump()).toBe(before);
    expect((await home.run(['system-proxy', 'off'])).stdout).toContain('There is nothing to restore.');
  });

  test('two at once: one of them may have to be repeated, and all comes back', async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    noteAgent(home);
    prepare(session, true);
    const before = session.dump();
    const both = await Promise.all([home.run(['system-proxy', 'on']), home.run(['system-proxy', 'on', '--fixed'])]);
    for (const { code, stderr } of both) if (code !== 0) expect(stderr).toContain('another edgehop is changing');
    expect(both.some(({ code }) => code === 0)).toBe(true);
    await home.run(['system-proxy', 'off']);
    expect(session.dump()).toBe(before);
  });

  test('what cannot be journalled is not done, and a journal that cannot be read is kept', async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    noteAgent(home);
    const before = session.dump();
    const folder = join(home.path, 'state', 'system-proxy');
    writeFileSync(folder, 'a file where the folder would be');
    const unwritable = await home.run(['system-proxy', 'on']);
    expect(unwritable).toMatchObject({ code: 77, stdout: '', stderr: expect.stringContaining('nothing was changed') });
    using other = makeHome(session.env);
    noteAgent(other);
    const journal = other.write('journal.json', '{ "version": 2 }');
    mkdirSync(join(other.path, 'state', 'system-proxy'));
    writeFileSync(join(other.path, 'state', 'system-proxy', 'journal.json'), other.read('journal.json'));
    for (const verb of ['on', 'off'])
      expect(await other.run(['system-proxy', verb])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('cannot be read'),
      });
    expect(await other.run(['system-proxy', 'status'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('cannot be read'),
    });
    expect(other.read(join('state', 'system-proxy', 'journal.json'))).toEqual(other.read('journal.json'));
    expect(journal).toContain(other.path);
    expect(session.dump()).toBe(before);
  });

  test('without an agent there is nothing to lead to', async () => {
    await using session = await startDesktopSession({ backend: 'keyfile', programs });
    using home = makeHome(session.env);
    expect(await home.run(['system-proxy', 'on'])).toMatchObject({ code: 69 });
    expect(await home.run(['system-proxy', 'status'])).toMatchObject({ code: 0 });
  });
});

test('without a desktop, it says how programs are told instead', async () => {
  using home = makeHome({ PATH: '/nowhere' });
  noteAgent(home);
  const on = await home.run(['system-proxy', 'on']);
  expect(on).toMatchObject({ code: 1, stdout: '' });
  expect(on.stderr).toContain('eval "$(edgehop env)"');
  expect(on.stderr).toContain('http://127.0.0.1:45679/proxy.pac');
  expect(on.stderr).not.toContain('/etc/environment');
  expect(await home.run(['system-proxy', 'status'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('edgehop exec'),
  });
});
