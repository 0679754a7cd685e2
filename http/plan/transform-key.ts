// Names the transforms of a response in the keys of caches, so that what one rule has changed never answers for another.
import type { Transform } from '../../schemas/transform.ts';
import type { OnResponse } from './plan.ts';

/**
 * Equal for equal lists of transforms and conditions, whatever their rules are called, and the same after a restart: what
 * is on disk was stored under it. A length and 64 bits of hash: the owner of the machine writes the transforms, so nobody
 * looks for two that collide, and of ten thousand that come by chance two do once in 10^11 times.
 */
export function transformKeyOf(transforms: OnResponse<Transform>): string {
  const text = JSON.stringify(transforms.map(({ when, action }) => [when ?? null, action]));
  return `${text.length.toString(36)}-${fnv1a64(text).toString(36)}`;
}

const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** Fowler, Noll and Vo's hash, over UTF-8. */
function fnv1a64(text: string): bigint {
  let hash = offsetBasis;
  for (const octet of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(octet)) * prime);
  return hash;
}
