// The configuration file `edgehop.jsonc`: every key has a default, an empty file is valid, an unknown key is an error.
import * as z from 'zod';

const milliseconds = z.int().positive();
const octets = z.int().positive();
const port = z.int().min(0).max(65535);

const edge = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/i, 'a name is letters, digits and hyphens'),
  url: z.url({ protocol: /^https?$/ }).describe('https, or http to a loopback address'),
  token: z.string().min(16).describe('one of the tokens in the secret EDGEHOP_TOKENS of the worker'),
});

export type NamedEdge = z.infer<typeof edge>;

export const config = z.strictObject({
  $schema: z.string().optional(),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('127.0.0.1 listens on [::1] too'),
      port: port.default(8080),
      controlPort: port.default(8081),
    })
    .prefault({}),
  edge: z
    .strictObject({
      use: z
        .string()
        .default('embedded')
        .describe('embedded (workerd on this machine), none (direct only), or the name or URL of a deployed worker'),
      edges: z.array(edge).readonly().default([]),
      upstream: z.enum(['fetch']).default('fetch'),
    })
    .prefault({}),
  admit: z
    .strictObject({
      destinations: z
        .strictObject({
          allow: z
            .array(z.string())
            .readonly()
            .default([])
            .describe('destinations allowed although private: an address, CIDR range or name, with or without a port'),
          allowPrivate: z.boolean().default(false).describe('allow every private destination'),
        })
        .prefault({}),
    })
    .prefault({}),
  log: z.enum(['pretty', 'json', 'quiet']).default('pretty'),
  annotate: z
    .boolean()
    .default(true)
    .describe('add Server-Timing and Proxy-Status to forwarded responses; the scripts of a site can read them'),
  limits: z
    .strictObject({
      maxConnections: z.int().positive().default(10_000),
      maxHeadBytes: octets.max(64 * 1024).default(64 * 1024),
      headTimeoutMs: milliseconds.default(30_000).describe('for a client to send a whole request head'),
      keepAliveTimeoutMs: milliseconds.default(60_000).describe('for a client connection without a request'),
      headDeadlineMs: milliseconds.default(60_000).describe('for an origin to answer with its head'),
      connectTimeoutMs: milliseconds.default(10_000).describe('for a connection to an origin to be made'),
      idleTimeoutMs: milliseconds.default(300_000).describe('without an octet of content in either direction'),
      tunnelIdleTimeoutMs: milliseconds.default(900_000).describe('without an octet in either direction of a tunnel'),
      maxSocketBufferBytes: octets.default(64 * 1024).describe('held each way of a connection for the slower side'),
      maxEdgeConnections: z.int().positive().default(256).describe('from the agent to the edge'),
      maxOriginConnections: z
        .int()
        .positive()
        .default(64)
        .describe('from the agent to one origin, by the direct route'),
      drainTimeoutMs: milliseconds.default(30_000).describe('for exchanges in flight when the agent is told to stop'),
    })
    .prefault({}),
});

export type Config = z.infer<typeof config>;
