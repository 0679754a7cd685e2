// The configuration file `edgehop.jsonc`: every key has a default, an empty file is valid, an unknown key is an error.
import * as z from 'zod';
import { admit } from './admit.ts';
import { intercept, trust } from './intercept.ts';
import { limits } from './limits.ts';
import { hostList } from './list.ts';
import { pool, reverseRoute } from './pool.ts';
import { rule } from './rule.ts';

const octets = z.int().positive();
const port = z.int().min(0).max(65535);

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
      host: z
        .string()
        .default('127.0.0.1')
        .describe(
          'a loopback address, of which 127.0.0.1 listens on [::1] too; any other needs `admit.credentials` or `admit.clients.allow`',
        ),
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
  admit,
  intercept,
  trust,
  rules: z.array(rule).max(10_000).readonly().default([]).describe('what becomes of which requests'),
  lists: z
    .record(z.string().min(1), hostList)
    .default({})
    .describe('lists of host names for the rules, by their names'),
  pools: z
    .record(z.string().min(1), pool)
    .default({})
    .describe('targets among which requests are balanced, by the names of the pools'),
  reverse: z
    .array(reverseRoute)
    .readonly()
    .default([])
    .describe('requests for these hosts and paths go to a pool; the first that fits'),
  privacy: z
    .strictObject({
      via: z
        .enum(['on', 'pseudonym', 'off'])
        .default('pseudonym')
        .describe(
          'how Via names this proxy to origins. pseudonym: by a name made anew at each start; on: by that and the name of this machine; off: not at all',
        ),
      forwarded: z
        .enum(['on', 'pseudonym', 'off'])
        .default('off')
        .describe(
          'whether Forwarded tells origins the address of the client, a pseudonym of it, or nothing; where it tells, the caches store nothing',
        ),
    })
    .prefault({})
    .describe('what origins are told of this machine and its clients'),
  pac: z
    .strictObject({
      privateDestinations: z
        .enum(['refuse', 'direct'])
        .default('refuse')
        .describe(
          'names that no public DNS has (below .internal, .intranet, .corp, .home, .lan, .test and their like). refuse: they go to the proxy, which refuses them unless `admit.destinations` allows them; direct: browsers ask them without the proxy',
        ),
      direct: z
        .array(z.string())
        .max(1_000)
        .readonly()
        .default([])
        .describe(
          'what else browsers ask without the proxy, written as in `admit.destinations.allow`: names of your intranet that public DNS has too, as `*.corp.example`',
        ),
    })
    .prefault({})
    .describe('what `/proxy.pac` tells browsers and systems'),
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
  limits: limits.prefault({}).describe('the bound of everything that could grow or wait, with its unit in its name'),
});

export type Config = z.infer<typeof config>;
