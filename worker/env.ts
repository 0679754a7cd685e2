// What the platform gives the worker: its tokens, and what only the embedded edge adds.
import * as z from 'zod';
import type { Bucket } from './cache/places.ts';

/** A rate limit of the platform, counted for each key. */
export interface Limiter {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

export interface Env {
  /** Secret: `name=token` pairs, separated by commas or white space. */
  readonly EDGEHOP_TOKENS?: string;
  /** Where responses are cached: `off`, `memory`, `cache-api`, `r2`, or `auto`, which is also meant where it is absent. */
  readonly EDGEHOP_CACHE?: string;
  /** A bucket for the cache, where one is bound. */
  readonly CACHE_BUCKET?: Bucket;
  /** JSON of `edgeReverse`: public routes of this worker to origins of its owner. */
  readonly EDGEHOP_REVERSE?: string;
  /** Counts requests for each token, where one is bound. */
  readonly RATE_LIMIT?: Limiter;
  /** The Images binding of the platform, where one is bound. */
  readonly IMAGES?: Pick<ImagesBinding, 'input' | 'info'>;
  /** Set by the embedded edge only: JSON of `embeddedPolicy`. */
  readonly EDGEHOP_EMBEDDED?: string;
  /** Bound by the embedded edge only: the network under its policy, without the fields that the platform's own fetch adds. */
  readonly UPSTREAM?: Pick<Fetcher, 'fetch' | 'connect'>;
}

const exception = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('range'), range: z.string(), port: z.int().optional() }),
  z.strictObject({ kind: z.literal('name'), name: z.string(), port: z.int().optional() }),
]);

/** Which private destinations the embedded edge may reach. A deployed worker has no such setting. */
export const embeddedPolicy = z.strictObject({ allowPrivate: z.boolean(), exceptions: z.array(exception) });
