// Tells of each journalled setting whether it stands as before edgehop, as edgehop set it, or as somebody else has set it since.
import type { DesktopName, JournalledSetting } from '../../../schemas/system-proxy.ts';
import { keyOf, type Standing } from './desktop.ts';

export interface Judged {
  readonly setting: JournalledSetting;
  readonly is: 'previous' | 'ours' | 'other' | 'gone';
  /** Absent where it is gone: a network service that was removed, a key that the store no longer knows. */
  readonly now?: string | null;
  /** Restored is what is ours, always: nothing may be left that leads to an agent that has gone. What somebody else chose is left. */
  readonly verdict: 'restore' | 'leave' | 'nothing';
}

/** `standing` has an entry for each desktop that could be read; settings of others are not judged. */
export function judge(
  settings: readonly JournalledSetting[],
  standing: ReadonlyMap<DesktopName, readonly Standing[]>,
): readonly Judged[] {
  const seen = settings.flatMap((setting) => {
    const stands = standing.get(setting.desktop);
    return stands === undefined ? [] : [seenAs(setting, stands)];
  });
  const chosen = new Set(seen.filter(({ setting, is }) => is === 'other' && setting.role === 'value').map(choiceOf));
  return seen.map((one) => ({ ...one, verdict: verdictOn(one, chosen.has(choiceOf(one))) }));
}

type Seen = Omit<Judged, 'verdict'>;

function seenAs(setting: JournalledSetting, standing: readonly Standing[]): Seen {
  const now = standing.find((one) => keyOf(one) === keyOf(setting))?.value;
  if (now === undefined) return { setting, is: 'gone' };
  if (now === setting.previous) return { setting, is: 'previous', now };
  return { setting, is: setting.set.includes(now) ? 'ours' : 'other', now };
}

function choiceOf({ setting }: Seen): string {
  return JSON.stringify([setting.desktop, setting.place, setting.group]);
}

/** Who put a value of his own in the place of ours wants the switch, too, as it stands. */
function verdictOn({ setting, is }: Seen, valueIsChosen: boolean): Judged['verdict'] {
  if (is === 'other') return 'leave';
  if (is === 'ours') return setting.role === 'switch' && valueIsChosen ? 'leave' : 'restore';
  return 'nothing';
}
