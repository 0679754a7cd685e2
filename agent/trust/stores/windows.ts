// The root certificates of a person on Windows, which Edge, Chrome and Firefox go by.
import { X509Certificate } from 'node:crypto';
import type { Machine } from './machine.ts';
import { type Changed, isOwnName, type Listed, type TrustStore } from './store.ts';
import { proveBySystemStore } from './system-client.ts';
import { failureOf } from './told.ts';

const systemFolder = 'C:\\Windows\\System32'; // absolute, so that no program of the working directory is what runs
const certutil = `${systemFolder}\\certutil.exe`;
const powershell = `${systemFolder}\\WindowsPowerShell\\v1.0\\powershell.exe`;

export function windowsStore(machine: Machine): TrustStore {
  const found = async () => {
    const ran = await machine.run(powershell, '-NoProfile', '-NonInteractive', '-Command', listScript);
    const text = ran.kind === 'ended' ? ran.stdout : '';
    return failureOf('powershell', ran) ?? ({ kind: 'found', text } as const);
  };
  return {
    kind: 'system',
    place: 'Cert:\\CurrentUser\\Root',
    name: "this person's root certificates",
    ours: async (): Promise<Listed> => {
      const listed = await found();
      if (listed.kind !== 'found') return listed;
      return { kind: 'listed', names: ownInWindows(listed.text).map(({ name }) => name) };
    },
    add: async ({ path }): Promise<Changed> =>
      failureOf('certutil', await machine.run(certutil, ...addArguments(path))) ?? { kind: 'done' },
    remove: async (names): Promise<Changed> => {
      const listed = await found();
      if (listed.kind !== 'found') return listed;
      for (const { name, thumbprint } of ownInWindows(listed.text)) {
        if (!names.includes(name)) continue;
        const failure = failureOf('certutil', await machine.run(certutil, ...deleteArguments(thumbprint)));
        if (failure !== undefined) return failure;
      }
      return { kind: 'done' };
    },
    prove: (_certificate, port) => proveBySystemStore(machine, port),
  };
}

/** Prints each in base64, one a line. What certutil prints is in the person's language. */
export const listScript =
  "Get-ChildItem Cert:\\CurrentUser\\Root | Where-Object { $_.Subject -like 'CN=edgehop local CA *' }" +
  ' | ForEach-Object { [Convert]::ToBase64String($_.RawData) }';

/** Windows asks the person, in a window. */
export function addArguments(path: string): readonly string[] {
  return ['-user', '-addstore', 'Root', path];
}

export function deleteArguments(thumbprint: string): readonly string[] {
  return ['-user', '-delstore', 'Root', thumbprint];
}

/** Those of ours among the certificates that `listScript` prints. */
export function ownInWindows(text: string): readonly { readonly name: string; readonly thumbprint: string }[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.flatMap((line) => {
    const certificate = new X509Certificate(Buffer.from(line, 'base64'));
    const name = certificate.subject.replace(/^CN=/, '');
    return isOwnName(name) ? [{ name, thumbprint: certificate.fingerprint.replaceAll(':', '') }] : [];
  });
}
