// What the two halves' own interfaces answer: the worker's hello, the agent's readiness and state, and problems.
import * as z from 'zod';
import { exchangeRecord } from './exchange.ts';
import { fields } from './relay.ts';
import { isoTime } from './stage.ts';

/** Where an edge may keep responses. */
export const cacheStores = ['none', 'memory', 'cache-api', 'r2'] as const;

export type CacheStoreName = (typeof cacheStores)[number];

/** `GET /v1/hello` of the worker. */
export const hello = z.strictObject({
  version: z.literal(1),
  limits: z.strictObject({
    maxHeadBytes: z.int(),
    maxEnvelopeBytes: z.int(),
  }),
  colo: z.string().optional(),
  /** Where its cache keeps responses. `memory` is that of one isolate, of which a data centre has several. */
  cacheStore: z.enum(cacheStores),
  tunnels: z.boolean(),
  /** The edge's clock, in milliseconds since 1970. */
  edgeTimeMs: z.number(),
});

export type Hello = z.infer<typeof hello>;

/**
 * `GET /v1/whoami` of the worker: what it sees of who called it. Absent is what the platform did not say; an embedded edge
 * has no platform in front of it.
 */
export const edgeWhoami = z.strictObject({
  /** As the platform names the caller in CF-Connecting-IP. */
  address: z.string().optional(),
  httpVersion: z.string().optional(),
  tls: z.strictObject({ version: z.string(), cipher: z.string().optional() }).optional(),
  colo: z.string().optional(),
  country: z.string().optional(),
  /** The number of the network (RFC 1930) that the address belongs to. */
  asn: z.int().optional(),
  /** As they came in, by name; the credential of Authorization is left out. */
  fields,
});

export type EdgeWhoami = z.infer<typeof edgeWhoami>;

/** `GET /ready` on the control port. 200 when `ready`, else 503. */
export const readiness = z.strictObject({
  ready: z.boolean(),
  agent: z.enum(['listening', 'draining']),
  edge: z.enum(['none', 'starting', 'ready', 'unavailable']),
  /** `last-good`: the file is not right as it stands now, so that what it said before is in force. */
  configuration: z.enum(['current', 'last-good']),
});

export type Readiness = z.infer<typeof readiness>;

/** `GET http://edgehop.internal/status`: what everybody may know who may use the proxy. */
export const ownStatus = z.strictObject({
  version: z.string(),
  ready: z.boolean(),
  agent: readiness.shape.agent,
  edge: z.strictObject({ kind: z.enum(['embedded', 'deployed', 'none']), state: readiness.shape.edge }),
});

export type OwnStatus = z.infer<typeof ownStatus>;

/** `GET /v1/config` on the control port: which configuration is in force. */
export const configurationState = z.strictObject({
  /** The file; absent where there is none. */
  path: z.string().optional(),
  /** When what is in force was put in force. */
  loadedAt: isoTime,
  /** Why what the file says now is not in force. */
  problem: z.string().optional(),
  /** Keys that have changed since the start, and are heeded from the next one on. */
  later: z.array(z.string()).readonly(),
});

export type ConfigurationState = z.infer<typeof configurationState>;

/** The most records that `GET /v1/exchanges/open` answers with. */
export const maxOpenListed = 1_000;

/** `GET /v1/exchanges/open?limit=N` on the control port: exchanges and tunnels that are going on, newest first. */
export const openExchanges = z.strictObject({
  /** How many there are. */
  count: z.int().nonnegative(),
  /** At most as many as were asked for: 100 when nothing was said. */
  exchanges: z.array(exchangeRecord).max(maxOpenListed).readonly(),
});

export type OpenExchanges = z.infer<typeof openExchanges>;

/** `GET /v1/exchanges/recent?limit=N` on the control port: those that ended last, newest first. At most as many as of open ones. */
export const recentExchanges = z.strictObject({ exchanges: z.array(exchangeRecord).max(maxOpenListed).readonly() });

export type RecentExchanges = z.infer<typeof recentExchanges>;

/** What a running agent leaves in the state folder for the verbs that talk to it. Readable by its owner only. */
export const agentState = z.strictObject({
  pid: z.int(),
  host: z.string(),
  port: z.int(),
  controlPort: z.int(),
  /** Asked for by every path of the control port but `/ready` and `/proxy.pac`. */
  controlToken: z.string(),
  /** The embedded edge's process, to be ended by the next start if this agent was killed. */
  edgePid: z.int().optional(),
});

export type AgentState = z.infer<typeof agentState>;

/** RFC 9457 problem details, as both halves answer them. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  advice: z.string().optional(),
  exchange: z.string().optional(),
});

export type Problem = z.infer<typeof problem>;

/** What `edgehop get --json` prints. Times are this machine's, ISO 8601 with microseconds. */
export const getReport = z.strictObject({
  machine: z.strictObject({
    hostname: z.string(),
    address: z.string().optional(),
    mac: z.string().optional(),
    card: z.string().optional(),
    /** Whether the MAC is that of a physical card; `because` says why not, or how it was chosen. */
    physical: z.boolean(),
    because: z.string(),
  }),
  request: z.strictObject({ method: z.string(), url: z.string(), fields, sentAt: isoTime }),
  response: z.strictObject({
    status: z.int(),
    reason: z.string(),
    httpVersion: z.string(),
    fields,
    receivedAt: isoTime,
    endedAt: isoTime,
    octets: z.int(),
    /** The content where it is text; absent when it was saved, is not text or is large. */
    text: z.string().optional(),
  }),
  /** First octet of the request sent to last octet of the response received, as `get` itself saw it. */
  roundTripMs: z.number(),
  /** The agent's record; absent without an agent. */
  exchange: exchangeRecord.optional(),
});

export type GetReport = z.infer<typeof getReport>;

/** What `edgehop ping` times of an attempt, in this order, and all of it together. */
export const pingPhases = ['proxy', 'connect', 'tls', 'http', 'total'] as const;

export type PingPhase = (typeof pingPhases)[number];

/** In milliseconds with microseconds. `samples` are in the order of the attempts. */
const pingTimes = z.strictObject({
  min: z.number(),
  median: z.number(),
  p95: z.number(),
  max: z.number(),
  samples: z.array(z.number()).readonly(),
});

/** What came of the attempts by one route. */
export const pingRoute = z.strictObject({
  route: z.enum(['proxy', 'direct']),
  /** For people, such as `through the agent on port 8080`. */
  name: z.string(),
  /** The addresses that were connected to; by a proxy only that one knows them. */
  addresses: z.array(z.string()).readonly().optional(),
  /** How long it took to look the name up, once before the attempts. */
  lookupMs: z.number().optional(),
  attempts: z.int(),
  failures: z
    .array(z.strictObject({ phase: z.enum(pingPhases), because: z.string(), count: z.int().positive() }))
    .readonly(),
  /** Status of the response to how often it came. */
  statuses: z.record(z.string(), z.int().positive()).optional(),
  /** Of the attempts that came through; a phase that was not asked for is absent. */
  phases: z.partialRecord(z.enum(pingPhases), pingTimes),
});

export type PingRoute = z.infer<typeof pingRoute>;

/** What `edgehop ping --json` prints. */
export const pingReport = z.strictObject({
  target: z.string(),
  /** What each attempt did after it was connected. */
  tls: z.boolean(),
  http: z.strictObject({ method: z.enum(['HEAD', 'GET']), path: z.string() }).optional(),
  routes: z.array(pingRoute).readonly(),
});

export type PingReport = z.infer<typeof pingReport>;
