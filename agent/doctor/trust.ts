// Whether the local certificate authority is kept well, and which stores trust it.
import type { Finding } from '../../schemas/doctor.ts';
import { type Check, fail, pass, skip } from './check.ts';
import { octal } from './configuration.ts';

export interface TrustFacts {
  readonly authority: {
    readonly folder: string;
    /** Of the folder and of the key in it; nothing where permissions say nothing. */
    readonly folderMode: number | undefined;
    readonly keyMode: number | undefined;
    /** In milliseconds since 1970. */
    readonly notBefore: number;
    readonly notAfter: number;
  };
  readonly stores: readonly {
    /** For people: `the system`, `NSS database of Firefox (…)`. */
    readonly name: string;
    readonly state: 'trusted' | 'untrusted' | 'missing' | 'unknown';
  }[];
}

export interface TrustPorts {
  /** Nothing where no authority has been made. */
  readonly trust: () => Promise<TrustFacts | undefined>;
  /** In milliseconds since 1970. */
  readonly wallTime: () => number;
}

export function trustCheck({ trust, wallTime }: TrustPorts): Check {
  return {
    name: authorityName,
    deadlineMs: 10_000,
    run: async () => {
      const facts = await trust();
      if (facts === undefined)
        return [skip(authorityName, 'it is not set up'), skip(storesName, 'there is no authority to trust')];
      return [authority(facts.authority, wallTime()), stores(facts.stores)];
    },
  };
}

const authorityName = 'authority';
const storesName = 'trust stores';
const soonMs = 30 * 86_400_000;

function authority(
  { folder, folderMode, keyMode, notBefore, notAfter }: TrustFacts['authority'],
  now: number,
): Finding {
  const open = [['the key', keyMode, '600'] as const, ['its folder', folderMode, '700'] as const].find(
    ([, mode]) => ((mode ?? 0) & 0o077) !== 0,
  );
  if (open !== undefined) {
    const [what, mode = 0, wanted] = open;
    return fail(
      authorityName,
      `others of this machine may reach ${what} in ${folder} (${octal(mode)})`,
      `Run \`edgehop ca uninstall\` and \`edgehop ca install\`: a key that others may have read is to be trusted no more. It is then ${wanted}`,
    );
  }
  const until = new Date(notAfter).toISOString().slice(0, 10);
  if (now < notBefore)
    return fail(
      authorityName,
      `by this machine's clock its certificate is not valid yet`,
      'Set the clock of this machine',
    );
  if (now > notAfter - soonMs)
    return fail(
      authorityName,
      now > notAfter ? `its certificate ended on ${until}` : `its certificate ends on ${until}`,
      'Make a new one: `edgehop ca uninstall`, then `edgehop ca install`',
    );
  return pass(authorityName, `its key is its owner's alone, its certificate valid until ${until}`);
}

function stores(all: TrustFacts['stores']): Finding {
  const named = (state: TrustFacts['stores'][number]['state']) =>
    all.filter((store) => store.state === state).map(({ name }) => name);
  const untrusted = named('untrusted');
  if (untrusted.length > 0)
    return fail(storesName, `not trusted by ${untrusted.join(', ')}`, 'Run `edgehop ca install`');
  const trusted = named('trusted');
  if (trusted.length === 0) return skip(storesName, 'no store was found that could tell', 'Run `edgehop ca status`');
  const unknown = named('unknown');
  return pass(
    storesName,
    `trusted by ${trusted.join(', ')}${unknown.length === 0 ? '' : `; nobody tells of ${unknown.join(', ')}`}`,
  );
}
