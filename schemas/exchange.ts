// The record of one exchange or tunnel: what the log prints and the control port answers.
import * as z from 'zod';
import { cacheOutcomes } from './cache.ts';
import { errorSources, proxyErrorShape } from './error.ts';
import { poolOutcome } from './pool.ts';
import { shapeOutcome } from './shape.ts';
import { isoTime, stages } from './stage.ts';
import { transformOutcome } from './transform.ts';
import { upstreamSocket } from './upstream.ts';

/**
 * Why an exchange took the route it took. Directly although there is an edge: the destination is private, it lies behind
 * a parent proxy that an embedded edge cannot use, or the edge is down, out of quota, replaced by something else (such
 * as a login page), does not take so much content, cannot carry such a message, or cannot reach the host.
 */
export const routeReasons = [
  'configured',
  'no-edge',
  'connect',
  'upgrade',
  'rule',
  'pool',
  'private-destination',
  'parent-proxy',
  'edge-down',
  'edge-quota',
  'edge-replaced',
  'edge-upload-limit',
  'edge-cannot-carry',
  'edge-cannot-reach',
] as const;

export type RouteReason = (typeof routeReasons)[number];

export const route = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('edge'),
    edge: z.string(),
    colo: z.string().optional(),
    because: z.enum(routeReasons),
  }),
  z.strictObject({
    kind: z.literal('direct'),
    because: z.enum(routeReasons),
    /** The parent proxy that carried it, as scheme://host:port. */
    parent: z.string().optional(),
  }),
]);

export type Route = z.infer<typeof route>;

/** Who told the destination's address: the agent's own look-up, or the socket that was really connected. */
export const knownBy = z.enum(['agent-dns', 'socket', 'unknown']);

/**
 * Who closed a tunnel, and how. `end`: both sides ended their sending, this one first. `reset`: its connection was reset.
 * `lost`: its connection broke without a word of it. By the agent: nothing came either way for `tunnelIdleTimeoutMs`
 * (`idle`), or the agent itself stopped (`stop`).
 */
export const tunnelClose = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('client'), how: z.enum(['end', 'reset', 'lost']) }),
  z.strictObject({ by: z.literal('destination'), how: z.enum(['end', 'reset', 'lost']) }),
  z.strictObject({ by: z.literal('agent'), how: z.enum(['idle', 'stop']) }),
]);

export type TunnelClose = z.infer<typeof tunnelClose>;

/** What became of a tunnel after it was opened, which is its stage `response-sent`. */
export const tunnel = z.strictObject({
  /** From the opening to the close, or until now. */
  durationMs: z.number().nonnegative(),
  /**
   * What the client's TLS said in clear: the name of the server it wants, in lower case (with Encrypted Client Hello the
   * outer one), and the protocols that it offers, in its order. Absent while nothing was said, and where it is not TLS.
   */
  tls: z
    .strictObject({ serverName: z.string().optional(), alpn: z.array(z.string()).readonly().optional() })
    .optional(),
  /** Present where its TLS was ended here, by `intercept`: what was inside has records of its own. */
  intercepted: z.literal(true).optional(),
  /** Absent while it is open. */
  closedAt: isoTime.optional(),
  close: tunnelClose.optional(),
});

export const exchangeRecord = z.strictObject({
  id: z.string(),
  kind: z.enum(['exchange', 'tunnel']),
  /** The machine clock's times, ISO 8601 with microseconds. Edge stages are mapped to this clock. */
  stages,
  /** First request octet to last response octet. Absent while the exchange has not ended well. */
  roundTripMs: z.number().nonnegative().optional(),
  /** The edge's clock less the agent's, and how far the truth may lie from it. Absent off the edge. */
  clockOffsetMs: z.number().optional(),
  clockErrorMs: z.number().nonnegative().optional(),
  /** The way between agent and edge and back, without the edge's own share: smoothed (RFC 6298), least, latest. */
  edgeRoundTripMs: z.strictObject({ smoothed: z.number(), minimum: z.number(), latest: z.number() }).optional(),
  client: z.strictObject({ address: z.string(), port: z.int(), connection: z.int() }),
  /** Of SOCKS: the method SOCKS5, host and port as the URL, and no version of HTTP. */
  request: z.strictObject({ method: z.string(), url: z.string(), httpVersion: z.string() }),
  /** Of SOCKS: the status that CONNECT would have had, and the reply (RFC 1928 6) in the reason. */
  response: z.strictObject({ status: z.int(), reason: z.string() }).optional(),
  route: route.optional(),
  destination: z.strictObject({ host: z.string(), port: z.int(), address: z.string().optional(), knownBy }).optional(),
  /** The edge's own connection to the origin; absent off the edge, and where the platform's fetch was used. */
  upstream: upstreamSocket.optional(),
  /**
   * What each cache did that was asked. Where the agent's answered by itself there are no stages between
   * `request-received` and `response-sent`, and no route: nothing was forwarded.
   */
  cache: cacheOutcomes.optional(),
  /** Names of the rules that had a part in it, in their order. Absent where none had. */
  rules: z.array(z.string()).readonly().optional(),
  /** Where a rule asked for another URL: the one that was asked. */
  rewrittenUrl: z.string().optional(),
  transform: transformOutcome.optional(),
  shape: shapeOutcome.optional(),
  pool: poolOutcome.optional(),
  /** Octets of content each way; of a tunnel, all octets, so far while it is open. */
  octets: z.strictObject({ fromClient: z.int().nonnegative(), toClient: z.int().nonnegative() }),
  /** Absent where no tunnel was opened. */
  tunnel: tunnel.optional(),
  /** How often the request was sent again after a failure that allowed it. */
  retries: z.int().nonnegative(),
  error: proxyErrorShape.extend({ source: z.enum(errorSources) }).optional(),
});

export type ExchangeRecord = z.infer<typeof exchangeRecord>;
