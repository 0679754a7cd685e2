// In which order and at which pace several addresses of one destination are tried. RFC 8305.

/** How long an attempt runs alone before the next one begins, in milliseconds. RFC 8305 5. */
export const attemptDelayMs = 250;

/** The addresses without doubles, both families in turn, beginning with that of the first. RFC 8305 4. */
export function interleaved(addresses: readonly string[]): readonly string[] {
  const all = [...new Set(addresses)];
  const isIpv6 = (address: string) => address.includes(':');
  const first = all.filter((address) => isIpv6(address) === isIpv6(all[0] as string));
  const other = all.filter((address) => !first.includes(address));
  return Array.from({ length: Math.max(first.length, other.length) }, (_, i) => [first[i], other[i]])
    .flat()
    .filter((address) => address !== undefined);
}
