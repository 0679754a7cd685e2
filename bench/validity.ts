// Judges whether a measurement counts: every answer right, every answer from the origin, every exchange logged.
import type { Load } from './load.ts';
import { contentOctets } from './target.ts';

export interface Evidence {
  readonly load: Load;
  readonly connections: number;
  /** A read error for each exchange is then how the target works. */
  readonly closesUnannounced: boolean;
  /** Requests that the origin has received meanwhile. */
  readonly originRequests: number;
  /** New lines in the log of a target that writes one. */
  readonly logLines?: number;
}

/** Why the measurement does not count; nothing when it does. */
export function objections(evidence: Evidence): readonly string[] {
  const { load, connections, closesUnannounced, originRequests, logLines } = evidence;
  const { requests, octets, errors } = load;
  const { connect, write, timeout } = errors;
  const read = closesUnannounced && errors.read <= requests + connections ? 0 : errors.read;
  return [
    ...(requests === 0 ? ['no request was answered'] : []),
    ...(errors.status > 0 ? [`${errors.status} answers of status 400 or above`] : []),
    ...Object.entries({ connect, read, write, timeout })
      .filter(([, times]) => times > 0)
      .map(([kind, times]) => `${times} socket errors (${kind})`),
    ...(octets < requests * contentOctets ? [`${requests} answers, but only ${octets} octets`] : []),
    // A worker says 200 even when it has failed, and a cache would answer by itself.
    ...(originRequests < requests ? [`${requests} answers, but only ${originRequests} requests at the origin`] : []),
    ...(logLines !== undefined && logLines < requests ? [`${requests} answers, but only ${logLines} log lines`] : []),
  ];
}
