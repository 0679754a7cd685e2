// Leads the operating system's programs to the agent: journals what stands, sets what shall stand, and undoes it where that fails.
import type { DesktopName, JournalledSetting, ProxyWay, SystemProxyJournal } from '../../../schemas/system-proxy.ts';
import { apply, differing } from './apply.ts';
import { type Change, type Desktop, keyOf, type Wanted } from './desktop.ts';
import { judge } from './judge.ts';
import { type SystemProxyPorts, type WhatStands, whatStands } from './ports.ts';
import { nameOf, restoreBy } from './restore.ts';

export interface SwitchOnOptions {
  readonly way: ProxyWay;
  readonly agent: SystemProxyJournal['agent'];
  /** Aborted, it undoes what it has set. */
  readonly signal?: AbortSignal;
}

export type SwitchedOn =
  | { readonly kind: 'on'; readonly count: number; readonly notes: readonly string[] }
  | { readonly kind: 'no-desktop' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'unreadable'; readonly path: string; readonly because: string }
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly because: string }
  /** What was set is undone, but for what `notUndone` tells; then the journal is kept. */
  | { readonly kind: 'failed'; readonly because: string; readonly notUndone: readonly string[] };

/** Rejects only with what the file system says of the journal; then nothing was changed. */
export async function switchOn(ports: SystemProxyPorts, options: SwitchOnOptions): Promise<SwitchedOn> {
  if (ports.desktops.length === 0) return { kind: 'no-desktop' };
  const lock = ports.journal.lock();
  if (lock === undefined) return { kind: 'busy' };
  try {
    const read = ports.journal.read();
    if (read.kind === 'unreadable') return { ...read, path: ports.journal.path };
    return await switchOnBy(ports, read.kind === 'held' ? read.journal : undefined, options);
  } finally {
    lock.release();
  }
}

async function switchOnBy(
  ports: SystemProxyPorts,
  held: SystemProxyJournal | undefined,
  { way, agent, signal }: SwitchOnOptions,
): Promise<SwitchedOn> {
  const before = await whatStands(ports);
  const [unread] = before.unread;
  if (unread !== undefined) return { kind: 'refused', because: unread.because };
  const wanted: Of<Wanted>[] = [];
  for (const desktop of ports.desktops) {
    const wish = desktop.wanted(way, before.standing.get(desktop.name) ?? []);
    if (wish.kind === 'refused') return wish;
    wanted.push(...wish.settings.map((setting) => ({ ...setting, desktop: desktop.name })));
  }
  const known = held?.stage === 'over' ? undefined : held;
  const settings = nextSettings(known?.settings ?? [], wanted, before);
  const texts = textsOf(ports, known, settings);
  const journal: SystemProxyJournal = { version: 1, way, agent, stage: 'setting', settings, texts };
  ports.journal.write(journal);
  const changes = wanted.map(({ desktop, place, name, value }) => ({ desktop, place, name, to: value }));
  const dropped = settings.filter((one) => !wanted.some(isSame(one))).map(toPrevious);
  const notes: string[] = [];
  let failure: string | undefined;
  for (const desktop of ports.desktops) {
    const standing = before.standing.get(desktop.name) ?? [];
    const own = (all: readonly Of<Change>[]) =>
      differing(
        all.filter((one) => one.desktop === desktop.name),
        standing,
      );
    await apply(desktop, ports.run, own(dropped), standing, 'each', signal); // what of it fails, `off` tries again
    const applied = await apply(desktop, ports.run, own(changes), standing, 'all', signal);
    notes.push(...applied.untold);
    failure = applied.failure;
    if (failure !== undefined) break;
  }
  failure ??= whyNot(changes, ports.desktops, await whatStands(ports));
  if (failure === undefined) {
    ports.journal.write({ ...journal, stage: 'set' });
    return { kind: 'on', count: changes.length, notes };
  }
  const notUndone = known === undefined ? await undoAll(ports, journal) : await undo(ports, settings, before);
  if (notUndone.length === 0 && held !== undefined) ports.journal.write(held);
  return { kind: 'failed', because: failure, notUndone };
}

type Of<T> = T & { readonly desktop: DesktopName };

