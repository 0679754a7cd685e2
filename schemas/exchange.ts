// The record of one exchange or tunnel: what the log prints and the control port answers.
import * as z from 'zod';
import { errorSources, proxyErrorShape } from './error.ts';
import { stages } from './stage.ts';

/** Why an exchange took the route it took. */
export const routeReasons = ['configured', 'no-edge', 'connect', 'private-destination'] as const;

export const route = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('edge'),
    edge: z.string(),
    colo: z.string().optional(),
    because: z.enum(routeReasons),
  }),
  z.strictObject({ kind: z.literal('direct'), because: z.enum(routeReasons) }),
]);

export type Route = z.infer<typeof route>;

/** Who told the destination's address: the agent's own look-up, or the socket that was really connected. */
export const knownBy = z.enum(['agent-dns', 'socket', 'unknown']);

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
  request: z.strictObject({ method: z.string(), url: z.string(), httpVersion: z.string() }),
  response: z.strictObject({ status: z.int(), reason: z.string() }).optional(),
  route: route.optional(),
  destination: z.strictObject({ host: z.string(), port: z.int(), address: z.string().optional(), knownBy }).optional(),
  /** Octets of content each way; of a tunnel, all octets. */
  octets: z.strictObject({ fromClient: z.int().nonnegative(), toClient: z.int().nonnegative() }),
  /** How often the request was sent again after a failure that allowed it. */
  retries: z.int().nonnegative(),
  error: proxyErrorShape.extend({ source: z.enum(errorSources) }).optional(),
});

export type ExchangeRecord = z.infer<typeof exchangeRecord>;
