// Which Node runs edgehop, and whether it is new enough.
import { type Check, fail, pass } from './check.ts';

/** The first Node that strips types by itself, as `bin/edgehop.js` asks for. */
export const oldestMajor = 24;

export interface NodePorts {
  /** Without `v`. */
  readonly version: string;
  /** Its program's file. */
  readonly path: string;
  readonly platform: string;
  readonly arch: string;
}

export function nodeCheck({ version, path, platform, arch }: NodePorts): Check {
  const found = `Node ${version} at ${path}${isPackaged(path) ? ', which came with edgehop' : ''}, on ${platform} ${arch}`;
  return {
    name: 'node',
    deadlineMs: 1_000,
    run: () => [
      Number(version.split('.')[0]) >= oldestMajor
        ? pass('node', found)
        : fail(
            'node',
            `${found}; edgehop needs ${oldestMajor}`,
            `Install Node ${oldestMajor} or later, or run \`npm install --include=optional\` where edgehop is`,
          ),
    ],
  };
}

/** As one of the optional dependencies. */
function isPackaged(path: string): boolean {
  return /[\\/]node_modules[\\/]node-[a-z0-9-]+[\\/]/.test(path);
}
