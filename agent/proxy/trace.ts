// The record of an exchange: begun with its first octet, read out as the schema has it.
import { errorShape } from '../../http/proxy-error.ts';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import type { StageName } from '../../schemas/stage.ts';
import { type Clock, type Instant, isoMicroseconds } from '../clock.ts';
import type { Connection, EdgeTimes, Trace, Tunnel } from './ports.ts';

/** Begins the record of something that came over this connection. */
export function beginTrace(kind: Trace['kind'], id: string, connection: Connection, firstOctetAt: Instant): Trace {
  return {
    id,
    kind,
    connection,
    stamps: {
      'client-accepted': connection.acceptedAt,
      'request-received': undefined,
      'request-relayed': undefined,
      'response-received': undefined,
      'response-sent': undefined,
    },
    firstOctetAt,
    method: '',
    url: '',
    httpVersion: '',
    host: '',
    port: 0,
    address: undefined,
    addressKnownBy: 'unknown',
    route: undefined,
    edge: undefined,
    cache: undefined,
    rules: undefined,
    rewrittenUrl: undefined,
    transform: undefined,
    shape: undefined,
    pool: undefined,
    log: 'usual',
    response: undefined,
    fromClient: 0,
    toClient: 0,
    retries: 0,
    failure: undefined,
    tunnel: undefined,
  };
}

/** The wall-clock times of all stages that happened, by the agent's clock, in milliseconds since 1970. */
export function stageTimes({ stamps, edge }: Trace, clock: Clock): Complete<Partial<Record<StageName, number>>> {
  const own = (instant: Instant | undefined) => (instant === undefined ? undefined : clock.wallTime(instant));
  const mapped = (edgeTime: number | undefined) => (edgeTime === undefined ? undefined : own(edgeTime - offsetMs));
  const { offsetMs = 0, stages }: Partial<EdgeTimes> = edge ?? {};
  return {
    'client-accepted': own(stamps['client-accepted']),
    'request-received': own(stamps['request-received']),
    'request-relayed': own(stamps['request-relayed']),
    'edge-received': mapped(stages?.['edge-received']),
    'upstream-requested': mapped(stages?.['upstream-requested']),
    'upstream-responded': mapped(stages?.['upstream-responded']),
    'edge-returned': mapped(stages?.['edge-returned']),
    'response-received': own(stamps['response-received']),
    'response-sent': own(stamps['response-sent']),
  };
}

/** First request octet to last response octet, in milliseconds; nothing while the response has not been sent. */
export function roundTripMs(trace: Trace): number | undefined {
  const sentAt = trace.stamps['response-sent'];
  return sentAt === undefined ? undefined : Math.max(0, sentAt - trace.firstOctetAt);
}

/** From the opening of a tunnel to its close, or until now, in milliseconds; nothing where none was opened. */
export function tunnelDurationMs({ stamps, tunnel }: Trace, clock: Clock): number | undefined {
  const openedAt = stamps['response-sent'];
  if (tunnel === undefined || openedAt === undefined) return undefined;
  const until = tunnel.state.kind === 'closed' ? tunnel.state.at : clock.now();
  return Math.max(0, until - openedAt);
}

/** What may be absent is undefined: all have one shape, which is made and printed fastest, and JSON leaves it out. */
type Complete<T> = { [K in keyof Required<T>]: T[K] | undefined };

/** The record as `schemas/exchange.ts` has it, once it is JSON. */
export function recordOf(trace: Trace, clock: Clock): ExchangeRecord {
  const { connection, edge, failure } = trace;
  const record: Complete<ExchangeRecord> = {
    id: trace.id,
    kind: trace.kind,
    stages: isoStages(trace, clock),
    roundTripMs: microseconds(roundTripMs(trace)),
    clockOffsetMs: edge === undefined ? undefined : microseconds(edge.offsetMs - clock.wallTime(0)),
    clockErrorMs: microseconds(edge?.errorMs),
    edgeRoundTripMs: edgeRoundTrip(edge),
    client: { address: connection.address, port: connection.port, connection: connection.number },
    request: { method: trace.method, url: trace.url, httpVersion: trace.httpVersion },
    response: trace.response,
    route: trace.route,
    destination: destinationOf(trace),
    upstream: edge?.upstream,
    cache: trace.cache,
    rules: trace.rules,
    rewrittenUrl: trace.rewrittenUrl,
    transform: trace.transform,
    shape: trace.shape,
    pool: trace.pool,
    octets: octetsOf(trace),
    tunnel: trace.tunnel === undefined ? undefined : tunnelOf(trace, trace.tunnel, clock),
    retries: trace.retries,
    error: failure === undefined ? undefined : { ...errorShape(failure.error), source: failure.source },
  };
  return record as ExchangeRecord;
}

function isoStages(trace: Trace, clock: Clock): ExchangeRecord['stages'] {
  const times = stageTimes(trace, clock);
  const stages: Complete<ExchangeRecord['stages']> = {
    'client-accepted': iso(times['client-accepted']),
    'request-received': iso(times['request-received']),
    'request-relayed': iso(times['request-relayed']),
    'edge-received': iso(times['edge-received']),
    'upstream-requested': iso(times['upstream-requested']),
    'upstream-responded': iso(times['upstream-responded']),
    'edge-returned': iso(times['edge-returned']),
    'response-received': iso(times['response-received']),
    'response-sent': iso(times['response-sent']),
  };
  return stages as ExchangeRecord['stages'];
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : isoMicroseconds(time);
}

function destinationOf({ host, port, address, addressKnownBy }: Trace): ExchangeRecord['destination'] {
  if (host === '') return undefined;
  const destination: Complete<NonNullable<ExchangeRecord['destination']>> = {
    host,
    port,
    address,
    knownBy: addressKnownBy,
  };
  return destination as NonNullable<ExchangeRecord['destination']>;
}

function edgeRoundTrip(edge: EdgeTimes | undefined): ExchangeRecord['edgeRoundTripMs'] {
  if (edge?.roundTrip === undefined) return undefined;
  const { smoothedMs, minimumMs, latestMs } = edge.roundTrip;
  return {
    smoothed: microseconds(smoothedMs),
    minimum: microseconds(minimumMs),
    latest: microseconds(latestMs),
  };
}

function octetsOf({ tunnel, fromClient, toClient }: Trace): ExchangeRecord['octets'] {
  return tunnel?.state.kind === 'open' ? tunnel.state.octets() : { fromClient, toClient };
}

function tunnelOf(
  trace: Trace,
  { tls, isIntercepted, state }: Tunnel,
  clock: Clock,
): NonNullable<ExchangeRecord['tunnel']> {
  return {
    durationMs: microseconds(tunnelDurationMs(trace, clock) ?? 0),
    ...(tls !== undefined && {
      tls: {
        ...(tls.serverName !== undefined && { serverName: tls.serverName }),
        ...(tls.alpn.length > 0 && { alpn: tls.alpn }),
      },
    }),
    ...(isIntercepted === true && { intercepted: true }),
    ...(state.kind === 'closed' && { closedAt: isoMicroseconds(clock.wallTime(state.at)), close: state.close }),
  };
}

function microseconds(milliseconds: number): number;
function microseconds(milliseconds: number | undefined): number | undefined;
function microseconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 1000) / 1000;
}
