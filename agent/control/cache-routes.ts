// The cache on the control port: what is stored, statistics, purges, and why a request would be answered as it would.
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { parseHostField } from '../../http/authority.ts';
import type { CacheRequest } from '../../http/caching/stored.ts';
import type { CacheAction, OnResponse } from '../../http/plan/plan.ts';
import { parseRequestTarget } from '../../http/request-target.ts';
import {
  type CacheCounts,
  type CacheEntries,
  type CachePurge,
  type CachePurged,
  type CacheStatistics,
  cachePurge,
  cacheQuestion,
  maxControlContentBytes,
  maxEntriesListed,
} from '../../schemas/cache-admin.ts';
import type { CacheAdmin, PurgeMatch } from '../cache/admin.ts';
import type { Generations } from '../cache/generations.ts';
import type { Clock } from '../proxy/ports.ts';
import { entryOf, explain } from './cache-explain.ts';

export interface CacheRoutesPorts {
  readonly clock: Clock;
  /** Undefined where the agent's cache is off. */
  readonly store: CacheAdmin | undefined;
  readonly generations: Generations;
  readonly counts: () => CacheCounts;
  /** What rules say of the cache for a request of this machine; nothing where none does. */
  readonly byRule: (request: CacheRequest) => CacheByRule | undefined;
}

export interface CacheByRule {
  readonly cache: OnResponse<CacheAction> | undefined;
  /** Of what the edge makes of the response, where it makes something of it. */
  readonly transformKey: string | undefined;
}

/** The routes below `/v1/cache`. Only POST changes anything. */
export function createCacheRoutes({ clock, store, generations, counts, byRule }: CacheRoutesPorts): Hono {
  const now = () => clock.wallTime(clock.now());
  return new Hono()
    .use(async (c, next) => {
      await next();
      c.header('cache-control', 'no-store');
    })
    .use(bodyLimit({ maxSize: maxControlContentBytes, onError: (c) => wrong(c, 'The content is too long.', 413) }))
    .get('/', (c) => {
      const answered = counts();
      if (store === undefined) return c.json({ agent: 'off', answered } satisfies CacheStatistics);
      return c.json({ agent: 'on', answered, ...store.stat() } satisfies CacheStatistics);
    })
    .get('/entries', (c) => {
      const limit = limitOf(c.req.query('limit') ?? '100');
      if (limit === undefined) return wrong(c, `The limit is a number from 0 to ${maxEntriesListed}.`);
      const match = matchOf(askedFor(c));
      if (match.kind === 'wrong') return wrong(c, match.because);
      const at = now();
      const entries = store?.list(match, limit).map((listed) => entryOf(listed, at)) ?? [];
      return c.json({ entries } satisfies CacheEntries);
    })
    .post('/purge', async (c) => {
      const asked = await contentOf(c, cachePurge);
      if (asked === undefined) return wrong(c, 'The content is not a purge.');
      const match = matchOf(asked);
      if (match.kind === 'wrong') return wrong(c, match.because);
      const entries = store?.purge(match) ?? 0;
      try {
        generations.purge(match);
      } catch (cause) {
        const because = cause instanceof Error ? cause.message : String(cause);
        return wrong(c, `The agent's entries are gone, but not the edge's: ${because}`, 500);
      }
      return c.json({ entries } satisfies CachePurged);
    })
    .post('/explain', async (c) => {
      const asked = await contentOf(c, cacheQuestion);
      if (asked === undefined) return wrong(c, 'The content is not a question.');
      const { fields, response } = asked;
      const match = matchOf({ kind: 'url', url: asked.url });
      if (match.kind !== 'url') return wrong(c, match.kind === 'wrong' ? match.because : 'It is no URL.');
      const request: CacheRequest = { method: 'GET', url: match.url, fields };
      const rules = byRule(request);
      return c.json(
        explain({
          request: { ...request, ...(rules?.transformKey !== undefined && { transformKey: rules.transformKey }) },
          byRule: rules?.cache,
          response,
          stored: store?.list(match, maxEntriesListed),
          now: now(),
        }),
      );
    });
}

/** Which entries a query names: those of a URL, a prefix, a host, or all. */
function askedFor(c: Context): CachePurge {
  const { url, prefix, host } = c.req.query();
  if (url !== undefined) return { kind: 'url', url };
  if (prefix !== undefined) return { kind: 'prefix', prefix };
  return host === undefined ? { kind: 'all' } : { kind: 'host', host };
}

/** URL and host as the walk writes them: there is one spelling of each. */
function matchOf(asked: CachePurge): PurgeMatch | { readonly kind: 'wrong'; readonly because: string } {
  if (asked.kind === 'all') return asked;
  if (asked.kind === 'host') {
    const parsed = parseHostField(asked.host);
    if (parsed.kind === 'malformed') return { kind: 'wrong', because: `That is no host: ${parsed.because}.` };
    return { kind: 'host', host: parsed.port === undefined ? parsed.host : `${parsed.host}:${parsed.port}` };
  }
  const text = asked.kind === 'url' ? asked.url : asked.prefix;
  const target = parseRequestTarget('GET', text);
  if (target.kind === 'malformed') return { kind: 'wrong', because: `That is no URL: ${target.because}.` };
  if (target.kind !== 'absolute') return { kind: 'wrong', because: 'A URL begins with http:// or https://.' };
  return asked.kind === 'url' ? { kind: 'url', url: target.url } : { kind: 'prefix', prefix: target.url };
}

/** The content as its schema has it; nothing when it is not. */
async function contentOf<S extends z.ZodType>(c: Context, schema: S): Promise<z.infer<S> | undefined> {
  const content: unknown = await c.req.json().catch(() => undefined);
  const parsed = schema.safeParse(content);
  return parsed.success ? parsed.data : undefined;
}

function limitOf(digits: string): number | undefined {
  return /^[0-9]{1,5}$/.test(digits) && Number(digits) <= maxEntriesListed ? Number(digits) : undefined;
}

function wrong(c: Context, detail: string, status: 400 | 413 | 500 = 400): Response {
  return c.json({ detail }, status);
}
