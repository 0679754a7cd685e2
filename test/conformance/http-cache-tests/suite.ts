// Where the suite comes from and how it is laid out: the edition of npm, or a folder that holds another one.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** The kinds of the suite: what a cache must do, what a good one does, and how it happens to behave. */
export type Kind = 'required' | 'optimal' | 'check';

export interface SuiteTest {
  readonly id: string;
  readonly kind: Kind;
  /** The sentence that it asks or claims. */
  readonly name: string;
  readonly group: string;
  /** Tests that must have passed for this one to say anything. */
  readonly dependsOn: readonly string[];
}

/** Newer editions follow RFC 9111, older ones RFC 7234. */
export type EditionKind = 'older' | 'newer';

export interface Suite {
  readonly folder: string;
  readonly kind: EditionKind;
  /** In words, for the page. */
  readonly edition: string;
  /** Without those that only a browser's cache can take. */
  readonly tests: readonly SuiteTest[];
}

/** A group of tests as the suite writes it. What else is in it is the suite's own matter. */
export interface RawGroup {
  readonly name: string;
  readonly tests: readonly {
    readonly id: string;
    readonly name: string;
    readonly kind?: Kind;
    readonly depends_on?: readonly string[];
    readonly browser_only?: boolean;
    dump?: boolean;
  }[];
}

const packageName = 'http-cache-tests';
const packageVersion = '0.4.5';
/** Of the tarball; what npm brings must be what was read. */
const packageIntegrity =
  'sha512-DjuwN9nUZXLTW+wav1LRESCZNVxl8SshwOy4z1pxuWbWt5/ay6sM9QQ1lebBaDO6P1IMBoK6mdf+PuVP/QNL8A==';
const installTimeoutMs = 120_000;

/** Installs the edition of npm into a folder of its own, without running any script of it. */
export async function installSuite(scratch: string): Promise<Suite> {
  const prefix = join(scratch, 'suite');
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'package.json'), JSON.stringify({ private: true }));
  const args = ['install', `${packageName}@${packageVersion}`, '--ignore-scripts', '--no-audit', '--no-fund'];
  await promisify(execFile)('npm', args, { cwd: prefix, timeout: installTimeoutMs });
  const locked = JSON.parse(await readFile(join(prefix, 'package-lock.json'), 'utf8'));
  const { integrity } = locked.packages[`node_modules/${packageName}`];
  if (integrity !== packageIntegrity) throw new Error(`npm brought another ${packageName}: ${integrity}`);
  return describe(join(prefix, 'node_modules', packageName), `npm ${packageName} ${packageVersion}`);
}

/** A checkout of the suite, of any edition. */
export function suiteIn(folder: string, edition: string): Promise<Suite> {
  return describe(resolve(folder), edition);
}

/** The groups that the suite indexes, freshly read: running tests changes them. */
export async function rawGroups(folder: string): Promise<readonly RawGroup[]> {
  return (await importFrom<{ readonly default: readonly RawGroup[] }>(folder, 'tests/index.mjs')).default;
}

/** The folder of the suite's client and server; newer editions keep them apart from the tests. */
export function engineIn(folder: string): { readonly kind: EditionKind; readonly folder: string } {
  const newer = join(folder, 'test-engine');
  return existsSync(newer) ? { kind: 'newer', folder: newer } : { kind: 'older', folder };
}

/** A module of the suite, which is plain JavaScript. */
export async function importFrom<Module>(...path: readonly string[]): Promise<Module> {
  return (await import(pathToFileURL(join(...path)).href)) as Module;
}

async function describe(folder: string, edition: string): Promise<Suite> {
  const tests = (await rawGroups(folder)).flatMap(({ name: group, tests }) =>
    tests
      .filter((test) => test.browser_only !== true)
      .map(({ id, name, kind = 'required', depends_on: dependsOn = [] }) => ({ id, name, kind, group, dependsOn })),
  );
  return { folder, kind: engineIn(folder).kind, edition, tests };
}
