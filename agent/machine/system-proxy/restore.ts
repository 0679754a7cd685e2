// Puts back what stood before `system-proxy on`, as the journal has it, and leaves what somebody else has set since.
import type { AgentState } from '../../../schemas/api.ts';
import type { DesktopName, SystemProxyJournal } from '../../../schemas/system-proxy.ts';
import { apply } from './apply.ts';
import type { Change, Desktop, Standing } from './desktop.ts';
import { type Judged, judge } from './judge.ts';
import { type SystemProxyPorts, type WhatStands, whatStands } from './ports.ts';
import { runs } from './report.ts';

export interface RestoreOptions {
  /** Restores also what somebody else has set since. */
  readonly force?: boolean;
  /** Restores only where this holds of the journal. */
  readonly only?: (journal: SystemProxyJournal) => boolean;
}

export type Restored =
  /** There is no journal, or it is not one that `only` wants: nothing was changed. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'unreadable'; readonly path: string; readonly because: string }
  | {
      readonly kind: 'restored';
      readonly journal: SystemProxyJournal;
      /** How many settings were put back. */
      readonly count: number;
      /** Left as somebody else has set them; the journal is kept for them. */
      readonly left: readonly Judged[];
      /** Settings whose network service, say, is there no more. */
      readonly gone: readonly Judged[];
      /** What was not put back, as sentences; the journal is kept for it. */
      readonly failures: readonly string[];
      /** What is so of no consequence that it fails nothing. */
      readonly notes: readonly string[];
    };

/** Rejects only with what the file system says of the journal. Killed at any moment, it can be called again. */
export async function restoreSystemProxy(ports: SystemProxyPorts, options: RestoreOptions = {}): Promise<Restored> {
  const known = ports.journal.read();
  if (known.kind === 'none') return { kind: 'nothing' }; // without making a folder for the lock
  const lock = ports.journal.lock();
  if (lock === undefined) return { kind: 'busy' };
  try {
    const read = ports.journal.read();
    if (read.kind === 'unreadable') return { ...read, path: ports.journal.path };
    if (read.kind === 'none' || options.only?.(read.journal) === false) return { kind: 'nothing' };
    return await restoreBy(ports, read.journal, options.force === true);
  } finally {
    lock.release();
  }
}

/**
 * Whether a start finds a journal that somebody was killed over: an `on` that was cut short, or host and port of an agent
 * that has gone, without which programs reach nothing.
 */
export function isLeftBehind({ stage, way, agent }: SystemProxyJournal, running: readonly AgentState[]): boolean {
  return stage === 'setting' || (stage === 'set' && way.kind === 'fixed' && !runs(agent, running));
}

/** The same for who holds the lock. */
export async function restoreBy(
  ports: SystemProxyPorts,
  journal: SystemProxyJournal,
  force = false,
): Promise<Restored> {
  const before = await whatStands(ports);
  const wished = restoring(judge(journal.settings, before.standing), force);
  const { stands, errors, notes } = await putBack(ports, journal, force, before);
  const failures = [...unfound(ports, journal), ...stands.unread.filter(isIn(journal)).map(({ because }) => because)];
  const after = judge(journal.settings, stands.standing);
  const missed = restoring(after, force).filter((one) => !isOnlyAName(one, ports.desktops, stands));
  if (missed.length > 0)
    failures.push(...errors, `not as before: ${missed.map(({ setting }) => nameOf(setting)).join(', ')}`);
  const left = force ? [] : after.filter(({ verdict }) => verdict === 'leave');
  notes.push(...putTextsBack(ports, journal, after));
  keepWhatIsOpen(ports, journal, { left, failures });
  return {
    kind: 'restored',
    journal,
    count: wished.length - missed.length,
    left,
    gone: after.filter(({ is }) => is === 'gone'),
    failures,
    notes: [...new Set(notes)],
  };
}

