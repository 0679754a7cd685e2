import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAuthority } from '../../../agent/trust/authority.ts';
import { authorityFiles } from '../../../agent/trust/authority-files.ts';
import { installIn, statusOf, uninstallFrom } from '../../../agent/trust/installing.ts';
import { openJournal } from '../../../agent/trust/journal.ts';
import { storesFound } from '../../../agent/trust/stores/found.ts';
import type { OwnCertificate, TrustStore } from '../../../agent/trust/stores/store.ts';
import type { Handshake } from '../../../agent/trust/stores/told.ts';
import { storeKinds } from '../../../schemas/trust.ts';
import { selfSigned } from '../../support/certificate.ts';
import { Killed, makeTrustMachine, type TrustMachine } from '../../support/trust-machine.ts';

let folder: string;
let own: OwnCertificate;
let older: OwnCertificate;
const other = selfSigned('other.test').cert;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgehop-'));
  own = await makeOwn('one');
  older = await makeOwn('older');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function makeOwn(name: string): Promise<OwnCertificate> {
  const { certificatePem, certificatePath } = await openAuthority(authorityFiles(join(folder, name)), Date.now());
  const subject = new X509Certificate(certificatePem).subject.replace(/^CN=/, '');
  return { name: subject, pem: certificatePem, path: certificatePath };
}

/** Trusts what the bundle holds. */
const handshake: Handshake = async (_port, trusted) =>
  trusted.includes(own.pem.trim()) ? { result: 'trusted' } : { result: 'not-trusted', because: 'unknown' };

const platforms = ['linux', 'darwin', 'win32'] as const;

/** A machine, its stores as they are found anew by each run, and a journal of its own. */
function setUp(platform: (typeof platforms)[number]) {
  const machine = makeTrustMachine(platform, other);
  const journal = openJournal(mkdtempSync(join(folder, 'state-')));
  for (const { path, pem } of [own, older]) machine.hold(path, pem);
  const stores = () => storesFound(machine, storeKinds, handshake, journal.list());
  return { machine, journal, stores };
}

describe.each(platforms)('on %s', (platform) => {
  test('each store takes the certificate once, is proved, and gives it back', async () => {
    const { machine, journal, stores } = setUp(platform);
    const before = machine.contents();
    const installed = await installIn(stores(), own, 1, journal);
    expect(installed.map(({ change, proof }) => [change, proof?.result, proof?.by])).toEqual(
      stores().map(() => ['added', 'trusted', 'tls-handshake']),
    );
    expect((await installIn(stores(), own, 1, journal)).map(({ change }) => change)).toEqual(
      stores().map(() => 'was-there'),
    );
    expect((await statusOf(stores(), own, 1)).map(({ proof }) => proof?.result)).toEqual(stores().map(() => 'trusted'));
    expect((await uninstallFrom(stores(), journal)).map(({ change }) => change)).toEqual(stores().map(() => 'removed'));
    expect(machine.contents()).toBe(before);
    expect(journal.list()).toEqual([]);
    expect((await uninstallFrom(stores(), journal)).map(({ change }) => change)).toEqual(
      stores().map(() => 'was-not-there'),
    );
  });

  test('an older certificate of ours goes as well, and nobody else’s', async () => {
    const { machine, journal, stores } = setUp(platform);
    const before = machine.contents();
    await installIn(stores(), older, 1, journal);
    await installIn(stores(), own, 1, openJournal(join(folder, 'none'))); // another's journal: found by name
    await uninstallFrom(stores(), journal);
    expect(machine.contents()).toBe(before);
  });

  test('killed at any step of installing, uninstalling restores what was there before', async () => {
    const count = await stepsOf(platform);
    expect(count).toBeGreaterThan(2);
    for (const when of ['before', 'after'] as const) {
      for (let step = 1; step <= count; step++) {
        const { machine, journal, stores } = setUp(platform);
        const before = machine.contents();
        machine.killAt(step, when);
        await expect(installIn(stores(), own, 1, journal)).rejects.toThrow(Killed);
        machine.revive();
        await uninstallFrom(stores(), journal);
        expect([step, when, machine.contents()]).toEqual([step, when, before]);
        expect(journal.list()).toEqual([]);
      }
    }
  });

  test('killed at any step of installing, the next one makes it whole; killed at any step of uninstalling likewise', async () => {
    const count = await stepsOf(platform);
    for (let step = 1; step <= count; step++) {
      const { machine, journal, stores } = setUp(platform);
      const before = machine.contents();
      machine.killAt(step, 'after');
      await expect(installIn(stores(), own, 1, journal)).rejects.toThrow(Killed);
      machine.revive();
      const again = await installIn(stores(), own, 1, journal);
      expect(again.map(({ proof }) => proof?.result)).toEqual(stores().map(() => 'trusted'));
      machine.killAt(step, 'before');
      await uninstallFrom(stores(), journal).catch(() => undefined);
      machine.revive();
      await uninstallFrom(stores(), journal);
      expect([step, machine.contents()]).toEqual([step, before]);
    }
  });
});

test('a store that fails stops no other, and says why', async () => {
  const { machine, journal, stores } = setUp('linux');
  const run = machine.run;
  const broken: TrustMachine = machine;
  broken.run = async (command, ...args) =>
    command === 'certutil' ? { kind: 'absent', because: 'it is not there' } : run(command, ...args);
  const reports = await installIn(stores(), own, 1, journal);
  expect(reports.map(({ store, change, problem }) => [store, change, problem?.kind])).toEqual([
    ['system', 'added', undefined],
    ['nss', 'none', 'tool-missing'],
  ]);
  expect(reports[1]?.problem?.advice).toContain('libnss3-tools');
});

test('a store that only the administrator may change says the command', async () => {
  const { machine, journal, stores } = setUp('linux');
  machine.write = () => {
    throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  };
  const [system, nss] = await installIn(stores(), own, 1, journal);
  expect(system?.problem).toEqual({
    kind: 'needs-root',
    because: 'only the administrator may change it',
    advice: `sudo install -D -m 644 ${own.path} /usr/local/share/ca-certificates/${own.name.replaceAll(' ', '-')}.crt && sudo update-ca-certificates`,
  });
  expect(nss?.proof?.result).toBe('trusted');
  const [after] = await uninstallFrom(stores(), journal);
  expect(after?.change).toBe('was-not-there');
  expect(journal.list()).toEqual([]);
});

test('a store that trusts by certutil alone is not said to have shaken hands', async () => {
  const { machine, journal, stores } = setUp('linux');
  const run = machine.run;
  machine.run = async (command, ...args) =>
    command === 'tstclnt' ? { kind: 'absent', because: 'it is not there' } : run(command, ...args);
  const [nss] = await installIn(
    stores().filter(({ kind }: TrustStore) => kind === 'nss'),
    own,
    1,
    journal,
  );
  expect(nss?.proof).toEqual({ result: 'trusted', by: 'certutil', program: 'certutil -V' });
});

async function stepsOf(platform: (typeof platforms)[number]): Promise<number> {
  const { machine, journal, stores } = setUp(platform);
  await installIn(stores(), own, 1, journal);
  return machine.steps;
}
