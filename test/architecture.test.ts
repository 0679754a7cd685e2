// The rules of ARCHITECTURE.md that a machine can check: who imports whom, who does I/O, and that names are true.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const halves = ['schemas', 'http', 'worker', 'agent'];
const sourceRoots = [...halves, 'bench', 'build', 'bin'];
const namedRoots = [...sourceRoots, 'test', 'docs'];
const maxLines = 300;

/** The only files that do I/O or read a clock. Everything else gets the network, the disk and the time as arguments. */
const inventory: readonly string[] = [
  'agent/access/client-list.ts',
  'agent/cache/content-file.ts',
  'agent/cache/disk.ts',
  'agent/cache/generations.ts',
  'agent/cache/index-file.ts',
  'agent/cache/lock.ts',
  'agent/cli/asks-credentials.ts',
  'agent/cli/connect-client.ts',
  'agent/cli/credential.ts',
  'agent/cli/deploy-note.ts',
  'agent/cli/doctor-facts.ts',
  'agent/cli/doctor.ts',
  'agent/cli/edge-deploy.ts',
  'agent/cli/edge-token.ts',
  'agent/cli/exec.ts',
  'agent/cli/forwarder.ts',
  'agent/cli/get-request.ts',
  'agent/cli/get.ts',
  'agent/cli/ping-attempt.ts',
  'agent/cli/service-run.ts',
  'agent/cli/service.ts',
  'agent/cli/whoami-origin.ts',
  'agent/cli/whoami.ts',
  'agent/cli/wrangler.ts',
  'agent/clock.ts',
  'agent/config/edit.ts',
  'agent/config/load.ts',
  'agent/config/paths.ts',
  'agent/config/watch.ts',
  'agent/control/control.ts',
  'agent/control/state-file.ts',
  'agent/doctor/host.ts',
  'agent/edge/runtime.ts',
  'agent/edge/worker-source.ts',
  'agent/interception.ts',
  'agent/lists/copies.ts',
  'agent/lists/list-file.ts',
  'agent/log/sink.ts',
  'agent/machine/facts.ts',
  'agent/machine/firewall/this-machine.ts',
  'agent/machine/launcher.ts',
  'agent/machine/machine.ts',
  'agent/machine/processes.ts',
  'agent/machine/run-program.ts',
  'agent/machine/service/unit-files.ts',
  'agent/machine/system-proxy/journal-file.ts',
  'agent/machine/system-proxy/this-machine.ts',
  'agent/own-ports.ts',
  'agent/proxy/accept/http1.ts',
  'agent/proxy/accept/http2.ts',
  'agent/proxy/admit/resolver.ts',
  'agent/proxy/apply/local-file.ts',
  'agent/trust/authority-files.ts',
  'agent/trust/bundles.ts',
  'agent/trust/journal.ts',
  'agent/trust/leaves.ts',
  'agent/trust/proof-server.ts',
  'agent/trust/stores/machine.ts',
  'agent/trust/trusted.ts',
  'agent/tunnel/intercept.ts',
  'agent/upstream/dial.ts',
  'agent/upstream/http2-connection.ts',
  'agent/upstream/http2-exchange.ts',
  'agent/upstream/secure.ts',
  'agent/version.ts',
  'worker/clock.ts',
  'worker/dial/network.ts',
];

/** Node's modules that reach outside the process; `cloudflare:sockets` and these packages do it for us. */
const ioModule =
  /^(?:node:(?:child_process|cluster|dgram|dns|fs|http|http2|https|net|os|readline|repl|sqlite|tls|worker_threads)(?:\/|$)|cloudflare:sockets$|(?:undici|miniflare|esbuild|ws)$)/;

