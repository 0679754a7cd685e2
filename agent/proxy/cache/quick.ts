// The same answer over and over: a fresh response that stands alone under its key, for requests without wishes of their own.
import { correctedInitialAgeMs, freshnessLifetimeMs } from '../../../http/caching/freshness.ts';
import type { CacheRequest, Time } from '../../../http/caching/stored.ts';
import { FieldNames, type Fields } from '../../../http/fields.ts';
import type { CacheOutcomes } from '../../../schemas/cache.ts';
import type { CacheStore, Entry, UpstreamResponse } from '../ports.ts';
import { heldContent } from './stored-content.ts';

export interface QuickAnswer {
  readonly outcome: { readonly kind: 'response'; readonly response: UpstreamResponse };
  readonly cache: CacheOutcomes;
}

export interface Quick {
  /** The answer, where the one before it holds still; nothing where everything has to be decided. */
  answer(entries: readonly Entry[], asked: CacheRequest, now: Time): QuickAnswer | undefined;
  /** What was decided: that this entry is fresh for this request, and what it answers. */
  note(entries: readonly Entry[], entry: Entry, asked: CacheRequest, response: UpstreamResponse): void;
}

/** What never changes about an answer, and what does so once a second. */
interface Known {
  readonly lifetimeMs: number;
  readonly initialAgeMs: number;
  /** Without Age. */
  readonly fields: Fields;
  ageSeconds: number;
  ttlSeconds: number;
  latest: { readonly fields: Fields; readonly cache: CacheOutcomes };
}

/** Whatever else a request says changes nothing about what an entry without Vary answers. RFC 9111 4, 5.2.1; RFC 9110 13, 14. */
const wishes = new FieldNames([
  'cache-control',
  'pragma',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]);

/** A memory that lasts as long as the entries. It holds no content. */
export function createQuick(store: CacheStore): Quick {
  const known = new WeakMap<Entry, Known>();
  const aloneOf = (entries: readonly Entry[], { method, fields, transformKey }: CacheRequest): Entry | undefined => {
    if (entries.length !== 1 || method !== 'GET') return undefined;
    if (entries[0]?.stored.transformKey !== transformKey) return undefined;
    for (const [name] of fields) if (wishes.has(name)) return undefined;
    return entries[0];
  };
  return {
    answer: (entries, asked, now) => {
      const entry = aloneOf(entries, asked);
      const facts = entry === undefined ? undefined : known.get(entry);
      const held = facts === undefined ? undefined : store.octets(entry as Entry);
      if (entry === undefined || facts === undefined || held === undefined) return undefined;
      const { stored } = entry;
      const ageMs = facts.initialAgeMs + Math.max(0, now - stored.responseTime);
      if (ageMs >= facts.lifetimeMs) return undefined;
      const { fields, cache } = latestOf(facts, ageMs);
      const { status, reason } = stored;
      const content = { kind: 'some', octets: held.length, source: heldContent(held, noTrailers), held } as const;
      return { outcome: { kind: 'response', response: { status, reason, fields, isStored: true, content } }, cache };
    },
    note: (entries, entry, asked, { status, fields, content }) => {
      const { stored } = entry;
      if (aloneOf(entries, asked) !== entry || stored.selecting.length > 0 || stored.part !== undefined) return;
      if (content.kind !== 'some' || content.held === undefined || status !== stored.status) return;
      known.set(entry, {
        lifetimeMs: freshnessLifetimeMs(stored),
        initialAgeMs: correctedInitialAgeMs(stored),
        fields: fields.filter(([name]) => name !== 'Age'),
        ageSeconds: Number.NaN,
        ttlSeconds: Number.NaN,
        latest: { fields, cache: {} },
      });
    },
  };
}

const noTrailers: Fields = [];

function latestOf(facts: Known, ageMs: number): Known['latest'] {
  const ageSeconds = Math.floor(ageMs / 1000);
  const ttlSeconds = Math.floor((facts.lifetimeMs - ageMs) / 1000);
  if (ageSeconds !== facts.ageSeconds || ttlSeconds !== facts.ttlSeconds) {
    facts.ageSeconds = ageSeconds;
    facts.ttlSeconds = ttlSeconds;
    facts.latest = {
      fields: [...facts.fields, ['Age', String(ageSeconds)]],
      cache: { agent: { hit: true, ttl: ttlSeconds } },
    };
  }
  return facts.latest;
}
