// Builds what the tarball holds, before npm packs it: the agent as JavaScript and the worker as one module.
import { execFileSync } from 'node:child_process';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workerSource } from '../agent/edge/worker-source.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const packed = [
  'bin/edgehop.js',
  'dist/agent/main.ts.js',
  'dist/agent/cli/program.js',
  'dist/agent/edge/worker-source.js',
  'dist/worker.js',
  'wrangler.toml',
  'README.md',
  'LICENSE',
];

await rm(join(root, 'dist'), { recursive: true, force: true });
await compile('tsconfig.agent.json');
await writeFile(join(root, 'dist/worker.js'), await workerSource());
for (const path of packed) await access(join(root, path));

/** Compiles one project and those it refers to. The worker's is left to `npm run check`: the tarball holds its bundle. */
async function compile(project: string): Promise<void> {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const { bin } = JSON.parse(await readFile(manifest, 'utf8'));
  execFileSync(process.execPath, [join(dirname(manifest), bin.tsc), '-b', project], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
}
