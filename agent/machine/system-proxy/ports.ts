// What setting and restoring need from the machine, and the reading of what stands.
import type { DesktopName, SystemProxyJournal } from '../../../schemas/system-proxy.ts';
import type { Desktop, Run, Standing } from './desktop.ts';

/** One machine and one state folder. */
export interface SystemProxyPorts {
  /** Those that are found here; several on a Linux with several desktops. */
  readonly desktops: readonly Desktop[];
  readonly run: Run;
  readonly journal: JournalStore;
  readonly texts: TextStore;
}

/** What is written stands on the disk when `write` returns. Writing and removing throw what the system says. */
export interface JournalStore {
  readonly path: string;
  read(): JournalRead;
  write(journal: SystemProxyJournal): void;
  remove(): void;
  /** One at a time changes settings. Nothing while another does; the lock ends with its process. */
  lock(): { release(): void } | undefined;
}

export type JournalRead =
  | { readonly kind: 'none' }
  | { readonly kind: 'held'; readonly journal: SystemProxyJournal }
  | { readonly kind: 'unreadable'; readonly because: string };

/** Text files of settings. Null for one that is not there. */
export interface TextStore {
  read(path: string): string | null;
  replace(path: string, text: string | null): void;
}

export interface WhatStands {
  readonly standing: ReadonlyMap<DesktopName, readonly Standing[]>;
  /** Desktops that did not say, with a sentence. */
  readonly unread: readonly { readonly desktop: DesktopName; readonly because: string }[];
}

/** Reads all desktops; never rejects. */
export async function whatStands({ desktops, run }: SystemProxyPorts): Promise<WhatStands> {
  const standing = new Map<DesktopName, readonly Standing[]>();
  const unread: { desktop: DesktopName; because: string }[] = [];
  for (const desktop of desktops) {
    try {
      standing.set(desktop.name, await desktop.read(run));
    } catch (cause) {
      unread.push({ desktop: desktop.name, because: cause instanceof Error ? cause.message : String(cause) });
    }
  }
  return { standing, unread };
}
