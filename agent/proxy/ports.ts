// What the phases of the walk hand each other, and what they need from outside: the only file every phase imports.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { DestinationPolicy } from '../../http/destination.ts';
import type { Fields } from '../../http/fields.ts';
import type { Framing } from '../../http/framing.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcomes } from '../../schemas/cache.ts';
import type { Route, RouteReason, TunnelClose } from '../../schemas/exchange.ts';
import type { EdgeCache } from '../../schemas/relay.ts';
import type { EdgeStages, StageName } from '../../schemas/stage.ts';
import type { UpstreamSocket } from '../../schemas/upstream.ts';

import type { Clock, Instant } from '../clock.ts';
import type { UpstreamClient } from './upstream-client.ts';

export type { CacheStore, Entry, EntryWriter } from './cache-store.ts';
export type { UpstreamAnswer, UpstreamClient, UpstreamRequest } from './upstream-client.ts';
export type { Clock, Instant };

/** A client's connection to the agent. */
export interface Connection {
  /** Counts up from 1 since the agent's start. */
  readonly number: number;
  readonly address: string;
  readonly port: number;
  readonly acceptedAt: Instant;
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

/** One request that has arrived, with where its answer goes. */
export interface Arrival {
  readonly trace: Trace;
  readonly message: IncomingMessage;
  readonly reply: ServerResponse;
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

/** A request that may go on. */
export interface AdmittedRequest extends AcceptedRequest {
  /** The destination's addresses as they were judged; none where somebody else is to look it up. */
  readonly addresses: readonly string[];
  /** Whether only the agent can reach the destination: a private name that an exception allows. */
  readonly directOnly: boolean;
  /** The parent proxy that carries it where it goes out from this machine: scheme://host:port. */
  readonly parent: string | undefined;
}

/** A request as it will go upstream: only end-to-end fields, with this hop added. */
export interface PlannedRequest extends AdmittedRequest {
  readonly forwardFields: Fields;
  /** What the edge's cache may do for it: `use` where nothing is said. A revalidation of the agent's says `validate`. */
  readonly edgeCache?: EdgeCache['mode'];
}

export type Accepted =
  | { readonly kind: 'accepted'; readonly request: AcceptedRequest }
  | { readonly kind: 'refused'; readonly error: ProxyError };

export type Admission =
  | { readonly kind: 'admitted'; readonly request: AdmittedRequest }
  | { readonly kind: 'refused'; readonly error: ProxyError };

export type Plan =
  | { readonly kind: 'forward'; readonly request: PlannedRequest }
  | { readonly kind: 'answer'; readonly outcome: Outcome };

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

/** What an edge could not do. */
export interface EdgeFault {
  readonly because: RouteReason;
  /** Whether nothing of the request can have reached the origin. */
  readonly isHarmless: boolean;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly reason: string;
  /** As the origin sent them. */
  readonly fields: Fields;
  /** It is made of a stored one: its fields are end-to-end, and the request has no content. */
  readonly isStored?: true;
  /** `none`: no content. `undefined` octets: the length is not known before the end. */
  readonly content:
    | { readonly kind: 'none' }
    | {
        readonly kind: 'some';
        readonly octets: number | undefined;
        readonly source: Content;
        /** All of it, where that is in memory already and no trailers follow: then `source` need not flow. */
        readonly held?: Buffer | undefined;
      };
}

/** Content on its way. It flows once, into one sink, and holds at most a bounded piece until then. */
export interface Content {
  flow(sink: Sink): void;
  /** Goes on after `write` has answered false. */
  resume(): void;
  /** The sink wants no more. Ends the upstream's sending at once. */
  cancel(): void;
}

export interface Sink {
  /** Takes some octets; false asks to wait for `resume`. */
  write(octets: Buffer): boolean;
  /** The content is complete. */
  end(trailers: Fields): void;
  /** The content ends here although it is not complete. */
  fail(error: ProxyError): void;
}

export type Exchange = (request: PlannedRequest, route: Route) => Promise<Outcome>;
export type Forward = (request: PlannedRequest) => Promise<Outcome>;
/** A forward that has some answers at once. */
export type Answer = (request: PlannedRequest) => Promise<Outcome> | Outcome;

/** What happened, told to the log and the control port as it happens. Never awaited, never on the request path. */
export interface Observer {
  connectionAccepted(connection: Connection, active: number): void;
  connectionClosed(connection: Connection, closedAt: Instant, active: number): void;
  /** The head is understood and the destination judged. */
  requestReceived(trace: Trace): void;
  requestRelayed(trace: Trace): void;
  responseReceived(trace: Trace): void;
  /** The client of an open tunnel has said in clear which TLS server it wants. */
  serverNamed(trace: Trace): void;
  /** The record is complete: the response was sent, the tunnel closed, or it failed. */
  finished(trace: Trace): void;
}

/** Looks a name up. Every answer, in the resolver's order; at once where it is remembered. */
export type Resolve = (host: string) => Resolution | Promise<Resolution>;

export type Resolution =
  | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** The policy on destinations, read anew for each request. */
export type Policy = () => DestinationPolicy;

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
  readonly admit: (request: AcceptedRequest) => Promise<Admission> | Admission;
  readonly apply: (request: AdmittedRequest) => Plan;
  readonly cached: (forward: Forward) => Answer;
  readonly routed: (exchange: Exchange) => Forward;
  readonly exchange: Exchange;
  readonly finish: (arrival: Arrival, outcome: Outcome) => Promise<void> | void;
}
