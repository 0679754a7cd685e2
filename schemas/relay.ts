// The wire contract of one exchange between agent and worker, version 1: the envelope each way, and the end record.
import * as z from 'zod';
import { proxyErrorShape } from './error.ts';
import { edgeStages } from './stage.ts';

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

/** Octets of the nonce that announces the end record. */
export const nonceBytes = 16;

/** The most that an end record may hold after its nonce. */
export const maxEndRecordBytes = 64 * 1024;

/** Field lines in the order in which they came, with duplicates; each character of a value is one octet. */
export const fields = z.array(z.tuple([z.string(), z.string()]).readonly()).readonly();

/** What the edge must do for one exchange. */
export const requestEnvelope = z.strictObject({
  id: z.string().max(64),
  method: z.string().max(64),
  /** Canonical by the WHATWG URL parser, without fragment and userinfo. */
  url: z.string().max(maxHeadBytes),
  fields,
  /** Whether the request has content, which then is the body of the POST. */
  content: z.boolean(),
  /** How the upstream is to be reached. */
  upstream: z.enum(['fetch']),
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
  /** The data centre that served the exchange, where the platform says it. */
  colo: z.string().max(16).optional(),
};

/** What the edge answers: the origin's response, or why there is none. */
export const responseEnvelope = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('response'),
    status: z.int().min(200).max(599),
    reason: z.string().max(1024),
    fields,
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

/** What is known only when marked content has ended well. Without it the content is truncated. */
export const endRecord = z.strictObject({
  outcome: z.literal('complete'),
});

export type EndRecord = z.infer<typeof endRecord>;
