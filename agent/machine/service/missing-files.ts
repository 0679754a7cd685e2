// Whether what a unit names is still there: after an update of Node, or of edgehop, it may be gone.
import type { ServiceCommand } from '../../../schemas/service.ts';
import type { Surroundings } from './ports.ts';

/** A sentence for each file that is not. */
export function missingFiles({ node, bin }: ServiceCommand, { files }: Pick<Surroundings, 'files'>): string[] {
  return [node, bin]
    .filter((path) => !files.exists(path))
    .map((path) => `${path} is no more: run \`edgehop service install\` again.`);
}
