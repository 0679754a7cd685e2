// The wire contract of one exchange between agent and worker, version 1: the envelope each way, and the end record.
import * as z from 'zod';
import { cacheOutcome } from './cache.ts';
import { proxyErrorShape } from './error.ts';
import { maxFreshnessSeconds, responseConditions } from './rule.ts';
import { edgeStages } from './stage.ts';
import { transform, transformOutcome } from './transform.ts';
import { upstreamSocket } from './upstream.ts';

/** The version that both halves speak; it is the `1` of `/v1/`. */
export const relayVersion = 1;

/** Prefix of the numbered private fields that carry an envelope: `edgehop-envelope-0`, `-1` and so on. */
export const envelopeFieldPrefix = 'edgehop-envelope-';

/** The most that one envelope field holds. */
export const maxEnvelopeFieldBytes = 8 * 1024;

/** The most that all fields of one envelope hold together. */
export const maxEnvelopeBytes = 96 * 1024;

/** The largest head, request or response, that edgehop relays. */
export const maxHeadBytes = 64 * 1024;

/** The longest that an origin may be given to answer with its head. */
export const maxHeadDeadlineMs = 3_600_000;

/** The longest reason phrase that is passed on. Nobody has to look at it. RFC 9112 4. */
export const maxReasonBytes = 1024;

/** Octets of the nonce that announces the end record. */
export const nonceBytes = 16;

/** The most that an end record may hold after its nonce. */
export const maxEndRecordBytes = 64 * 1024;

/** Field lines in the order in which they came, with duplicates; each character of a value is one octet. */
export const fields = z.array(z.tuple([z.string(), z.string()]).readonly()).readonly();

/** The most addresses of one destination that the agent names. */
export const maxAddresses = 32;

const milliseconds = z.int().positive();
const count = z.int().positive();

/** What the edge keeps where it speaks HTTP over a connection of its own. The names are those of the configuration. */
const socketLimits = z.strictObject({
  connectTimeoutMs: milliseconds.default(10_000),
  idleTimeoutMs: milliseconds.default(300_000),
  maxHeadBytes: count.max(maxHeadBytes).default(maxHeadBytes),
  maxFields: count.default(1_000),
  maxInterimResponses: z.int().nonnegative().default(10),
});

export type SocketLimits = z.infer<typeof socketLimits>;

/**
 * What the edge's cache may do for one exchange. `use`: answer from what it has, store what comes. `validate`: answer with
 * nothing that the origin has not just confirmed, and store what comes. `off`: keep out of it, as where this is absent.
 */
const edgeCache = z.strictObject({
  mode: z.enum(['use', 'validate', 'off']),
  /** The agent's generations that apply to the URL, in a text of its own. What was stored under another is as good as gone. */
  generation: z.string().max(128).default(''),
});

export type EdgeCache = z.infer<typeof edgeCache>;

/** Rules that may have the edge do the same kind of thing in one exchange. */
export const maxEdgeCandidates = 1_000;

/** Actions of rules that wait for the head of the response: the first whose conditions hold is taken. */
const onResponse = <T extends z.ZodType>(action: T) =>
  z
    .array(z.strictObject({ rule: z.string(), when: responseConditions.optional(), action }))
    .max(maxEdgeCandidates)
    .readonly();

/** What rules ask of the edge for one exchange. */
const edgePlan = z.strictObject({
  transform: onResponse(transform).optional(),
  /** How long responses are fresh, whatever the origin says. */
  freshnessSeconds: onResponse(z.int().nonnegative().max(maxFreshnessSeconds)).optional(),
});

export type EdgePlan = z.infer<typeof edgePlan>;

/** What the edge must do for one exchange. */
export const requestEnvelope = z.strictObject({
  id: z.string().max(64),
  method: z.string().max(64),
  /** Canonical by the WHATWG URL parser, without fragment and userinfo. */
  url: z.string().max(maxHeadBytes),
  fields,
  /** Whether the request has content, which then is the body of the POST. */
  content: z.boolean(),
  /** How the upstream is to be reached. `fetch`: by the platform's fetch, wherever that changes nothing. */
  upstream: z.enum(['fetch', 'socket']),
  /**
   * The destination's addresses as the agent has checked them, in the order in which they are to be tried. Only an
   * embedded edge heeds them: a connection of its own without TLS is then made to no other.
   */
  addresses: z.array(z.string().max(45)).max(maxAddresses).readonly().optional(),
  limits: socketLimits.prefault({}),
  cache: edgeCache.optional(),
  plan: edgePlan.optional(),
  /** How long the origin may take to answer with its head. */
  headDeadlineMs: z.int().positive().max(maxHeadDeadlineMs),
});

export type RequestEnvelope = z.infer<typeof requestEnvelope>;

/**
 * How the content of a reply ends.
 * `none`: there is none. `length`: this many octets. `marked`: the content, then the nonce (16 octets, here base64url), then the end record.
 */
export const contentEnding = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('length'), octets: z.int().nonnegative() }),
  z.strictObject({ kind: z.literal('marked'), nonce: z.string().regex(/^[\w-]{22}$/) }),
]);

export type ContentEnding = z.infer<typeof contentEnding>;

const edgeFacts = {
  stages: edgeStages,
  /** Absent where the platform's fetch was used, or nothing was asked. */
  upstream: upstreamSocket.optional(),
  /** What the edge's cache did; absent where it had nothing to do with it. */
  cache: cacheOutcome.optional(),
  /** What became of the transform; absent where none was asked for. */
  transform: transformOutcome.optional(),
  /** The data centre that served the exchange, where the platform says it. */
  colo: z.string().max(16).optional(),
};

/** What the edge answers: the origin's response, or why there is none. */
export const responseEnvelope = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('response'),
    status: z.int().min(200).max(599),
    reason: z.string().max(maxReasonBytes),
    fields,
    /** The interim responses that came ahead, in their order. RFC 9110 15.2. */
    interim: z
      .array(z.strictObject({ status: z.int().min(102).max(199), fields }))
      .readonly()
      .optional(),
    content: contentEnding,
    ...edgeFacts,
  }),
  z.strictObject({
    kind: z.literal('failed'),
    error: proxyErrorShape,
    /** The platform's reference of an internal error, which leads to the line in the log that explains it. */
    reference: z.string().max(64).optional(),
    ...edgeFacts,
  }),
]);

export type ResponseEnvelope = z.infer<typeof responseEnvelope>;

/** What is known only when marked content has ended. Without it the content is truncated. */
export const endRecord = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('complete'),
    trailers: fields.optional(),
    /** Of transformed content: octets as the origin sent it. */
    octetsBefore: z.int().nonnegative().optional(),
  }),
  z.strictObject({ outcome: z.literal('failed'), error: proxyErrorShape }),
]);

export type EndRecord = z.infer<typeof endRecord>;
