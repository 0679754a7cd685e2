// What the control port tells of the cache, and what it takes to change it: the verbs of `edgehop cache` read and write this.
import * as z from 'zod';
import { forwardReasons } from './cache.ts';
import { fields } from './relay.ts';
import { isoTime } from './stage.ts';

const octets = z.int().nonnegative();
const count = z.int().nonnegative();
const urlText = z.string().min(1).max(65_536);

/** The most octets of a request's content that the control port reads. */
export const maxControlContentBytes = 512 * 1024;

/** The most entries that `GET /v1/cache/entries` answers with. */
export const maxEntriesListed = 10_000;

/** `POST /v1/cache/purge`: which entries. `prefix`: every URL whose text begins so. `host`: every port unless one is named. */
export const cachePurge = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('url'), url: urlText }),
  z.strictObject({ kind: z.literal('prefix'), prefix: urlText }),
  z.strictObject({ kind: z.literal('host'), host: z.string().min(1).max(512) }),
]);

export type CachePurge = z.infer<typeof cachePurge>;

/** Its answer: how many entries the agent had. Edges hear of a purge with the next request that it concerns. */
export const cachePurged = z.strictObject({ entries: count });

export type CachePurged = z.infer<typeof cachePurged>;

/** Exchanges that a cache had to do with, since the agent's start, and who answered them without asking any further. */
export const cacheCounts = z.strictObject({ requests: count, byAgent: count, byEdge: count, collapsed: count });

export type CacheCounts = z.infer<typeof cacheCounts>;

/** `GET /v1/cache`. */
export const cacheStatistics = z.discriminatedUnion('agent', [
  z.strictObject({ agent: z.literal('off'), answered: cacheCounts }),
  z.strictObject({
    agent: z.literal('on'),
    answered: cacheCounts,
    entries: count,
    memory: z.strictObject({ octets, maxOctets: octets, entries: count }),
    disk: z.strictObject({
      state: z.enum(['open', 'off', 'unusable']),
      because: z.string().optional(),
      octets,
      maxOctets: octets,
      entries: count,
    }),
    /** These since the agent's start: entries that came, that were given up for the bounds, that the disk lost. */
    stored: count,
    evicted: count,
    lost: count,
  }),
]);

export type CacheStatistics = z.infer<typeof cacheStatistics>;

/** How long a response is fresh, from the moment it was generated or last validated, and what says so. RFC 9111 4.2.1. */
export const cacheLifetime = z.strictObject({
  seconds: z.number(),
  /** `explicit`: the response says it. `heuristic`: it is estimated from Last-Modified. `none`: nothing says it. */
  kind: z.enum(['explicit', 'heuristic', 'none']),
  /** Such as `max-age of Cache-Control`. */
  because: z.string(),
});

export type CacheLifetime = z.infer<typeof cacheLifetime>;

/** One stored response. Values of fields that carry secrets are left out. */
export const cacheEntry = z.strictObject({
  url: z.string(),
  status: z.int(),
  octets,
  /** Where only a part of the content is held. */
  part: z.strictObject({ first: octets, completeOctets: octets }).optional(),
  receivedAt: isoTime,
  /** RFC 9111 4.2.3. */
  ageSeconds: z.number(),
  lifetime: cacheLifetime,
  /** Where age and lifetime meet; it may lie in the past. */
  freshUntil: isoTime,
  /** The request fields that it was stored for; null where the request had none of that name. */
  selecting: z.array(z.tuple([z.string(), z.string().nullable()])).readonly(),
  inMemory: z.boolean(),
  onDisk: z.boolean(),
});

export type CacheEntry = z.infer<typeof cacheEntry>;

/** `GET /v1/cache/entries?url= | prefix= | host= & limit=`: the latest used first. */
export const cacheEntries = z.strictObject({ entries: z.array(cacheEntry).max(maxEntriesListed).readonly() });

export type CacheEntries = z.infer<typeof cacheEntries>;

/** `POST /v1/cache/explain`: a GET with these fields, and the response that the origin gave to it where it was asked. */
export const cacheQuestion = z.strictObject({
  url: urlText,
  fields: fields.default([]),
  response: z
    .strictObject({
      status: z.int().min(200).max(599),
      reason: z.string(),
      fields,
      /** Milliseconds since 1970. */
      requestTime: z.number(),
      responseTime: z.number(),
    })
    .optional(),
});

export type CacheQuestion = z.infer<typeof cacheQuestion>;

const aged = { entry: cacheEntry, ttlSeconds: z.number() };

/** What the agent's cache would do with a request now. RFC 9111 4. */
export const cacheAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('off') }),
  z.strictObject({ kind: z.literal('fresh'), ...aged }),
  /** It is stale and answers nevertheless; `revalidate`: the origin is asked behind the answer. */
  z.strictObject({ kind: z.literal('stale'), ...aged, revalidate: z.boolean() }),
  /** The origin is asked first whether it still holds. */
  z.strictObject({
    kind: z.literal('validate'),
    ...aged,
    because: z.enum(forwardReasons),
    /** Whether the response asks for that each time (no-cache). RFC 9111 5.2.2.4. */
    isAlways: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('forward'), because: z.enum(forwardReasons), detail: z.string().optional() }),
  /** only-if-cached, and nothing fits: 504. */
  z.strictObject({ kind: z.literal('unsatisfiable') }),
]);

export type CacheAnswer = z.infer<typeof cacheAnswer>;

/** Whether a response would be stored. RFC 9111 3. */
export const cacheStoring = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('store'),
    lifetime: cacheLifetime,
    freshUntil: isoTime,
    ageSeconds: z.number(),
    /** What it would do for the next request like this one. `validate` where it asks for that each time (no-cache). */
    next: z.enum(['fresh', 'stale', 'validate', 'forward']),
  }),
  /** A sentence's fragment, such as `the response says no-store`. */
  z.strictObject({ kind: z.literal('refuse'), because: z.string() }),
]);

export type CacheStoring = z.infer<typeof cacheStoring>;

/** The answer to a question. */
export const cacheExplanation = z.strictObject({
  url: z.string(),
  /** How many responses are stored under the URL; each for other fields of the request. */
  variants: count,
  /** The request fields by which they were stored. */
  selectedBy: z.array(z.string()).readonly(),
  answer: cacheAnswer,
  /** The rule that has a say in it, and what it says: of a request that comes with its response, by that response. */
  rule: z
    .strictObject({
      name: z.string(),
      cache: z.union([z.enum(['bypass', 'validate']), z.strictObject({ freshnessSeconds: z.int().nonnegative() })]),
    })
    .optional(),
  /** Where the question came with a response. */
  storing: cacheStoring.optional(),
});

export type CacheExplanation = z.infer<typeof cacheExplanation>;

/** What `edgehop cache explain --json` prints. `asked`: what the origin answered, where it was asked. */
export const cacheReport = cacheExplanation.extend({
  asked: z.strictObject({ status: z.int(), reason: z.string(), fields }).optional(),
});

export type CacheReport = z.infer<typeof cacheReport>;
