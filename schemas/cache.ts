// What a cache did with one exchange, in the words of RFC 9211: for the record, the envelope and the Cache-Status field.
import * as z from 'zod';

/** Why a request went on. RFC 9211 2.2. */
export const forwardReasons = [
  'bypass',
  'method',
  'uri-miss',
  'vary-miss',
  'miss',
  'request',
  'stale',
  'partial',
] as const;

export type ForwardReason = (typeof forwardReasons)[number];

/** One cache's member of Cache-Status. RFC 9211 2. */
export const cacheOutcome = z.strictObject({
  /** Answered from what is stored, without asking any further. */
  hit: z.literal(true).optional(),
  fwd: z.enum(forwardReasons).optional(),
  /** The status that the next hop answered, where the request went on. */
  fwdStatus: z.int().min(100).max(599).optional(),
  /** Whether the response of the next hop is being stored. */
  stored: z.literal(true).optional(),
  /** Whether the request waited for the answer to an equal one. */
  collapsed: z.literal(true).optional(),
  /** Seconds of freshness left; negative when it is stale. */
  ttl: z.int().optional(),
  /** A sentence's fragment for people: why it was not stored, and so on. */
  detail: z.string().max(256).optional(),
});

export type CacheOutcome = z.infer<typeof cacheOutcome>;

/** What both tiers did. Absent where a tier is off or was not asked. */
export const cacheOutcomes = z.strictObject({ agent: cacheOutcome.optional(), edge: cacheOutcome.optional() });

export type CacheOutcomes = z.infer<typeof cacheOutcomes>;
