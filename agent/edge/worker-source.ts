// The text of the worker module that the embedded edge runs: bundled from its sources in a checkout, read in a package.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The worker as one ES module. Throws what esbuild or the file system says; esbuild's error names the source line. */
export function workerSource(): Promise<string> {
  return import.meta.url.endsWith('.ts') ? bundled() : readFile(new URL('../../worker.js', import.meta.url), 'utf8');
}

async function bundled(): Promise<string> {
  const { build } = await import('esbuild'); // a development dependency: a package has no sources to bundle
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../worker/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker'],
    external: ['cloudflare:*'],
    charset: 'utf8',
    logLevel: 'silent',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error('esbuild wrote no worker bundle');
  return output.text;
}