/** Twice where that is needed: a command that outlived a killed `on` may have set one more meanwhile. */
async function putBack(
  ports: SystemProxyPorts,
  journal: SystemProxyJournal,
  force: boolean,
  before: WhatStands,
): Promise<{ readonly stands: WhatStands; readonly errors: readonly string[]; readonly notes: string[] }> {
  const notes: string[] = [];
  let errors: string[] = [];
  let stands = before;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const changes = restoring(judge(journal.settings, stands.standing), force);
    if (changes.length === 0) break;
    errors = [];
    for (const desktop of ports.desktops) {
      const own = changes.filter(({ setting }) => setting.desktop === desktop.name).map(toPrevious);
      const standing = standingOf(stands, desktop.name);
      const { failure, untold } = await apply(desktop, ports.run, own.toReversed(), standing, 'each');
      if (failure !== undefined) errors.push(failure);
      notes.push(...untold);
    }
    stands = await whatStands(ports);
  }
  return { stands, errors, notes };
}

const maxAttempts = 2;

function restoring(judged: readonly Judged[], force: boolean): readonly Judged[] {
  return judged.filter(({ is, verdict }) => verdict === 'restore' || (force && (is === 'other' || is === 'ours')));
}

function toPrevious({ setting: { place, name, previous } }: Judged): Change {
  return { place, name, to: previous };
}

function standingOf({ standing }: WhatStands, desktop: DesktopName): readonly Standing[] {
  return standing.get(desktop) ?? [];
}

function isIn({ settings }: SystemProxyJournal): (one: { readonly desktop: DesktopName }) => boolean {
  return ({ desktop }) => settings.some((setting) => setting.desktop === desktop);
}

/** Desktops of the journal whose programs are not found now, as in a session of another kind. */
function unfound({ desktops }: SystemProxyPorts, journal: SystemProxyJournal): readonly string[] {
  const names = new Set(journal.settings.map(({ desktop }) => desktop));
  return [...names]
    .filter((name) => !desktops.some((one) => one.name === name))
    .map((name) => `the programs that set the proxy of ${name} are not found here`);
}

/** Whether a setting that was empty kept its text, which means nothing while its switch is off. */
function isOnlyAName({ setting }: Judged, desktops: readonly Desktop[], stands: WhatStands): boolean {
  const desktop = desktops.find(({ name }) => name === setting.desktop);
  if (setting.previous !== null || desktop?.mayStay?.includes(setting.name) !== true) return false;
  const inUse = desktop.inUse(standingOf(stands, desktop.name)).find(({ place }) => place === setting.place);
  return inUse?.kind === 'none';
}

export function nameOf({ place, name }: { readonly place: string; readonly name: string }): string {
  return place === '' ? name : `${name} of ${place}`;
}

/** Where the store's program wrote a file anew, its order and comments come back, if nobody else has changed it since. */
function putTextsBack(
  { desktops, texts }: SystemProxyPorts,
  journal: SystemProxyJournal,
  after: readonly Judged[],
): readonly string[] {
  return journal.texts.flatMap(({ desktop: name, path, previous }) => {
    const text = desktops.find((one) => one.name === name)?.text;
    const own = after.filter(({ setting }) => setting.desktop === name);
    if (text?.path !== path || own.length === 0 || own.some(({ is }) => is !== 'previous')) return [];
    try {
      const now = texts.read(path);
      const names = own.map(({ setting }) => setting.name);
      if (now !== previous && text.differOnlyIn(names, now, previous)) texts.replace(path, previous);
      return [];
    } catch (cause) {
      return [`${path} says what it said before, in another order: ${(cause as Error).message}`];
    }
  });
}

/** The journal goes when all is as it was; what was left or failed stays in it, for `--force` and the next attempt. */
function keepWhatIsOpen(
  { journal: store }: SystemProxyPorts,
  journal: SystemProxyJournal,
  { left, failures }: { readonly left: readonly Judged[]; readonly failures: readonly string[] },
): void {
  if (failures.length > 0) return;
  if (left.length === 0) {
    store.remove();
    return;
  }
  const kept: SystemProxyJournal = { ...journal, stage: 'over', settings: left.map(({ setting }) => setting) };
  if (JSON.stringify(kept) !== JSON.stringify(journal)) store.write(kept);
}
