// The places of the platform where octets can be kept: the Cache API of a data centre, and a bucket of R2.
import type { Blobs } from './blob-store.ts';

/** How long the Cache API is asked to keep what nobody replaces. Whether it is fresh is for our own engine to say. */
const keepSeconds = 30 * 24 * 3600;

/**
 * Blobs in a cache of our own in this data centre. Each is opaque octets in a response of status 200, of which the
 * platform can neither judge nor change anything: not Vary, not Set-Cookie, not a content coding. `origin`: the
 * worker's own, for a cache with another host's URLs looks that host up.
 */
export function cacheApiBlobs(open: () => Promise<Cache>, origin: string): Blobs {
  const urlOf = (name: string) => `${origin}/cache/${name}`;
  return {
    get: async (name) => {
      const found = await (await open()).match(urlOf(name));
      return found === undefined ? undefined : new Uint8Array(await found.arrayBuffer());
    },
    put: async (name, octets) => {
      const headers = { 'content-type': 'application/octet-stream', 'cache-control': `public, max-age=${keepSeconds}` };
      await (await open()).put(urlOf(name), new Response(octets, { headers }));
    },
    delete: async (name) => {
      await (await open()).delete(urlOf(name));
    },
  };
}

/** What of a bucket is used. */
export type Bucket = Pick<R2Bucket, 'get' | 'put' | 'delete'>;

/** Blobs in a bucket, below `edgehop-cache/`. A bucket forgets nothing: its lifecycle rule is to. */
export function bucketBlobs(bucket: Bucket): Blobs {
  const keyOf = (name: string) => `edgehop-cache/${name}`;
  return {
    get: async (name) => {
      const found = await bucket.get(keyOf(name));
      return found === null ? undefined : new Uint8Array(await found.arrayBuffer());
    },
    put: async (name, octets) => {
      await bucket.put(keyOf(name), octets);
    },
    delete: (name) => bucket.delete(keyOf(name)),
  };
}
