// The record of an exchange: begun with its first octet, read out as the schema has it.
import { errorShape } from '../../http/proxy-error.ts';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import { edgeStageNames, type StageName, stageNames } from '../../schemas/stage.ts';
import { type Clock, type Instant, isoMicroseconds } from '../clock.ts';
import type { Connection, EdgeTimes, Trace } from './ports.ts';

/** Begins the record of something that came over this connection. */
export function beginTrace(kind: Trace['kind'], id: string, connection: Connection, firstOctetAt: Instant): Trace {
  return {
    id,
    kind,
    connection,
    stamps: { 'client-accepted': connection.acceptedAt },
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
    response: undefined,
    fromClient: 0,
    toClient: 0,
    retries: 0,
    failure: undefined,
  };
}

/** The wall-clock times of all stages that happened, by the agent's clock, in milliseconds since 1970. */
export function stageTimes(trace: Trace, clock: Clock): Partial<Record<StageName, number>> {
  const times: Partial<Record<StageName, number>> = {};
  for (const name of stageNames) {
    const instant = trace.stamps[name];
    if (instant !== undefined) times[name] = clock.wallTime(instant);
  }
  if (trace.edge === undefined) return times;
  for (const name of edgeStageNames) {
    const edgeTime = trace.edge.stages[name];
    if (edgeTime !== undefined) times[name] = clock.wallTime(edgeTime - trace.edge.offsetMs);
  }
  return times;
}

/** First request octet to last response octet, in milliseconds; nothing while the response has not been sent. */
export function roundTripMs(trace: Trace): number | undefined {
  const sentAt = trace.stamps['response-sent'];
  return sentAt === undefined ? undefined : Math.max(0, sentAt - trace.firstOctetAt);
}

/** The record as `schemas/exchange.ts` has it. */
export function recordOf(trace: Trace, clock: Clock): ExchangeRecord {
  const times = stageTimes(trace, clock);
  const roundTrip = roundTripMs(trace);
  const { connection, edge, failure } = trace;
  return {
    id: trace.id,
    kind: trace.kind,
    stages: Object.fromEntries(
      stageNames.flatMap((name) => (times[name] === undefined ? [] : [[name, isoMicroseconds(times[name])]])),
    ),
    ...(roundTrip !== undefined && { roundTripMs: microseconds(roundTrip) }),
    ...(edge !== undefined && {
      clockOffsetMs: microseconds(edge.offsetMs - clock.wallTime(0)),
      clockErrorMs: microseconds(edge.errorMs),
      ...edgeRoundTrip(edge),
    }),
    client: { address: connection.address, port: connection.port, connection: connection.number },
    request: { method: trace.method, url: trace.url, httpVersion: trace.httpVersion },
    ...(trace.response !== undefined && { response: trace.response }),
    ...(trace.route !== undefined && { route: trace.route }),
    ...(trace.host !== '' && {
      destination: {
        host: trace.host,
        port: trace.port,
        ...(trace.address !== undefined && { address: trace.address }),
        knownBy: trace.addressKnownBy,
      },
    }),
    octets: { fromClient: trace.fromClient, toClient: trace.toClient },
    retries: trace.retries,
    ...(failure !== undefined && { error: { ...errorShape(failure.error), source: failure.source } }),
  };
}

function edgeRoundTrip({ roundTrip }: EdgeTimes): Pick<ExchangeRecord, 'edgeRoundTripMs'> {
  if (roundTrip === undefined) return {};
  const { smoothedMs, minimumMs, latestMs } = roundTrip;
  return {
    edgeRoundTripMs: {
      smoothed: microseconds(smoothedMs),
      minimum: microseconds(minimumMs),
      latest: microseconds(latestMs),
    },
  };
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
