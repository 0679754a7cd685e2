// The configuration file `edgehop.jsonc`: every key has a default, an empty file is valid, an unknown key is an error.
import * as z from 'zod';
import { maxHeadBytes, maxHeadDeadlineMs } from './relay.ts';

/** Timers take 2^31 - 1, and some limits are added up. */
const maxTimerMs = 1_000_000_000;

const milliseconds = z.int().positive().max(maxTimerMs);
const octets = z.int().positive();
const port = z.int().min(0).max(65535);
const count = z.int().positive();

export const namedEdge = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/i, 'a name is letters, digits and hyphens')
    .describe('letters, digits and hyphens'),
  url: z
    .url({ protocol: /^https?$/, error: 'an edge is named by an http or https URL' })
    .regex(
      /^[a-z]+:\/\/[^\s/?#@\\]+\/?$/i,
      'an edge has a scheme, a host and perhaps a port, no path and no userinfo: put its token in "token"',
    )
    .describe('scheme, host and port: https, or http to a loopback address'),
  token: z
    .string()
    .min(16, 'a token has at least 16 characters')
    .describe('one of the tokens in the secret EDGEHOP_TOKENS of the worker'),
});

export type NamedEdge = z.infer<typeof namedEdge>;

const agentCache = z.strictObject({
  memoryBytes: octets
    .default(256 * 1024 * 1024)
    .describe('of heads and content in memory; the least recently used are given up for more'),
  diskBytes: z
    .int()
    .nonnegative()
    .default(1024 * 1024 * 1024)
    .describe(
      'of content on disk, where it outlives a restart; the least recently used are given up for more; 0: none',
    ),
  maxEntryBytes: octets
    .default(128 * 1024 * 1024)
    .describe('of the content of one response; a larger one is not stored'),
});

