// The version of this program, and of the tool that it was developed with.
import { readFileSync } from 'node:fs';

/** The version in package.json. */
export function version(): string {
  return manifest()?.version ?? 'unknown';
}

/** The version of wrangler that deploys the worker. */
export function wranglerVersion(): string {
  return manifest()?.devDependencies?.['wrangler'] ?? 'latest';
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** package.json lies two folders up in a package and one up in a checkout. */
function manifest(): Manifest | undefined {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const found: Manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (found.name === 'edgehop' && found.version !== undefined) return found;
    } catch {
      // not there: look further up
    }
  }
  return undefined;
}
