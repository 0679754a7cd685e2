// A service as it might be installed, at its plainest and at its oddest; and files and programs for the supervisors.
import type { Found, Surroundings } from '../../agent/machine/service/ports.ts';
import type { ServiceCommand } from '../../schemas/service.ts';
import type { Played } from './transcripts.ts';

export const plain: ServiceCommand = {
  node: '/usr/bin/node',
  bin: '/usr/lib/node_modules/edgehop/bin/edgehop.js',
  args: ['--port', '8080'],
  environment: {},
  workingDirectory: '/home/u/.local/state/edgehop',
  stopTimeoutMs: 40_000,
};

/** What paths may hold, and what each system's notation would take for something else. */
export const oddTexts = [
  'with space',
  '100%h %i %%',
  '$HOME \u0024{HOME} $$',
  'a"b\'c',
  'back\\slash\\',
  '<&>]]> --',
  'ünï 文 🙂',
  '#;!@|`*?~',
  '-leading',
  ' trailing ',
] as const;

export function odd(text: string): ServiceCommand {
  return {
    ...plain,
    bin: `/opt/${text}/edgehop.js`,
    args: ['--config', `/etc/${text}`, '--edge', text],
    environment: { EDGEHOP_HOME: `/home/${text}` },
    workingDirectory: `/var/${text}`,
  };
}

export interface FakeFiles {
  readonly texts: Map<string, string>;
  readonly around: Surroundings;
}

/** `refusing`: paths that cannot be written or removed. */
export function surroundingsOf(
  { run }: Played,
  given: Readonly<Record<string, string | Found>> = {},
  { refusing = [], env = {} }: { readonly refusing?: readonly string[]; readonly env?: Surroundings['env'] } = {},
): FakeFiles {
  const others = Object.entries(given).filter((entry): entry is [string, Found] => typeof entry[1] !== 'string');
  const texts = new Map(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const judged = (path: string) => {
    if (refusing.includes(path)) throw new Error(`EACCES: permission denied, open '${path}'`);
  };
  const find = (path: string): Found => {
    const text = texts.get(path);
    return (
      others.find(([name]) => name === path)?.[1] ?? (text === undefined ? { kind: 'absent' } : { kind: 'file', text })
    );
  };
  return {
    texts,
    around: {
      run,
      files: {
        find,
        write: (path, content) => {
          judged(path);
          texts.set(path, typeof content === 'string' ? content : Buffer.from(content).toString('utf16le'));
        },
        remove: (path) => {
          judged(path);
          texts.delete(path);
        },
        makeFolder: () => undefined,
        exists: (path) => find(path).kind !== 'absent',
      },
      pause: async () => undefined,
      user: { id: 1000, name: 'u', home: '/home/u' },
      env,
    },
  };
}
