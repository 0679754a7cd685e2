// What the phases of the walk hand each other, and what they need from outside: the only file every phase imports.
import type { Readable } from 'node:stream';
import type { Fields } from '../../http/fields.ts';
import type { Framing } from '../../http/framing.ts';
import type { RequestPlan } from '../../http/plan/plan.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcomes } from '../../schemas/cache.ts';
import type { Route, RouteReason, TunnelClose } from '../../schemas/exchange.ts';
import type { PoolOutcome, ReverseRoute } from '../../schemas/pool.ts';
import type { EdgeCache } from '../../schemas/relay.ts';
import type { ShapeOutcome } from '../../schemas/shape.ts';
import type { EdgeStages, StageName } from '../../schemas/stage.ts';
import type { TransformOutcome } from '../../schemas/transform.ts';
import type { UpstreamSocket } from '../../schemas/upstream.ts';

import type { Clock, Instant } from '../clock.ts';
import type { Admit } from './admission.ts';
import type { Arrival } from './arrival.ts';
import type { UpstreamClient } from './upstream-client.ts';
import type { UpstreamResponse } from './upstream-response.ts';

export type {
  Admission,
  Admit,
  Asker,
  Destination,
  DestinationAdmission,
  Judge,
  PlanOf,
  Policy,
  Resolution,
  Resolve,
} from './admission.ts';
export type { Arrival, EarlyAnswer, Message, Reply, RequestHead, UpgradeArrival } from './arrival.ts';
export type { CacheStore, Entry, EntryWriter } from './cache-store.ts';
export type {
  PoolState,
  Pools,
  TakenTarget,
  TargetAnswer,
  TargetExchange,
  TargetPool,
  TargetRequest,
  TargetState,
} from './target-pools.ts';
export type { UpstreamAnswer, UpstreamClient, UpstreamRequest } from './upstream-client.ts';
export { type Content, type Sink, type UpstreamResponse, watched } from './upstream-response.ts';
export type { Clock, Instant };

/** A client's connection to the agent. */
export interface Connection {
  /** Counts up from 1 since the agent's start. */
  readonly number: number;
  readonly address: string;
  readonly port: number;
  readonly acceptedAt: Instant;
  /** Where its TLS was ended here: it stands for this host and port, and for no other. The host is canonical. */
  readonly intercepted?: { readonly host: string; readonly port: number } | undefined;
}

/** One exchange or tunnel in the making: the walk writes into it, the record is read out of it. */
export interface Trace {
  readonly id: string;
  readonly kind: 'exchange' | 'tunnel';
  readonly connection: Connection;
  readonly stamps: Partial<Record<StageName, Instant | undefined>>;
  /** When the first octet of the request came: at or before `request-received`. */
  firstOctetAt: Instant;
  method: string;
  url: string;
  httpVersion: string;
  host: string;
  port: number;
  address: string | undefined;
  addressKnownBy: 'agent-dns' | 'socket' | 'unknown';
  route: Route | undefined;
  edge: EdgeTimes | undefined;
  /** What the caches did; undefined where none was asked. Each tier writes its own part. */
  cache: CacheOutcomes | undefined;
  /** Names of the rules that had a part in it. */
  rules: readonly string[] | undefined;
  /** The URL that a rule put in the place of the one that was asked for. */
  rewrittenUrl: string | undefined;
  transform: TransformOutcome | undefined;
  shape: ShapeOutcome | undefined;
  pool: PoolOutcome | undefined;
  /** Whether it is logged and remembered: always, where it failed, or never. */
  log: 'usual' | 'errors' | 'off';
  response: { readonly status: number; readonly reason: string } | undefined;
  fromClient: number;
  toClient: number;
  retries: number;
  failure: { readonly error: ProxyError; readonly source: 'agent' | 'edge' } | undefined;
  /** From the opening of a tunnel on. */
  tunnel: Tunnel | undefined;
}

/** What a tunnel is, and what became of it. */
export interface Tunnel {
  /** What the client's TLS said in clear, once it did. `alpn`: names of protocols in its order. */
  tls: { readonly serverName: string | undefined; readonly alpn: readonly string[] } | undefined;
  /** Its TLS was ended here: what was inside has records of its own. */
  readonly isIntercepted?: true;
  state:
    | { readonly kind: 'open'; readonly octets: () => { readonly fromClient: number; readonly toClient: number } }
    | { readonly kind: 'closed'; readonly at: Instant; readonly close: TunnelClose };
}

/** The edge's stages by its own clock, and what is known of that clock. Milliseconds. */
export interface EdgeTimes {
  readonly stages: EdgeStages;
  /** The edge's own connection to the origin; absent where it left that to the platform's fetch. */
  readonly upstream?: UpstreamSocket;
  /** The edge's clock less the agent's monotonic one, which no step of the wall clock disturbs. */
  readonly offsetMs: number;
  readonly errorMs: number;
  /** Way to the edge and back, without its own share; absent until one could be measured. */
  readonly roundTrip:
    | { readonly smoothedMs: number; readonly minimumMs: number; readonly latestMs: number }
    | undefined;
}

/** A request whose head is understood: the URL is canonical and is the only text that is judged and sent. */
export interface AcceptedRequest {
  readonly trace: Trace;
  readonly method: string;
  readonly url: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly httpVersion: string;
  /** As received. */
  readonly fields: Fields;
  readonly framing: Exclude<Framing, { kind: 'ambiguous' }>;
  /** The route of our own that the client asked for: then a pool answers, and no proxy was meant. */
  readonly reverse?: ReverseRoute | undefined;
  /** Present where edgehop itself is asked, as a proxy: where the client has reached it, as host:port. */
  readonly reachedAt?: string | undefined;
  readonly content: Readable | undefined;
  /** What came behind chunked content, once that has ended. */
  readonly trailers: () => Fields;
  /** Passes on a response of status 1xx, to a client that knows them. RFC 9110 15.2. */
  readonly interim: (status: number, fields: Fields) => void;
  /** Tells a client that waits for it to send its content. RFC 9110 10.1.1. */
  readonly continue: () => void;
  /** Calls when the client has left before its response was complete. */
  readonly onLeave: (listener: () => void) => void;
}

