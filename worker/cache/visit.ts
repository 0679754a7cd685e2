// What one exchange has to do with the cache: who asks for what, where it is looked for, and under which key.
import type { CacheRequest } from '../../http/caching/stored.ts';
import { endToEndRequestFields } from '../../http/hop-by-hop.ts';
import type { EdgeCache } from '../../schemas/relay.ts';
import type { Exchange } from '../exchange/answer.ts';
import type { ExchangeContext } from '../finish/reply.ts';
import { storeOf } from './choose-store.ts';
import type { Entry, Store } from './store.ts';

export interface Visit {
  readonly c: ExchangeContext;
  readonly exchange: Exchange;
  readonly store: Store;
  readonly mode: Exclude<EdgeCache['mode'], 'off'>;
  readonly generation: string;
  /** As the engine judges it. */
  readonly request: CacheRequest;
  /** Of the requests that can wait for one another. */
  readonly flight: string;
}

/** The visit of an exchange to the cache; nothing where it is none of the cache's business. */
export async function visitOf(c: ExchangeContext, exchange: Exchange): Promise<Visit | undefined> {
  const { cache, method, url, fields, plan } = c.get('envelope');
  if (cache === undefined || cache.mode === 'off') return undefined;
  const store = storeOf(c.env, c.req.url);
  if (store === undefined) return undefined;
  const { mode, generation } = cache;
  const plain = { method, url, fields: endToEndRequestFields(fields) };
  const transformKey = plan?.transform === undefined ? undefined : await transformKeyOf(plan.transform);
  const request = transformKey === undefined ? plain : { ...plain, transformKey };
  const flight = [keyOf(c, url), generation, ...(transformKey === undefined ? [] : [transformKey])].join('\n');
  return { c, exchange, store, mode, generation, request, flight };
}

/** Equal for equal transforms. It is in no key of a store, so that invalidation finds what any transform made. */
async function transformKeyOf(transform: unknown): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(transform)));
  return new Uint8Array(digest).toBase64();
}

/** Nobody gets what was stored for the bearer of another token. Generations are not in it: invalidation knows of none. */
export function keyOf(c: ExchangeContext, url: string): string {
  return `${c.get('token')}\n${url}`;
}

/** What is stored for the URL under the agent's generation, the latest first. */
export async function entriesFor({ c, store, request, generation }: Visit): Promise<readonly Entry[]> {
  const entries = await store.find(keyOf(c, request.url));
  return entries.filter((entry) => entry.generation === generation);
}
