// Checks of the package that neither biome nor tsc makes: the worker's size, what npm would publish, lock file, docs.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { configSchema } from '../agent/config/json-schema.ts';
import { overridings } from '../agent/config/overrides.ts';
import { workerSource } from '../agent/edge/worker-source.ts';
import { configurationPage, configurationPath } from './configuration.ts';

/** Cloudflare takes 3 MB from a free account; a start that stays quick takes less. */
const maxWorkerGzipBytes = 1_000_000;

const registryHost = 'registry.npmjs.org';
const root = fileURLToPath(new URL('..', import.meta.url));

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type LockedPackages = Readonly<Record<string, LockedPackage>>;

const { packages }: { packages: LockedPackages } = await readJson('package-lock.json');
const complaints = [
  ...(await oversizedWorker()),
  ...(await publintMessages()),
  ...missingOptionals(packages),
  ...strangeHosts(packages),
  ...(await outdatedDocs()),
];
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;

async function oversizedWorker(): Promise<readonly string[]> {
  const octets = Buffer.from(await workerSource());
  const gzipBytes = gzipSync(octets).length;
  console.log(`worker bundle: ${octets.length} octets, ${gzipBytes} with gzip`);
  if (gzipBytes <= maxWorkerGzipBytes) return [];
  return [`the worker bundle is ${gzipBytes} octets with gzip, more than ${maxWorkerGzipBytes}`];
}

async function publintMessages(): Promise<readonly string[]> {
  const manifest = await readJson<Record<string, unknown>>('package.json');
  const { messages } = await publint({ pkgDir: root, pack: 'npm', strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false }) ?? message.code}`);
}

/**
 * npm leaves a platform's package out of the lock file, silently, when the registry lacks that version; `npm ci` then
 * fails elsewhere.
 */
function missingOptionals(locked: LockedPackages): readonly string[] {
  return Object.entries(locked).flatMap(([from, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !placesOf(from, name).some((place) => place in locked))
      .map((name) => `package-lock.json lacks ${name}, an optional dependency of ${from || 'this package'}`),
  );
}

/** Where a package in `from` looks for `name`: beside it, then in each folder above. */
function placesOf(from: string, name: string): readonly string[] {
  const places = [];
  for (let folder = from; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    places.push(`${folder}/node_modules/${name}`);
  }
  return [...places, `node_modules/${name}`];
}

/** A lock file written behind a mirror would send everybody to that mirror. */
function strangeHosts(locked: LockedPackages): readonly string[] {
  return Object.entries(locked)
    .filter(([, { resolved }]) => resolved !== undefined && URL.parse(resolved)?.host !== registryHost)
    .map(([name, { resolved }]) => `package-lock.json takes ${name} from ${resolved}, not from ${registryHost}`);
}

/** What is made of the sources must be made anew when they change. */
async function outdatedDocs(): Promise<readonly string[]> {
  const written = await readFile(new URL(`../${configurationPath}`, import.meta.url), 'utf8').catch(() => undefined);
  if (written === configurationPage(configSchema(), overridings)) return [];
  return [`${configurationPath} is not what the sources say: run \`npm run docs\``];
}

async function readJson<Content>(path: string): Promise<Content> {
  return JSON.parse(await readFile(new URL(`../${path}`, import.meta.url), 'utf8'));
}
