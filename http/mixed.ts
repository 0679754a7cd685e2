// Lets each bit of a number depend on every other: what is alike before is not near each other afterwards.

/** MurmurHash3's last step: 32 bits, as a number from 0 up to 2^32. Not for secrets. */
export function mixed(bits: number): number {
  let mix = bits | 0;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
