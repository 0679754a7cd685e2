// A store for Java, which reads no PEM: the roots of the JDK that is here, and the authority.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Machine } from './stores/machine.ts';
import { failureOf } from './stores/told.ts';

export type JavaStore =
  | { readonly kind: 'made'; readonly path: string }
  | { readonly kind: 'no-java' }
  | { readonly kind: 'failed'; readonly because: string };

/** What every JDK's own store is closed with, and so everybody's: there are no secrets in it. */
export const javaStorePassword = 'changeit';

/** Makes the store with keytool, where it is not made already from what is there. `certificate`: its file, and its text. */
export async function javaStore(
  machine: Machine,
  folder: string,
  certificate: { readonly path: string; readonly pem: string },
): Promise<JavaStore> {
  const jdk = findJdk(machine);
  if (jdk === undefined) return { kind: 'no-java' };
  const prefix = `java-${short(jdk.keytool)}-`;
  const name = `${prefix}${short(`${machine.stamp(jdk.roots)} ${certificate.pem}`)}.p12`;
  const path = join(folder, name);
  if (machine.stamp(path) !== undefined) return { kind: 'made', path };
  const beside = join(folder, `${name}.new`);
  try {
    machine.makeFolder(folder);
    machine.remove(beside);
    for (const args of keytoolArguments(jdk.roots, beside, certificate.path)) {
      const failure = failureOf('keytool', await machine.run(jdk.keytool, ...args));
      if (failure !== undefined) return { kind: 'failed', because: failure.because };
    }
    machine.rename(beside, path);
    for (const file of machine.list(folder))
      if (file.startsWith(prefix) && file !== name) machine.remove(join(folder, file));
    return { kind: 'made', path };
  } catch (cause) {
    return { kind: 'failed', because: (cause as Error).message };
  }
}

/** The JDK's roots in a new store, then the authority. */
export function keytoolArguments(
  roots: string,
  store: string,
  certificatePath: string,
): readonly (readonly string[])[] {
  const into = ['-storetype', 'PKCS12', '-storepass', javaStorePassword];
  return [
    [
      '-importkeystore',
      '-noprompt',
      ...['-srckeystore', roots, '-srcstorepass', javaStorePassword],
      ...['-destkeystore', store, '-deststoretype', 'PKCS12', '-deststorepass', javaStorePassword],
    ],
    ['-importcert', '-noprompt', '-alias', 'edgehop', '-file', certificatePath, '-keystore', store, ...into],
  ];
}

/** By JAVA_HOME, else by where the `java` of PATH leads. */
function findJdk(machine: Machine): { readonly keytool: string; readonly roots: string } | undefined {
  const { env, platform } = machine;
  const [program, separator] = platform === 'win32' ? ['.exe', ';'] : ['', ':'];
  const named = env['JAVA_HOME'];
  const onPath = (env['PATH'] ?? env['Path'] ?? '')
    .split(separator)
    .flatMap((folder) => machine.realPath(join(folder, `java${program}`)) ?? [])
    .map((java) => join(java, '..', '..'));
  for (const home of [...(named === undefined || named === '' ? [] : [named]), ...onPath]) {
    const keytool = machine.realPath(join(home, 'bin', `keytool${program}`));
    const roots = ['lib/security/cacerts', 'jre/lib/security/cacerts']
      .map((place) => join(home, place))
      .find((place) => machine.stamp(place) !== undefined);
    if (keytool !== undefined && roots !== undefined) return { keytool, roots };
  }
  return undefined;
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
