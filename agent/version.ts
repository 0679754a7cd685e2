// The version of this program.
import { readFileSync } from 'node:fs';

/** The version in package.json, which lies two folders up in a package and one up in a checkout. */
export function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'edgehop' && version !== undefined) return version;
    } catch {
      // not there: look further up
    }
  }
  return 'unknown';
}