const clock =
  /\bDate\.now\b|\bperformance\.(?:now|timeOrigin)\b|\bprocess\.hrtime\b|\bnew Date(?:\(\)|(?![\w(]))|\bTemporal\.Now\b/;

/** What the files of each folder may import: folders of the project end in a slash, packages do not. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  schemas: ['schemas/', 'zod'],
  http: ['http/', 'schemas/', 'ipaddr.js', 'structured-headers'],
  worker: ['worker/', 'http/', 'schemas/', 'hono', 'zod', 'cloudflare:'],
  agent: ['agent/', 'http/', 'schemas/', 'node:', ...dependencies()],
};

/** Development dependencies that a source may import, since only a checkout runs those lines. */
const onlyInCheckouts: Readonly<Record<string, string>> = { 'agent/edge/worker-source.ts': 'esbuild' };

/** Folders that the walk reaches only through `agent/proxy/ports.ts`. */
const offTheRequestPath = ['agent/control/', 'agent/history/', 'agent/ui/', 'agent/log/'];

interface Import {
  /** A path from the project's root, or the name of a package with its subpath. */
  readonly to: string;
  readonly typesOnly: boolean;
}

const sources = halves.flatMap(codeIn);

describe('imports', () => {
  test.each(halves)('a file of %s imports only what its folder may', (half) => {
    const allowed = mayImport[half] ?? [];
    const broken = codeIn(half).flatMap((file) =>
      importsOf(file)
        .filter(({ to }) => onlyInCheckouts[file] !== to && !allowed.some((prefix) => isWithin(to, prefix)))
        .map(({ to }) => `${file} imports ${to}`),
    );
    expect(broken).toEqual([]);
  });

  test('a phase imports its own folder, the ports, http and schemas, never another phase', () => {
    const broken = codeIn('agent/proxy').flatMap((file) => {
      const phase = /^agent\/proxy\/[^/]+\//.exec(file)?.[0];
      if (phase === undefined) return [];
      return importsOf(file)
        .filter(
          ({ to }) =>
            isOurs(to) && ![phase, 'agent/proxy/ports.ts', 'http/', 'schemas/'].some((own) => isWithin(to, own)),
        )
        .map(({ to }) => `${file} imports ${to}`);
    });
    expect(broken).toEqual([]);
  });

  test('control, history, ui and log are never on the request path', () => {
    const broken = codeIn('agent/proxy').flatMap((file) =>
      importsOf(file)
        .filter(({ to }) => offTheRequestPath.some((folder) => isWithin(to, folder)))
        .map(({ to }) => `${file} imports ${to}`),
    );
    expect(broken).toEqual([]);
  });

  test('every relative import leads to a file', () => {
    const broken = sources.flatMap((file) =>
      importsOf(file)
        .filter(({ to }) => isOurs(to) && !existsSync(join(root, to)))
        .map(({ to }) => `${file} imports ${to}`),
    );
    expect(broken).toEqual([]);
  });

  test('no file only passes on what others export', () => {
    expect(sources.filter(isBarrel)).toEqual([]);
  });
});

describe('the I/O inventory', () => {
  const doing = sources.filter((file) => doesIo(file)).sort();

  test('names every file that does I/O or reads a clock', () => {
    const unnamed = doing.filter((file) => !inventory.includes(file));
    expect(unnamed, 'add it here if it must do I/O, to `inventory` in test/architecture.test.ts').toEqual([]);
  });

  test('names no other file', () => {
    expect(inventory.filter((file) => !doing.includes(file))).toEqual([]);
  });

  test('is sorted', () => {
    expect(inventory).toEqual([...inventory].sort());
  });
});

describe('files', () => {
  test('every test mirrors a source', () => {
    const unmirrored = codeIn('test')
      .filter((file) => file.endsWith('.test.ts') && !/^test\/(?:(?:conformance|e2e|fuzz|support)\/|[^/]+$)/.test(file))
      .filter((file) => !sourcesOf(file).some((source) => existsSync(join(root, source))));
    expect(unmirrored).toEqual([]);
  });

  test('every source begins with a comment', () => {
    const silent = sourceRoots.flatMap(codeIn).filter((file) => !/^(?:#!.*\n)?(?:\/\/|\/\*)/.test(textOf(file)));
    expect(silent).toEqual([]);
  });

  test(`no source is longer than ${maxLines} lines`, () => {
    const long = sources
      .map((file) => ({ file, lines: textOf(file).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > maxLines);
    expect(long).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  test('names every folder, but those of tests that mirror a source folder', () => {
    const named = foldersNamed();
    const mirrors = (folder: string) =>
      folder.startsWith('test/') && folder !== 'test/' && existsSync(join(root, folder.slice('test/'.length)));
    const unnamed = namedRoots.flatMap(foldersIn).filter((folder) => !named.includes(folder) && !mirrors(folder));
    expect(unnamed).toEqual([]);
  });

  test('names no folder that does not exist', () => {
    expect(foldersNamed().filter((folder) => !existsSync(join(root, folder)))).toEqual([]);
  });
});

/** A file does I/O by what it imports, types aside, or by the clock it reads. */
function doesIo(file: string): boolean {
  return importsOf(file).some(({ to, typesOnly }) => !typesOnly && ioModule.test(to)) || clock.test(codeOf(file));
}

/** Static imports and re-exports begin a line, as the formatter writes them; dynamic ones may stand anywhere. */
function importsOf(file: string): readonly Import[] {
  const code = codeOf(file);
  const still = [...code.matchAll(/^(?:import|export)\b(?:([^'"`;]*?)\bfrom)?\s*['"]([^'"\n]+)['"]/gm)].map(
    ([, clause = '', name = '']) => ({ to: resolved(file, name), typesOnly: /^\s*type\b(?!\s*,)/.test(clause) }),
  );
  const dynamic = [...code.matchAll(/(\btypeof\s+)?\bimport\(\s*['"`]([^'"`\n]+)['"`]/g)].map(
    ([, typesOnly, name = '']) => ({
      to: resolved(file, name),
      typesOnly: typesOnly !== undefined,
    }),
  );
  return [...still, ...dynamic];
}

function resolved(file: string, name: string): string {
  return name.startsWith('.') ? join(dirname(file), name) : name;
}

/** A folder (ends in a slash) or scheme (ends in a colon) holds what begins with it; a package also its subpaths. */
function isWithin(to: string, place: string): boolean {
  return to === place || to.startsWith(/[/:]$/.test(place) ? place : `${place}/`);
}

function isOurs(to: string): boolean {
  return namedRoots.some((folder) => to.startsWith(`${folder}/`)) || to.startsWith('.');
}

function isBarrel(file: string): boolean {
  const reexport = /^export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s+['"][^'"]+['"];?/gm;
  const code = codeOf(file);
  return code.trim() !== '' && code.replace(reexport, '').trim() === '';
}

/** The text without comments that begin a line or follow white space: a regular expression that knows no TypeScript. */
function codeOf(file: string): string {
  return textOf(file)
    .replace(/^\s*\/\*[\s\S]*?\*\//gm, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1');
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The sources that `test/<path>.test.ts` may mirror. */
function sourcesOf(file: string): readonly string[] {
  const path = file.slice('test/'.length, -'.test.ts'.length);
  return ['.ts', '.tsx', '.js', '.ts.js'].map((extension) => path + extension);
}

function codeIn(folder: string): readonly string[] {
  return entriesIn(folder)
    .filter((entry) => /\.(?:ts|tsx|js|mjs)$/.test(entry))
    .sort();
}

/** The folder and those below it that hold a file, each with a slash at its end. */
function foldersIn(folder: string): readonly string[] {
  const holding = entriesIn(folder)
    .filter((entry) => !entry.endsWith('/'))
    .flatMap((file) => [...file.matchAll(/\//g)].map(({ index }) => file.slice(0, index + 1)));
  return [...new Set(holding)].sort();
}

/** Paths from the project's root; a folder ends in a slash. Nothing for a folder that does not exist yet. */
function entriesIn(folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? [`${path}/`, ...entriesIn(path)] : [path];
    });
}

function foldersNamed(): readonly string[] {
  const names = [...textOf('ARCHITECTURE.md').matchAll(/`([^`\s]+\/)`/g)].map(([, name = '']) => name);
  return names.filter((name) => namedRoots.some((folder) => name.startsWith(`${folder}/`)));
}

function dependencies(): readonly string[] {
  return Object.keys(JSON.parse(textOf('package.json')).dependencies);
}
