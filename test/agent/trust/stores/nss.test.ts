import { describe, expect, test } from 'vitest';
import type { Ran } from '../../../../agent/machine/run-program.ts';
import type { Machine } from '../../../../agent/trust/stores/machine.ts';
import { nssFolders, nssStore, ownNicknames } from '../../../../agent/trust/stores/nss.ts';
import { makeTrustMachine } from '../../../support/trust-machine.ts';

const listing = `
Certificate Nickname                                         Trust Attributes
                                                             SSL,S/MIME,JAR/XPI

edgehop local CA 05ea76ce                                    C,,  
Firm Root CA with edgehop local CA 05ea76ce in it            CT,C,C
edgehop local CA 0123456789                                  C,,  
edgehop local CA ffffffff                                    ,,
somebody                                                     u,u,u
`;

test('nicknames of ours are those that are one as a whole, whatever their trust', () => {
  expect(ownNicknames(listing)).toEqual(['edgehop local CA 05ea76ce', 'edgehop local CA ffffffff']);
  expect(ownNicknames(listing.replaceAll('\n', '\r\n'))).toHaveLength(2);
  expect(ownNicknames('')).toEqual([]);
});

/** A machine with databases in these folders. */
function withDatabases(platform: string, env: Machine['env'], ...folders: string[]): Machine {
  const list = (path: string) =>
    folders.includes(path)
      ? ['cert9.db']
      : folders.filter((folder) => folder.startsWith(`${path}/`)).map((folder) => folder.slice(path.length + 1));
  return { ...makeTrustMachine('linux'), platform, env, list };
}

describe('databases are found', () => {
  test.each([
    ['linux', '/home/one/.pki/nssdb', 'Chromium and others'],
    ['linux', '/home/one/snap/chromium/current/.pki/nssdb', 'Chromium and others'],
    ['linux', '/home/one/.mozilla/firefox/x.default-release', 'Firefox, profile x.default-release'],
    ['linux', '/home/one/.config/mozilla/firefox/x.default', 'Firefox, profile x.default'],
    ['linux', '/home/one/snap/firefox/common/.mozilla/firefox/x.default', 'Firefox, profile x.default'],
    ['linux', '/home/one/.var/app/org.mozilla.firefox/.mozilla/firefox/x.default', 'Firefox, profile x.default'],
    ['darwin', '/home/one/Library/Application Support/Firefox/Profiles/x.default', 'Firefox, profile x.default'],
    ['win32', 'C:\\Users\\one\\AppData\\Roaming/Mozilla/Firefox/Profiles/x.default', 'Firefox, profile x.default'],
  ])('on %s: %s', (platform, path, name) => {
    const machine = withDatabases(platform, { APPDATA: 'C:\\Users\\one\\AppData\\Roaming' }, path);
    expect(nssFolders(machine)).toEqual([{ path, name }]);
  });

  test('a folder without a database is none', () => {
    expect(nssFolders({ ...makeTrustMachine('linux'), list: () => ['profiles.ini'] })).toEqual([]);
  });
});

const certificate = { name: 'edgehop local CA 05ea76ce', pem: '', path: '/ca.pem' };
const folder = { path: '/db', name: 'Firefox' };

function answering(platform: string, answers: Readonly<Record<string, Ran>>): Machine {
  return {
    ...makeTrustMachine('linux'),
    platform,
    run: async (command) => answers[command] ?? { kind: 'absent', because: 'it is not there' },
  };
}

describe('a program that is missing or fails', () => {
  test.each([
    ['linux', 'tool-missing', 'libnss3-tools (Debian, Ubuntu), nss-tools (Fedora, RHEL, Alpine), nss (Arch)'],
    ['darwin', 'not-needed', 'brew install nss'],
    ['win32', 'not-needed', 'Unless it was told otherwise'],
  ])('on %s a missing certutil is %s, and says what to do', async (platform, kind, advice) => {
    const answer = await nssStore(answering(platform, {}), folder).add(certificate);
    expect(answer).toMatchObject({ kind, advice: expect.stringContaining(advice) });
  });

  test("Windows' program of the same name is never run", async () => {
    const run: Machine['run'] = async () => {
      throw new Error('it was run');
    };
    const store = nssStore({ ...makeTrustMachine('linux'), platform: 'win32', run }, folder);
    expect(await store.remove([certificate.name])).toMatchObject({ kind: 'not-needed' });
  });

  test('a primary password is guessed at where the database asks for one', async () => {
    const stderr = 'certutil: could not add certificate to token or database: SEC_ERROR_TOKEN_NOT_LOGGED_IN: x\n';
    const machine = answering('linux', { certutil: { kind: 'ended', code: 255, stdout: '', stderr } });
    expect(await nssStore(machine, folder).add(certificate)).toMatchObject({
      kind: 'failed',
      advice: expect.stringContaining('primary password'),
    });
  });

  test.each([
    [
      'an unknown issuer',
      254,
      'tstclnt: authentication of server cert failed: SEC_ERROR_UNKNOWN_ISSUER: no.\n',
      'not-trusted',
    ],
    ['no connection', 1, 'tstclnt: unable to connect (poll): PR_CONNECT_REFUSED_ERROR\n', 'unknown'],
    ['a handshake', 0, '', 'trusted'],
  ])('tstclnt with %s', async (_, code, stderr, result) => {
    const machine = answering('linux', { tstclnt: { kind: 'ended', code, stdout: '', stderr } });
    expect(await nssStore(machine, folder).prove(certificate, 1)).toMatchObject({ result, program: 'tstclnt' });
  });

  test('without tstclnt certutil judges, and without that nobody', async () => {
    const judged = { kind: 'ended', code: 255, stdout: 'certutil: certificate is invalid: x', stderr: '' } as const;
    expect(await nssStore(answering('linux', { certutil: judged }), folder).prove(certificate, 1)).toMatchObject({
      result: 'not-trusted',
      by: 'certutil',
    });
    expect(await nssStore(answering('linux', {}), folder).prove(certificate, 1)).toMatchObject({ result: 'unknown' });
  });
});
