import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAuthority } from '../../../../agent/trust/authority.ts';
import { authorityFiles } from '../../../../agent/trust/authority-files.ts';
import { installIn, uninstallFrom } from '../../../../agent/trust/installing.ts';
import { openJournal } from '../../../../agent/trust/journal.ts';
import { shakeHands, startProofServer } from '../../../../agent/trust/proof-server.ts';
import { anchorFamilies, anchorFamily, linuxStore } from '../../../../agent/trust/stores/linux.ts';
import { type Machine, thisMachine } from '../../../../agent/trust/stores/machine.ts';
import { selfSigned } from '../../../support/certificate.ts';
import { isInstalled } from '../../../support/program.ts';
import { makeTrustMachine } from '../../../support/trust-machine.ts';

describe('the family of a distribution', () => {
  test.each(anchorFamilies.map((family) => [family.name, family] as const))(
    '%s is known by its bundle',
    (_, family) => {
      const machine = {
        ...makeTrustMachine('linux'),
        read: (path: string) => (path === family.bundle ? '' : undefined),
      };
      expect(anchorFamily(machine)).toBe(family);
    },
  );

  test('a system with none of these has no such store', () => {
    expect(anchorFamily({ ...makeTrustMachine('linux'), read: () => undefined })).toBeUndefined();
  });
});

test('what stands under a name of ours and is another’s certificate is left alone', async () => {
  const machine = makeTrustMachine('linux');
  const [debian] = anchorFamilies.filter(({ name }) => name.startsWith('Debian'));
  if (debian === undefined) throw new Error('Debian is a family');
  machine.write(`${debian.folder}/edgehop-local-CA-00000000.crt`, selfSigned('a.test').cert);
  const store = linuxStore(machine, debian, shakeHands);
  expect(await store.ours()).toEqual({ kind: 'listed', names: [] });
  const before = machine.contents();
  expect(await store.remove(['edgehop local CA 00000000'])).toEqual({ kind: 'done' });
  expect(machine.contents()).toBe(before);
});

const hasScript = isInstalled('update-ca-certificates', '--help') && isInstalled('openssl', 'version') && isDebians();

function isDebians(): boolean {
  const path = '/usr/sbin/update-ca-certificates';
  const is = existsSync(path) && readFileSync(path, 'latin1').includes('--localcertsdir');
  if (!is) process.stderr.write("skipped: update-ca-certificates is not Debian's, which takes other folders\n");
  return is;
}

describe.skipIf(!hasScript)("Debian's own script, in a folder that stands for the root", () => {
  /** Everything under a folder, links as links. */
  const contentsOf = (folder: string): unknown =>
    readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, entry.isSymbolicLink() ? readlinkSync(path) : readFileSync(path, 'utf8')];
      })
      .sort();

  function makeRoot() {
    const root = mkdtempSync(join(tmpdir(), 'edgehop-root-'));
    const folders = [
      'etc/ssl/certs',
      'usr/local/share/ca-certificates',
      'usr/share/ca-certificates/mozilla',
      'etc/ca-certificates/update.d',
    ];
    for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
    for (const name of ['a', 'b'])
      writeFileSync(join(root, `usr/share/ca-certificates/mozilla/${name}.crt`), selfSigned(`${name}.test`).cert);
    writeFileSync(join(root, 'usr/local/share/ca-certificates/firm.crt'), selfSigned('firm.test').cert);
    writeFileSync(join(root, 'etc/ca-certificates.conf'), 'mozilla/a.crt\nmozilla/b.crt\n');
    const options = [
      ...['--certsconf', `${root}/etc/ca-certificates.conf`, '--certsdir', `${root}/usr/share/ca-certificates`],
      ...['--localcertsdir', `${root}/usr/local/share/ca-certificates`, '--etccertsdir', `${root}/etc/ssl/certs`],
      ...['--hooksdir', `${root}/etc/ca-certificates/update.d`],
    ];
    spawnSync('update-ca-certificates', [...options, '--fresh']);
    const real = thisMachine(process.env);
    const calls = { count: 0, dieAt: Number.POSITIVE_INFINITY };
    const die = () => {
      if (++calls.count === calls.dieAt) throw new Error('killed');
    };
    const machine: Machine = {
      ...real,
      run: async (command, ...args) => {
        const ran = await real.run(command, ...args, ...(command === 'update-ca-certificates' ? options : []));
        die();
        return ran;
      },
      write: (path, text) => {
        real.write(path, text.slice(0, calls.count + 1 === calls.dieAt ? 100 : undefined)); // half of it
        die();
      },
      remove: (path) => {
        real.remove(path);
        die();
      },
    };
    const [debian] = anchorFamilies.filter(({ name }) => name.startsWith('Debian'));
    if (debian === undefined) throw new Error('Debian is a family');
    return { root, machine, calls, store: linuxStore(machine, debian, shakeHands, root) };
  }

  async function makeOwn(root: string) {
    const authority = await openAuthority(authorityFiles(join(root, 'state')), Date.now());
    const name = new X509Certificate(authority.certificatePem).subject.replace(/^CN=/, '');
    return { authority, own: { name, pem: authority.certificatePem, path: authority.certificatePath } };
  }

  test('the bundle takes the certificate in, a handshake proves it, and nothing is left after', async () => {
    const { root, store } = makeRoot();
    const before = [contentsOf(`${root}/etc`), contentsOf(`${root}/usr`)];
    const { authority, own } = await makeOwn(root);
    const journal = openJournal(join(root, 'state'));
    {
      await using server = await startProofServer(authority, Date.now);
      expect(await store.prove(own, server.port)).toMatchObject({ result: 'not-trusted' });
      const [report] = await installIn([store], own, server.port, journal);
      expect(report).toMatchObject({ change: 'added', proof: { result: 'trusted', by: 'tls-handshake' } });
    }
    expect(await uninstallFrom([store], journal)).toMatchObject([{ change: 'removed' }]);
    expect([contentsOf(`${root}/etc`), contentsOf(`${root}/usr`)]).toEqual(before);
    rmSync(root, { recursive: true });
  });

  test.each([1, 2])('ended after step %i, also in the middle of writing, it is restored to the octet', async (step) => {
    const { root, store, calls } = makeRoot();
    const before = [contentsOf(`${root}/etc`), contentsOf(`${root}/usr`)];
    const { own } = await makeOwn(root);
    const journal = openJournal(join(root, 'state'));
    calls.dieAt = step;
    await expect(installIn([store], own, 1, journal)).rejects.toThrow('killed');
    calls.dieAt = Number.POSITIVE_INFINITY;
    await uninstallFrom([store], journal);
    expect([contentsOf(`${root}/etc`), contentsOf(`${root}/usr`)]).toEqual(before);
    expect(journal.list()).toEqual([]);
    rmSync(root, { recursive: true });
  });

  test('ended between the anchor’s removal and the script, the next one takes the rest away', async () => {
    const { root, store, calls } = makeRoot();
    const before = [contentsOf(`${root}/etc`), contentsOf(`${root}/usr`)];
    const { authority, own } = await makeOwn(root);
    const journal = openJournal(join(root, 'state'));
    {
      await using server = await startProofServer(authority, Date.now);
      await installIn([store], own, server.port, journal);
    }
    calls.dieAt = calls.count + 1;
    await expect(uninstallFrom([store], journal)).rejects.toThrow('killed');
    calls.dieAt = Number.POSITIVE_INFINITY;
    await uninstallFrom([store], journal);
    expect([contentsOf(`${root}/etc`), contentsOf(`${root}/usr`)]).toEqual(before);
    rmSync(root, { recursive: true });
  });
});
