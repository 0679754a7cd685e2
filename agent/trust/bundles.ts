// Bundles for programs that take one file in the place of all they trust: what they would trust, and the authority.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { anchorFamily } from './stores/linux.ts';
import type { Machine } from './stores/machine.ts';

export interface Bundles {
  /**
   * The file that holds what this file does, and the authority; without a file what the system trusts. One that holds the
   * authority already is that file itself. Throws what the system says where it cannot be written.
   */
  over(path: string | undefined): string;
}

/** Where bundles lie. */
export function bundleFolder(cacheFolder: string): string {
  return join(cacheFolder, 'trust');
}

/** A bundle is written anew when what it is made of has changed. `own`: the authority's certificate, PEM. */
export function createBundles(machine: Machine, folder: string, own: string): Bundles {
  return {
    over: (path) => {
      const given = path === undefined ? undefined : machine.read(path);
      if (path === undefined || given === undefined) return kept(machine, folder, systemBundle, ofSystem(machine, own));
      // In a shell that has these variables, what is given is a bundle of ours: it is not put into another one.
      if (path !== join(folder, systemBundle) && given.includes(own.trim())) return path;
      if (path.startsWith(folder)) return kept(machine, folder, systemBundle, ofSystem(machine, own));
      const name = `ca-bundle-${createHash('sha256').update(path).digest('hex').slice(0, 8)}.pem`;
      return kept(machine, folder, name, withOwn(given, own));
    },
  };
}

const systemBundle = 'ca-bundle.pem';

/** A Linux system has them in a file. Elsewhere Node has some of its own, and asks the system for more. */
function systemRoots(machine: Machine): string {
  const family = machine.platform === 'linux' ? anchorFamily(machine) : undefined;
  const text = family === undefined ? undefined : machine.read(family.bundle);
  if (text !== undefined) return text;
  return [...new Set([...getCACertificates('bundled'), ...getCACertificates('system')])].join('\n');
}

function ofSystem(machine: Machine, own: string): string {
  return withOwn(systemRoots(machine), own);
}

function withOwn(text: string, own: string): string {
  return text.includes(own.trim()) ? text : `${text.trimEnd()}\n${own.trim()}\n`;
}

/** Programs that run may read it at any time: they see the old one or the new one. */
function kept(machine: Machine, folder: string, name: string, text: string): string {
  const path = join(folder, name);
  if (machine.read(path) === text) return path;
  machine.makeFolder(folder);
  machine.write(`${path}.new`, text);
  machine.rename(`${path}.new`, path);
  return path;
}
