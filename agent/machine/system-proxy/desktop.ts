// What each of the operating systems' stores of proxy settings tells of itself: how it is read, set, and put back.
import type { DesktopName, JournalledSetting, ProxyInUse, ProxyWay } from '../../../schemas/system-proxy.ts';

/** All but `read` is pure, and that reads by the commands that it is given a way to run. */
export interface Desktop {
  readonly name: DesktopName;
  /** What stands now, of all that edgehop may change. Rejects with a sentence where the store does not say. */
  read(run: Run): Promise<readonly Standing[]>;
  /** What shall stand, in the order in which it is to be set: values before the switch that puts them in use. */
  wanted(way: ProxyWay, standing: readonly Standing[]): Wish;
  /** The commands that make these changes, one after the other. */
  commands(changes: readonly Change[], standing: readonly Standing[]): readonly Command[];
  /** Commands that tell running programs of a change; that they fail undoes nothing. */
  readonly notify: readonly Command[];
  /** What programs are told by what stands. */
  inUse(standing: readonly Standing[]): readonly Omit<ProxyInUse, 'agent'>[];
  /** The file in which the settings stand, where the store's program writes it anew and forgets order and comments. */
  readonly text?: SettingsText;
  /** Names of settings that the store's program may refuse to empty; switched off they do nothing. */
  readonly mayStay?: readonly string[];
}

export interface Standing {
  readonly place: string;
  readonly name: string;
  /** As the store writes it; null where it has none. */
  readonly value: string | null;
  /** What holds while it has none. */
  readonly default?: string;
}

export type Wanted = Omit<JournalledSetting, 'desktop' | 'previous' | 'set'> & { readonly value: string | null };

export type Wish =
  | { readonly kind: 'settings'; readonly settings: readonly Wanted[] }
  /** Nothing is set where what stands could not be restored. `because` is a sentence for people. */
  | { readonly kind: 'refused'; readonly because: string };

export interface Change {
  readonly place: string;
  readonly name: string;
  readonly to: string | null;
}

export interface SettingsText {
  readonly path: string;
  /** Whether two texts of the file say the same of all but these settings; null for a file that is not there. */
  differOnlyIn(names: readonly string[], one: string | null, other: string | null): boolean;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Never rejects. `status` is absent for a program that did not run to its end. */
export type Run = (command: Command) => Promise<Ran>;

export interface Ran {
  readonly status?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command printed. Throws a sentence where it failed. */
export async function printedBy(run: Run, command: Command): Promise<string> {
  const ran = await run(command);
  const failure = failureOf(command, ran);
  if (failure !== undefined) throw new Error(failure);
  return ran.stdout;
}

/** Why a command did not do what it should, as a sentence; nothing where it seems to have. */
export function failureOf({ program, args }: Command, { status, stdout, stderr }: Ran): string | undefined {
  const said = `${stderr}\n${stdout}`.trim().split('\n')[0] ?? '';
  const isSilentFailure = program === networksetup && /^\*\* Error|is not a recognized network service/m.test(stdout);
  if (status === 0 && !isSilentFailure) return undefined;
  const shown = [program, ...args.filter((arg) => arg.length <= maxShownCharacters)].join(' ');
  if (status === undefined) return `\`${shown}\` did not run to its end${said === '' ? '' : `: ${said}`}`;
  return `\`${shown}\` failed with ${status}${said === '' ? '' : `: ${said}`}`;
}

/** Absolute, so that nothing in the working directory is ever what runs. It tells some failures on stdout, with status 0. */
export const networksetup = '/usr/sbin/networksetup';

/** Scripts are longer, and say nothing to people. */
const maxShownCharacters = 200;

/** What a setting is known by within its desktop. */
export function keyOf({ place, name }: { readonly place: string; readonly name: string }): string {
  return JSON.stringify([place, name]);
}
