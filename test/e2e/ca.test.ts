// The command puts the local CA into databases of NSS, is killed at each of its steps, and takes it out again.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { caStatus, storeReports } from '../../schemas/trust.ts';
import { type Home, makeHome } from '../support/command.ts';
import { isInstalled } from '../support/program.ts';

const hasNss = isInstalled('certutil', '-H') && isInstalled('tstclnt', '-H');
const profiles = ['.pki/nssdb', '.mozilla/firefox/x.default'];

interface Person extends Disposable {
  readonly home: Home;
  readonly folder: string;
  /** What certutil lists in each database. */
  listings(): string;
  /** The next run of certutil by the command kills that: before it does anything, or after. */
  killAt(call: number, when: 'before' | 'after'): void;
  /** How often certutil or tstclnt was run. */
  calls(): number;
}

/** A person with two databases, and a certutil on PATH that can kill whoever has started it. */
function makePerson(): Person {
  const path = mkdtempSync(join(tmpdir(), 'edgehop-person-'));
  for (const profile of profiles) {
    mkdirSync(join(path, profile), { recursive: true });
    spawnSync('certutil', ['-N', '-d', `sql:${path}/${profile}`, '--empty-password']);
  }
  mkdirSync(join(path, 'bin'));
  for (const program of ['certutil', 'tstclnt']) {
    const real = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
    const script = `#!/bin/sh
echo x >> '${path}/calls'
n=$(wc -l < '${path}/calls')
[ "$n" = "$(cat '${path}/before' 2>/dev/null)" ] && kill -9 $PPID && exit 1
${real} "$@"
code=$?
[ "$n" = "$(cat '${path}/after' 2>/dev/null)" ] && kill -9 $PPID
exit $code
`;
    writeFileSync(join(path, 'bin', program), script);
    chmodSync(join(path, 'bin', program), 0o755);
  }
  const home = makeHome({ HOME: path, PATH: `${path}/bin:${process.env['PATH']}` });
  const forget = () => {
    for (const name of ['calls', 'before', 'after']) rmSync(join(path, name), { force: true });
  };
  return {
    home,
    folder: path,
    listings: () =>
      profiles
        .map((profile) => spawnSync('certutil', ['-L', '-d', `sql:${path}/${profile}`]).stdout.toString())
        .join(''),
    killAt: (call, when) => {
      forget();
      if (call > 0) writeFileSync(join(path, when), String(call));
    },
    calls: () => readFileSync(join(path, 'calls'), 'utf8').split('\n').length - 1,
    [Symbol.dispose]: () => {
      home[Symbol.dispose]();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

const install = ['ca', 'install', '--store', 'nss'];
const uninstall = ['ca', 'uninstall', '--store', 'nss'];

test('the path is printed, of a certificate that is made where there is none, with a key for nobody else', async () => {
  using home = makeHome();
  const before = await home.run(['ca', 'status', '--store', 'nss']);
  expect(before.stdout).toContain('There is no local authority');
  const { code, stdout } = await home.run(['ca', 'path']);
  expect([code, existsSync(stdout.trim())]).toEqual([0, true]);
  expect(readFileSync(stdout.trim(), 'utf8')).not.toContain('PRIVATE');
  expect((await home.run(['ca', 'path'])).stdout).toBe(stdout);
  const secret = join(stdout.trim(), '..', 'authority.pem');
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  chmodSync(secret, 0o644);
  const open = await home.run(['ca', 'status', '--store', 'nss']);
  expect(open.stdout).toContain('others may read it (mode 644)');
  expect(await home.run(install)).toMatchObject({ code: 78, stderr: expect.stringContaining('others may read it') });
});

describe.skipIf(!hasNss)('databases of NSS', () => {
  test('are written, each proved by a handshake, said by status, and are as before after uninstalling', async () => {
    using person = makePerson();
    const { home } = person;
    const before = person.listings();
    const installed = await home.run([...install, '--json']);
    expect([installed.code, installed.stderr]).toEqual([0, '']);
    const { stores } = storeReports.parse(JSON.parse(installed.stdout));
    expect(stores.map(({ change, proof }) => [change, proof])).toEqual(
      profiles.map(() => ['added', { result: 'trusted', by: 'tls-handshake', program: 'tstclnt' }]),
    );
    expect(person.listings().match(/edgehop local CA [0-9a-f]{8} +C,,/g)).toHaveLength(2);
    const status = caStatus.parse(JSON.parse((await home.run(['ca', 'status', '--store', 'nss', '--json'])).stdout));
    expect(status.authority).toMatchObject({ kind: 'there', expiresSoon: false, key: { mode: '0600' } });
    expect(status.stores.map(({ proof }) => proof?.result)).toEqual(['trusted', 'trusted']);
    expect((await home.run(uninstall)).stdout.match(/^PASS .*: removed$/gm)).toHaveLength(2);
    expect(person.listings()).toBe(before);
    const after = caStatus.parse(JSON.parse((await home.run(['ca', 'status', '--store', 'nss', '--json'])).stdout));
    expect(after.stores.map(({ proof }) => proof?.result)).toEqual(['not-trusted', 'not-trusted']);
    await home.run([...uninstall, '--delete']);
    expect((await home.run(['ca', 'status', '--store', 'nss'])).stdout).toContain('There is no local authority');
  });

  test('one that cannot be written stops no other, and the exit status tells', async () => {
    using person = makePerson();
    writeFileSync(join(person.folder, profiles[1] ?? '', 'cert9.db'), 'rubbish');
    const { code, stdout, stderr } = await person.home.run(install);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^PASS {2}Chromium.*\nFAIL {2}Firefox.*certutil ended with 255/);
    expect(stderr).toContain('of 2 stores, 1 trust it for certain');
  });

  test('killed at every step of installing, uninstalling restores what was there before', {
    timeout: 120_000,
  }, async () => {
    using person = makePerson();
    const { home } = person;
    const before = person.listings();
    await home.run(['ca', 'path']);
    person.killAt(0, 'after');
    await home.run(install);
    const steps = person.calls();
    await home.run(uninstall);
    expect(steps).toBeGreaterThanOrEqual(6);
    for (let step = 1; step <= steps; step++) {
      const when = step % 2 === 0 ? 'before' : 'after';
      person.killAt(step, when);
      // The launcher ends as its child was ended, or is killed itself.
      expect([step, [137, 'SIGKILL'].includes((await home.run(install)).code as never)]).toEqual([step, true]);
      person.killAt(0, 'after');
      expect([step, (await home.run(uninstall)).code]).toEqual([step, 0]);
      expect([step, person.listings()]).toEqual([step, before]);
    }
    expect(existsSync(join(home.path, 'state', 'trust-journal.json'))).toBe(false);
  });
});
