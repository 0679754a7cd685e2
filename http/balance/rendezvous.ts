// Chooses always the same target for the same key: rendezvous hashing by weight, where a target that goes moves only its own keys.
import { mixed } from '../mixed.ts';
import { shareOf, type Target } from './candidates.ts';

/** The target for a key, such as a URL or the address of a client. Throws where there are no targets. */
export function rendezvous<T extends Target>(targets: readonly T[], key: string): T {
  let chosen: T | undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (const target of targets) {
    const score = -shareOf(target) / Math.log(fractionOf(`${target.name}\0${key}`));
    if (score <= highest) continue;
    highest = score;
    chosen = target;
  }
  if (chosen === undefined) throw new RangeError('there is no target to choose from');
  return chosen;
}

/** A number more than 0 and less than 1 that a text always has, on every machine and in every version. */
function fractionOf(text: string): number {
  const high = mixed(fnv1a(text, 0x811c9dc5));
  const low = mixed(fnv1a(text, high));
  return (high * 2 ** 21 + (low >>> 11) + 0.5) / 2 ** 53;
}

/** FNV-1a of 32 bits over the two octets of each character, from a basis. */
function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    hash = Math.imul(hash ^ (code & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (code >>> 8), 0x01000193);
  }
  return hash >>> 0;
}