/** What is journalled keeps what stood before it, unless somebody else has changed that meanwhile: then that is what stood before. */
function nextSettings(
  known: readonly JournalledSetting[],
  wanted: readonly Of<Wanted>[],
  before: WhatStands,
): readonly JournalledSetting[] {
  const judged = judge(known, before.standing);
  const unjudged = known.filter((one) => !judged.some(({ setting }) => setting === one));
  const kept = judged.map(({ setting, verdict, now }): JournalledSetting => {
    const wish = wanted.find(isSame(setting));
    const isChosen = verdict === 'leave' && now !== undefined;
    const previous = isChosen ? now : setting.previous;
    const set = wish === undefined ? setting.set : [...new Set([...(isChosen ? [] : setting.set), wish.value])];
    return { ...setting, ...(wish !== undefined && { group: wish.group, role: wish.role }), previous, set };
  });
  const added = wanted.flatMap((wish): JournalledSetting[] => {
    if (known.some(isSame(wish))) return [];
    const now = before.standing.get(wish.desktop)?.find((one) => keyOf(one) === keyOf(wish))?.value;
    const { value, ...setting } = wish;
    return now === undefined ? [] : [{ ...setting, previous: now, set: [value] }];
  });
  return [...unjudged, ...kept, ...added];
}

function isSame(one: { readonly desktop: DesktopName; readonly place: string; readonly name: string }) {
  return (other: typeof one) => one.desktop === other.desktop && keyOf(one) === keyOf(other);
}

/** For what is no longer wanted, as after another way. */
function toPrevious({ desktop, place, name, previous }: JournalledSetting): Of<Change> {
  return { desktop, place, name, to: previous };
}

/** A text holds what stood before: it is of no use any more where somebody has set something else since. */
function textsOf(
  { desktops, texts }: SystemProxyPorts,
  known: SystemProxyJournal | undefined,
  settings: readonly JournalledSetting[],
): SystemProxyJournal['texts'] {
  return desktops.flatMap(({ name, text }) => {
    if (text === undefined || !settings.some(({ desktop }) => desktop === name)) return [];
    const isOf = (one: { readonly desktop: DesktopName }) => one.desktop === name;
    const earlier = known?.settings.filter(isOf) ?? [];
    if (earlier.length === 0) return [{ desktop: name, path: text.path, previous: texts.read(text.path) }];
    const [held] = known?.texts.filter(isOf) ?? [];
    const names = earlier.map((one) => one.name);
    const stays =
      held?.path === text.path &&
      earlier.every((one) => settings.find(isSame(one))?.previous === one.previous) &&
      text.differOnlyIn(names, texts.read(text.path), held.previous);
    return stays ? [held] : [];
  });
}

/** A program may say that all is well and change nothing. */
function whyNot(changes: readonly Of<Change>[], desktops: readonly Desktop[], after: WhatStands): string | undefined {
  const [unread] = after.unread;
  if (unread !== undefined) return unread.because;
  for (const { name } of desktops) {
    const own = changes.filter(({ desktop }) => desktop === name);
    const unmet = differing(own, after.standing.get(name) ?? []).map(nameOf);
    if (unmet.length > 0) return `${name} did not take ${unmet.join(', ')}, and gave no reason`;
  }
  return undefined;
}

/** Puts back what stood before the first call. Gives what could not be put back, as sentences. */
async function undoAll(ports: SystemProxyPorts, journal: SystemProxyJournal): Promise<readonly string[]> {
  const restored = await restoreBy(ports, journal, true);
  return restored.kind === 'restored' ? restored.failures : [];
}

/** Puts back what stood before this call, which were settings of ours already. */
async function undo(
  ports: SystemProxyPorts,
  settings: readonly JournalledSetting[],
  before: WhatStands,
): Promise<readonly string[]> {
  const now = await whatStands(ports);
  const changes = settings.flatMap(({ desktop, place, name }): Of<Change>[] => {
    const stood = before.standing.get(desktop)?.find((one) => keyOf(one) === keyOf({ place, name }))?.value;
    return stood === undefined ? [] : [{ desktop, place, name, to: stood }];
  });
  const errors: string[] = [];
  for (const desktop of ports.desktops) {
    const standing = now.standing.get(desktop.name) ?? [];
    const own = differing(
      changes.filter((one) => one.desktop === desktop.name),
      standing,
    ).toReversed();
    const { failure } = await apply(desktop, ports.run, own, standing, 'each');
    if (failure !== undefined) errors.push(failure);
  }
  const because = whyNot(changes, ports.desktops, await whatStands(ports));
  return because === undefined ? [] : [...errors, because];
}
