// The entries as the index tells of them, and the index as it is written anew from the entries.
import type { Bounded } from './bounded.ts';
import { framed } from './disk.ts';
import { type Frame, frameOctets } from './frames.ts';
import { Slot } from './slot.ts';

/** Takes the index's frames from its beginning on. The disk's part is not there yet. */
export function createRestoring(bounded: Bounded): (frame: Frame) => void {
  const { recency } = bounded;
  const drop = (id: number) => {
    const slot = bounded.withId(id);
    if (slot !== undefined) bounded.takeOut(slot);
  };
  const useAgain = (id: number) => {
    const slot = bounded.withId(id);
    if (slot === undefined) return;
    recency.remove(slot);
    recency.addCold(slot);
  };
  return (frame) => {
    switch (frame.kind) {
      case 'put': {
        drop(frame.id);
        const slot = new Slot(frame, 'on disk');
        recency.addCold(slot);
        bounded.add(slot);
        bounded.putInOrder(slot.key);
        return;
      }
      case 'remove':
        drop(frame.id);
        return;
      case 'order': {
        let next = recency.oldest; // most stand in their order already
        for (const id of frame.ids) {
          const isInPlace = next?.id === id;
          next = isInPlace ? next?.newer : undefined;
          if (!isInPlace) useAgain(id);
        }
      }
    }
  };
}

/** First all entries on disk, then the order of their use. */
export function* framesOf(bounded: Bounded): Iterable<Buffer> {
  for (const slot of bounded.all()) {
    if (slot.state === 'on disk') yield frameOctets({ kind: 'put', ...framed(slot) });
  }
  yield frameOctets({ kind: 'order', ids: orderOf(bounded) });
}

/** The entries on disk, the one used longest ago first. */
export function orderOf({ recency }: Bounded): number[] {
  const ids: number[] = [];
  for (const slot of recency) if (slot.state === 'on disk') ids.push(slot.id);
  return ids.reverse();
}
