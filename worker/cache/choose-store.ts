// Which store this worker has: what is configured, else what works where it runs.
import type { Env } from '../env.ts';
import { createBlobStore } from './blob-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { bucketBlobs, cacheApiBlobs } from './places.ts';
import type { Store } from './store.ts';

/** An isolate has 128 MB for everything. */
const maxMemoryBytes = 32 * 1024 * 1024;
const maxMemoryEntryBytes = 4 * 1024 * 1024;
/** Content goes through memory on its way to and from the platform's places. */
const maxBlobBytes = 8 * 1024 * 1024;

/** The isolate's own: what it holds is plain, so it may serve every request. */
const memory = createMemoryStore({ maxBytes: maxMemoryBytes, maxEntryBytes: maxMemoryEntryBytes });

/** The store of the worker that was called by this URL; nothing where caching is off, or the one asked for is not there. */
export function storeOf(env: Env, url: string): Store | undefined {
  const { EDGEHOP_CACHE: asked = 'auto', CACHE_BUCKET: bucket } = env;
  const { origin, hostname } = new URL(url);
  switch (asked === 'auto' ? nativeTo(env, hostname) : asked) {
    case 'memory':
      return memory;
    case 'cache-api':
      return createBlobStore(
        'cache-api',
        maxBlobBytes,
        cacheApiBlobs(() => caches.open('edgehop'), origin),
      );
    case 'r2':
      return bucket === undefined ? undefined : createBlobStore('r2', maxBlobBytes, bucketBlobs(bucket));
    default:
      return undefined;
  }
}

/** A bucket is bound for this. The Cache API does nothing on workers.dev, and is slower than the origin on this machine. */
function nativeTo({ CACHE_BUCKET, UPSTREAM }: Env, hostname: string): Store['name'] {
  if (CACHE_BUCKET !== undefined) return 'r2';
  const hasZone = UPSTREAM === undefined && /\.[a-z][a-z0-9-]*$/i.test(hostname) && !hostname.endsWith('.workers.dev');
  return hasZone ? 'cache-api' : 'memory';
}
