// How the content of an entry comes out of the store: from memory, from the disk into memory, or through from the disk.
import type { Content } from '../proxy/ports.ts';
import type { Bounded } from './bounded.ts';
import { Loading } from './loading.ts';
import { type ContentSource, Reader, wholeSource } from './reader.ts';
import type { Slot } from './slot.ts';

export interface Outlet {
  content(slot: Slot, first: number, last: number): Content;
  /** Whose content the disk has lost. */
  readonly lost: number;
}

/** `maxHeldOctets`: of content that is taken back into memory as a whole. */
export function createOutlet(bounded: Bounded, maxHeldOctets: number): Outlet {
  let lost = 0;
  const lose = (slot: Slot) => {
    if (!bounded.has(slot)) return;
    lost++;
    bounded.remove(slot);
  };
  const load = (slot: Slot, path: string): Loading =>
    new Loading(path, slot.octets, slot.checksum, (held) => {
      slot.loading = undefined;
      if (held === undefined) lose(slot);
      else if (bounded.has(slot)) bounded.hold(slot, held);
    });
  const sourceOf = (slot: Slot): ContentSource => {
    if (slot.octets === 0) return wholeSource(0, { held: nothing });
    if (slot.held !== undefined) return wholeSource(slot.octets, { held: slot.held });
    if (slot.growing !== undefined) return slot.growing;
    const path = bounded.disk?.pathOf(slot.id);
    if (path === undefined) return wholeSource(0, { held: nothing });
    if (slot.octets > maxHeldOctets) return wholeSource(slot.octets, { file: path });
    slot.loading ??= load(slot, path);
    return slot.loading;
  };
  return {
    content: (slot, first, last) => {
      const source = sourceOf(slot);
      const isWhole = first === 0 && last === slot.octets - 1;
      return new Reader(source, {
        first,
        last,
        trailers: (isWhole && slot.stored.trailers) || [],
        checksum: isWhole && source.file !== undefined ? slot.checksum : undefined,
        onLost: () => lose(slot),
      });
    },
    get lost() {
      return lost;
    },
  };
}

/** The content of an entry that has none. */
export const nothing = Buffer.alloc(0);
