// Where the command of this edgehop is: `bin/edgehop.js`, for whoever starts it again.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Two folders up in a checkout, three in a package, whose built files lie in `dist`. */
export function launcherPath(): string {
  const [checkout, packed] = ['../../bin/edgehop.js', '../../../bin/edgehop.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  return existsSync(checkout) ? checkout : packed;
}