const parent = z
  .string()
  .regex(
    /^(?:(?:https?|socks5h?):\/\/|(?![^/@]*:\/\/))[^\s/?#]\S*$/i,
    'a parent proxy is scheme://user:password@host:port',
  )
  .optional();

export const config = z.strictObject({
  $schema: z.string().optional().describe('a file with what `edgehop config schema` prints, for editors'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('a loopback address; 127.0.0.1 listens on [::1] too'),
      port: port.default(8080).describe('of the proxy; 0 chooses one'),
      controlPort: port.default(8081).describe('of the control interface, on 127.0.0.1; 0 chooses one'),
    })
    .prefault({})
    .describe('where the agent listens'),
  edge: z
    .strictObject({
      use: z
        .string()
        .default('embedded')
        .describe('embedded (workerd on this machine), none (direct only), or the name or URL of a deployed worker'),
      edges: z.array(namedEdge).readonly().default([]).describe('deployed workers, each with a name'),
      fallback: z
        .enum(['direct', 'fail'])
        .default('direct')
        .describe('what becomes of an exchange that the edge cannot carry: it goes directly, or it fails'),
      upstream: z
        .enum(['fetch', 'socket'])
        .default('fetch')
        .describe(
          'how the edge reaches origins: fetch keeps connections; socket makes one for each exchange, which no earlier answer of an origin can spoil',
        ),
    })
    .prefault({})
    .describe('the edge that exchanges go by'),
  parents: z
    .strictObject({
      use: z
        .enum(['auto', 'none'])
        .default('auto')
        .describe(
          'auto: those named here, else those of the environment (HTTPS_PROXY and so on); none: no parent proxy',
        ),
      http: parent.describe('of plain http, as scheme://user:password@host:port; http, https, socks5 or socks5h'),
      https: parent.describe('of https, tunnels and deployed edges'),
      all: parent.describe('of what has none of its own'),
      no: z
        .array(z.string())
        .readonly()
        .optional()
        .describe(
          'destinations without parent: names with all below them, addresses, CIDR ranges, with or without port',
        ),
    })
    .prefault({})
    .describe('parent proxies, through which this machine reaches the network'),
  cache: z
    .strictObject({
      agent: z
        .union([z.literal(false), agentCache], { error: 'it is false, or a section' })
        .prefault(agentCache.parse({}))
        .describe('the store of the agent, in memory and on disk; false: the agent stores nothing'),
      edge: z
        .enum(['auto', 'on', 'off'])
        .default('auto')
        .describe(
          'whether the edge stores, in the best store that it has; auto: unless it is embedded behind a cache of the agent, where it would hold the same again',
        ),
    })
    .prefault({})
    .describe('where responses are kept that may be given again'),
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
    .prefault({})
    .describe('what is let in and where it may go'),
  log: z
    .enum(['pretty', 'json', 'quiet'])
    .default('pretty')
    .describe('what is printed: lines for people, one record a line, or nothing'),
  annotate: z
    .boolean()
    .default(true)
    .describe(
      'add Server-Timing, Proxy-Status and Cache-Status to forwarded responses; the scripts of a site can read them',
    ),
  limits: z
    .strictObject({
      maxConnections: count.default(10_000).describe('of clients, all together; one more is closed at once'),
      maxPipelinedRequests: count
        .default(100)
        .describe('of one client connection, answered or waiting for it; one more is 503, and the connection closes'),
      maxHeadBytes: octets
        .max(maxHeadBytes)
        .default(maxHeadBytes)
        .describe(
          'of a response all of its head, beyond it 502; of a request its target and all names and values, beyond it 431',
        ),
      maxFields: count
        .default(1_000)
        .describe('field lines of one head or trailer section; more are 431 in a request, 502 in a response'),
      maxInterimResponses: count.default(10).describe('responses of status 1xx ahead of a final one; one more is 502'),
      headTimeoutMs: milliseconds
        .default(30_000)
        .describe('for a client to send a whole request head, or a SOCKS5 request; then 408'),
      keepAliveTimeoutMs: milliseconds
        .default(60_000)
        .describe('for a client connection without a request; then it is closed'),
      maxReplayBytes: octets
        .default(1024 * 1024)
        .describe('of the content of a request, kept until the edge has answered, so that it can go directly instead'),
      maxEdgeUploadBytes: octets
        .default(100_000_000)
        .describe('of content that a deployed edge is given; what is larger, or of unknown length, goes directly'),
      originKeepAliveTimeoutMs: milliseconds
        .default(4_000)
        .describe('for a connection to an origin or an edge without an exchange; then it is closed'),
      headDeadlineMs: milliseconds
        .max(maxHeadDeadlineMs)
        .default(60_000)
        .describe('for an origin to answer with its head; then 504'),
      connectTimeoutMs: milliseconds.default(10_000).describe('for a connection to an origin to be made; then 504'),
      idleTimeoutMs: milliseconds
        .default(300_000)
        .describe('without an octet of content in either direction; then the exchange is cut'),
      tunnelIdleTimeoutMs: milliseconds
        .default(900_000)
        .describe('without an octet in either direction of a tunnel; then both connections are reset'),
      dnsTimeoutMs: milliseconds.default(10_000).describe('for the system to look a name up; then 504'),
      dnsMemoryMs: milliseconds.default(5_000).describe('for which an answer of the system is used again'),
      maxRememberedNames: count
        .default(1_000)
        .describe('names whose addresses are remembered; the oldest is forgotten for one more'),
      maxSocketBufferBytes: octets
        .default(64 * 1024)
        .describe('held each way of a connection for the slower side; then the faster side waits'),
      maxEdgeConnections: count.default(256).describe('from the agent to the edge; what needs one more waits'),
      maxOriginConnections: count
        .default(64)
        .describe('from the agent to one origin, by the direct route; what needs one more waits'),
      maxRecentRecords: count
        .max(1_000_000)
        .default(1_000)
        .describe('finished exchanges that the control port can still show; the oldest is forgotten for one more'),
      maxHeldLogCharacters: count
        .max(256 * 1024 * 1024)
        .default(16 * 1024 * 1024)
        .describe('of log lines held for a reader that has stopped reading; lines beyond it are lost'),
      drainTimeoutMs: milliseconds
        .default(30_000)
        .describe('for exchanges in flight when the agent is told to stop; then they are cut'),
    })
    .prefault({})
    .describe('the bound of everything that could grow or wait, with its unit in its name'),
});

export type Config = z.infer<typeof config>;
