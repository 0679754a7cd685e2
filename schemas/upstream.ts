// How an edge reached an origin where it did not leave that to the platform's fetch, as the wire and the record tell it.
import * as z from 'zod';

/**
 * Why the edge took a connection of its own. `configured`: by `edge.upstream`. What fetch cannot carry as it is:
 * `ip-literal`: a host that is an IP address. `method`: a method that fetch refuses. `asterisk`: OPTIONS for no path
 * (RFC 9112 3.2.4). `content`: a GET or HEAD with content. `octets`: a field with octets beyond ASCII. `trailers`: the
 * client takes trailers. `unfetchable`: fetch was asked, and gave no response, took an interim one for the final one, or
 * octets that are not UTF-8 for others.
 */
export const socketReasons = [
  'configured',
  'ip-literal',
  'method',
  'asterisk',
  'content',
  'octets',
  'trailers',
  'unfetchable',
] as const;

export type SocketReason = (typeof socketReasons)[number];

/** One connection for one exchange, in HTTP/1.1. The edge's clock counts whole milliseconds on some platforms. */
export const upstreamSocket = z.strictObject({
  kind: z.literal('socket'),
  because: z.enum(socketReasons),
  /** Until the connection was made, and TLS begun where it is TLS; absent where none was made. */
  connectMs: z.number().nonnegative().optional(),
  /** TLS is in that time, for platforms do not tell it from the rest. */
  tls: z.literal(true).optional(),
  /** The address that was connected to, where it is certain. */
  address: z.string().max(45).optional(),
});

export type UpstreamSocket = z.infer<typeof upstreamSocket>;