/** A request as it will go upstream: only end-to-end fields, with this hop added. */
export interface PlannedRequest extends AcceptedRequest {
  /** The destination's addresses as they were judged; none where somebody else is to look it up. */
  readonly addresses: readonly string[];
  /** Whether only the agent can reach the destination: a private name that an exception allows. */
  readonly directOnly: boolean;
  /** The parent proxy that carries it where it goes out from this machine: scheme://host:port. */
  readonly parent: string | undefined;
  readonly forwardFields: Fields;
  /** What rules say of it; undefined where none matches, or none can. */
  readonly plan?: RequestPlan | undefined;
  /** What the edge's cache may do for it: `use` where nothing is said. A revalidation of the agent's says `validate`. */
  readonly edgeCache?: EdgeCache['mode'];
}

export type Accepted =
  | { readonly kind: 'accepted'; readonly request: AcceptedRequest }
  | { readonly kind: 'refused'; readonly error: ProxyError };

export type Plan =
  | { readonly kind: 'forward'; readonly request: PlannedRequest }
  | { readonly kind: 'answer'; readonly ending: Ending | Promise<Ending> };

export type Outcome =
  | { readonly kind: 'response'; readonly response: UpstreamResponse }
  | {
      readonly kind: 'failed';
      readonly error: ProxyError;
      readonly source: 'agent' | 'edge';
      /** Whether the failure allows the request to be sent again: nothing of it can have had an effect. */
      readonly mayRetry: boolean;
      /** Present where it is the edge that failed, so that another route may do better. */
      readonly edgeFault?: EdgeFault;
    };

/** What the client gets: an outcome, or no answer at all, since a rule says so. Then its connection is reset. */
export type Ending = Outcome | Dropped;

/** `error` is for the record: the client is told nothing. */
export interface Dropped {
  readonly kind: 'dropped';
  readonly error: ProxyError;
}

/** What an edge could not do. */
export interface EdgeFault {
  readonly because: RouteReason;
  /** Whether nothing of the request can have reached the origin. */
  readonly isHarmless: boolean;
}

export type Exchange = (request: PlannedRequest, route: Route) => Promise<Outcome>;
export type Forward = (request: PlannedRequest) => Promise<Outcome>;
/** A forward that has some answers at once. */
export type Answer = (request: PlannedRequest) => Promise<Outcome> | Outcome;
/** A forward whose answers have been through the rules, and the simulated network. */
export type Applied = (request: PlannedRequest) => Promise<Ending> | Ending;

/** What happened, told to the log and the control port as it happens. Never awaited, never on the request path. */
export interface Observer {
  connectionAccepted(connection: Connection, active: number): void;
  connectionClosed(connection: Connection, closedAt: Instant, active: number): void;
  /** The head is understood, and who asks, what rules say and where it goes are judged. */
  requestReceived(trace: Trace): void;
  requestRelayed(trace: Trace): void;
  responseReceived(trace: Trace): void;
  /** The client of an open tunnel has said in clear which TLS server it wants. */
  serverNamed(trace: Trace): void;
  /** The record is complete: the response was sent, the tunnel closed, or it failed. */
  finished(trace: Trace): void;
}

/** The edge as the walk sees it. */
export interface EdgeLink {
  readonly name: string;
  readonly embedded: boolean;
  /** Waits until the edge can be asked, or says why it cannot. */
  ready(): Promise<
    | {
        readonly kind: 'ready';
        readonly origin: string;
        readonly host: string;
        readonly client: UpstreamClient;
        readonly token: string;
      }
    | { readonly kind: 'unavailable'; readonly error: ProxyError }
  >;
  /** Tells that the edge did not answer, so that it is looked after. */
  lost(error: ProxyError): void;
  /** Notes an exchange's four timestamps: sent and received by the agent's monotonic clock, the stages by the edge's. */
  timed(sentAt: Instant, stages: EdgeStages, receivedAt: Instant): Omit<EdgeTimes, 'stages' | 'upstream'>;
  /** What really happened, where this machine knows more than the edge could say. */
  explain(
    error: ProxyError,
    reference: string | undefined,
    destination: Pick<AcceptedRequest, 'scheme' | 'host' | 'port'> & Pick<Trace, 'address'>,
  ): Promise<ProxyError>;
}

/** The edges that there are, each by its name. */
export interface Edges {
  /** The one that exchanges go by where no rule says otherwise; nothing where all go directly. */
  readonly inUse: EdgeLink | undefined;
  named(name: string): EdgeLink | undefined;
}

/** Limits that the walk keeps, from the configuration. */
export interface WalkLimits {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  readonly maxInterimResponses: number;
  readonly headDeadlineMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface Ports {
  readonly observer: Observer;
  readonly accept: (arrival: Arrival) => Accepted;
  readonly admit: Admit;
  readonly apply: (request: AcceptedRequest) => Promise<Plan> | Plan;
  readonly applied: (answer: Answer) => Applied;
  readonly cached: (forward: Forward) => Answer;
  readonly routed: (exchange: Exchange) => Forward;
  readonly exchange: Exchange;
  readonly finish: (arrival: Arrival, ending: Ending) => Promise<void> | void;
}
