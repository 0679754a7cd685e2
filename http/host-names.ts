// Many host names in little memory, found by a host or by what is below them.

export interface HostNames {
  /** How many there are. */
  readonly size: number;
  /** Adds a name, or marks to one that is there. It is ASCII and canonical; marks are bits from 1 to 128. */
  add(name: string, marks: number): void;
  /** The marks of the host itself; those of names above it, all together, are shifted by `aboveShift`. */
  marksOf(host: string): number;
  /** How many have one of these marks. */
  count(marks: number): number;
  /** Gives back memory that was for names to come. */
  trim(): void;
}

/** By how many bits the marks of names above a host are shifted. */
export const aboveShift = 8;

const leastRoom = 1_024;
const leastTextBytes = 16 * 1_024;
const dot = 46;

/**
 * A hash table in arrays of numbers. Hashes run from the end of a name, so that one pass over a host has those of all
 * names above it, and makes no text of them: walking a Set of texts takes several times as long, and
 * twice the memory.
 */
export function hostNames(): HostNames {
  /** Number of a name and 1; 0 where there is none. At most half of it is taken. */
  let table = new Uint32Array(2 * leastRoom);
  let hashes = new Int32Array(leastRoom);
  let marks = new Uint8Array(leastRoom);
  /** Where each name ends in the texts; it begins where the one before ends. */
  let ends = new Uint32Array(leastRoom);
  let texts = new Uint8Array(leastTextBytes);
  let size = 0;

  const isAt = (number: number, host: string, from: number): boolean => {
    const begin = number === 0 ? 0 : (ends[number - 1] as number);
    const length = host.length - from;
    if ((ends[number] as number) - begin !== length) return false;
    for (let at = 0; at < length; at++) if (texts[begin + at] !== host.charCodeAt(from + at)) return false;
    return true;
  };
  /** The slot of a name, or the free one where it would be. */
  const slotOf = (hash: number, host: string, from: number): number => {
    const mask = table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = (table[slot] as number) - 1;
      if (number === -1 || (hashes[number] === hash && isAt(number, host, from))) return slot;
    }
  };
  const resize = (room: number) => {
    hashes = resized(hashes, new Int32Array(room));
    marks = resized(marks, new Uint8Array(room));
    ends = resized(ends, new Uint32Array(room));
  };
  const grow = () => {
    resize(2 * size);
    table = new Uint32Array(2 * table.length);
    const mask = table.length - 1;
    for (let number = 0; number < size; number++) {
      let slot = (hashes[number] as number) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = number + 1;
    }
  };
  return {
    get size() {
      return size;
    },
    add: (name, added) => {
      let state = seed;
      for (let at = name.length - 1; at >= 0; at--) state = taken(state, name.charCodeAt(at));
      const hash = mixed(state);
      if (2 * (size + 1) > table.length) grow();
      const slot = slotOf(hash, name, 0);
      const number = table[slot] as number;
      if (number > 0) {
        marks[number - 1] = (marks[number - 1] as number) | added;
        return;
      }
      if (size === ends.length) resize(2 * size); // after a trim
      const begin = size === 0 ? 0 : (ends[size - 1] as number);
      const end = begin + name.length;
      if (end > texts.length) texts = resized(texts, new Uint8Array(2 * end));
      for (let at = 0; at < name.length; at++) texts[begin + at] = name.charCodeAt(at);
      hashes[size] = hash;
      marks[size] = added;
      ends[size] = end;
      size++;
      table[slot] = size;
    },
    marksOf: (host) => {
      let found = 0;
      let state = seed;
      for (let at = host.length - 1; at >= 0; at--) {
        state = taken(state, host.charCodeAt(at));
        if (at > 0 && host.charCodeAt(at - 1) !== dot) continue;
        const number = table[slotOf(mixed(state), host, at)] as number;
        if (number > 0) found |= (marks[number - 1] as number) << (at === 0 ? 0 : aboveShift);
      }
      return found;
    },
    count: (wanted) => {
      let count = 0;
      for (let number = 0; number < size; number++) if (((marks[number] as number) & wanted) !== 0) count++;
      return count;
    },
    trim: () => {
      const room = Math.max(1, size);
      resize(room);
      texts = texts.slice(0, size === 0 ? 0 : (ends[size - 1] as number));
    },
  };
}

/** As much of one array as another has room for. */
function resized<Numbers extends Int32Array | Uint32Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from);
  return to;
}

const seed = 0x811c9dc5 | 0;

/** FNV-1a, one character. */
function taken(state: number, code: number): number {
  return Math.imul(state ^ code, 0x01000193);
}

/** Neighbouring hashes have neighbouring slots, which the last characters alone would decide. */
function mixed(state: number): number {
  const mix = Math.imul(state ^ (state >>> 16), 0x45d9f3b);
  return mix ^ (mix >>> 16);
}
