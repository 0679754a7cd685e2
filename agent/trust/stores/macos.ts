// The login keychain of macOS, whose user's trust settings Safari, Chrome and curl go by.
import { X509Certificate } from 'node:crypto';
import type { Machine } from './machine.ts';
import { type Changed, isOwnName, type Listed, type TrustStore } from './store.ts';
import { proveBySystemStore } from './system-client.ts';
import { failureOf } from './told.ts';

const security = '/usr/bin/security';

export function macosStore(machine: Machine): TrustStore {
  const keychain = `${machine.home}/Library/Keychains/login.keychain-db`;
  const found = async () => {
    const ran = await machine.run(security, ...findArguments(keychain));
    // 44 is errSecItemNotFound.
    if (ran.kind === 'ended' && (ran.code === 0 || ran.code === 44))
      return { kind: 'found', text: ran.stdout } as const;
    return failureOf('security', ran) ?? ({ kind: 'found', text: '' } as const);
  };
  return {
    kind: 'system',
    place: keychain,
    name: 'the login keychain',
    ours: async (): Promise<Listed> => {
      const listed = await found();
      if (listed.kind !== 'found') return listed;
      return { kind: 'listed', names: ownInKeychain(listed.text).map(({ name }) => name) };
    },
    add: async ({ path }): Promise<Changed> => {
      const ran = await machine.run(security, ...trustArguments(keychain, path));
      return failureOf('security', ran) ?? { kind: 'done' };
    },
    remove: async (names): Promise<Changed> => {
      const listed = await found();
      if (listed.kind !== 'found') return listed;
      for (const { name, sha1 } of ownInKeychain(listed.text)) {
        if (!names.includes(name)) continue;
        const failure = failureOf('security', await machine.run(security, ...deleteArguments(keychain, sha1)));
        if (failure !== undefined) return failure;
      }
      return { kind: 'done' };
    },
    prove: (_certificate, port) => proveBySystemStore(machine, port),
  };
}

/** Every certificate whose name has this in it, in PEM. */
export function findArguments(keychain: string): readonly string[] {
  return ['find-certificate', '-a', '-c', 'edgehop local CA', '-p', keychain];
}

/** As a root for TLS, in the person's own trust settings: the system asks for the password of the session. */
export function trustArguments(keychain: string, path: string): readonly string[] {
  return ['add-trusted-cert', '-r', 'trustRoot', '-p', 'ssl', '-k', keychain, path];
}

/** With the trust settings of the person (`-t`). */
export function deleteArguments(keychain: string, sha1: string): readonly string[] {
  return ['delete-certificate', '-t', '-Z', sha1, keychain];
}

/** Those of ours among the certificates that `security find-certificate -p` prints. The hash is without colons. */
export function ownInKeychain(text: string): readonly { readonly name: string; readonly sha1: string }[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    const certificate = new X509Certificate(block);
    const name = certificate.subject.replace(/^CN=/, '');
    return isOwnName(name) ? [{ name, sha1: certificate.fingerprint.replaceAll(':', '') }] : [];
  });
}
