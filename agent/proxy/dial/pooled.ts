// Sends a request to a target of its pool, and to another one where that fails and RFC 9110 9.2.2 allows it.
import { hostFieldOf } from '../../../http/authority.ts';
import { isIdempotent } from '../../../http/methods.ts';
import type { PassingHop } from '../../../http/privacy.ts';
import type { ProxyError } from '../../../http/proxy-error.ts';
import { reverseLocation } from '../../../http/reverse-route.ts';
import {
  type Outcome,
  type PlannedRequest,
  type Pools,
  type TakenTarget,
  type TargetAnswer,
  type TargetExchange,
  type TargetPool,
  type UpstreamResponse,
  watched,
} from '../ports.ts';
import { type Replay, replayOf } from './replay.ts';
import { targetRequest } from './target-request.ts';
import { inWords, noPool, unavailable } from './unavailable.ts';

export interface PooledPorts {
  readonly pools: Pools;
  readonly exchange: TargetExchange;
  /** What Forwarded says of this hop and its clients. */
  readonly hop: PassingHop;
  /** Content of a request that is kept until a target has answered. */
  readonly maxReplayBytes: number;
}

/** One request on its way through the targets of its pool. */
interface Journey {
  readonly pool: TargetPool;
  readonly request: PlannedRequest;
  readonly replay: Replay | undefined;
  readonly tried: { readonly target: string; readonly because: string }[];
  /** Those that answered with 502 to 504: it counts against them once another target answers the same request better. */
  readonly doubtful: { readonly taken: TakenTarget; readonly because: string }[];
}

/** Gives what the pool of a reverse route answers. Everything that was tried stands in the record. */
export function createPooled(ports: PooledPorts): (request: PlannedRequest) => Promise<Outcome> {
  return async (request) => {
    const { trace, content, url } = request;
    const pool = request.reverse === undefined ? undefined : ports.pools.of(request.reverse.pool);
    if (pool === undefined) return failed(noPool());
    const replay = content === undefined ? undefined : replayOf(content, ports.maxReplayBytes);
    const journey: Journey = { pool, request, replay, tried: [], doubtful: [] };
    const key = { client: trace.connection.address, url };
    trace.route = { kind: 'direct', because: 'pool' };
    trace.pool = { name: pool.name, tried: journey.tried };
    pool.asked();
    for (let taken = pool.take(key, []); taken !== undefined; taken = pool.take(key, namesOf(journey))) {
      trace.pool = { name: pool.name, target: taken.origin, tried: journey.tried };
      const answer = await asked(ports, journey, taken);
      const { outcome } = answer;
      const shortcoming = shortcomingOf(journey, taken, answer);
      if (shortcoming === undefined) return delivered(request, taken, outcome);
      const isLast = !pool.hasOther([...namesOf(journey), taken.origin]);
      const isKept =
        outcome.kind === 'response' ? isLast || !mayGoOn(journey, answer) : !isLast && !mayGoOn(journey, answer);
      if (isKept) return delivered(request, taken, outcome);
      journey.tried.push({ target: taken.origin, because: shortcoming });
      cancel(outcome);
      taken.release();
      if (!isLast) trace.retries++;
    }
    return failed(unavailable(pool, journey.tried));
  };
}

function namesOf({ tried }: Journey): readonly string[] {
  return tried.map(({ target }) => target);
}

/** A kept connection that was just closing says nothing of its target, so that it is asked once more. */
async function asked(ports: PooledPorts, journey: Journey, taken: TakenTarget): Promise<TargetAnswer> {
  const { pool, request, replay } = journey;
  const target = targetRequest(pool, taken.origin, request, ports.hop);
  const answer = await ports.exchange(withContent(request, replay), target);
  if (answer.progress !== 'stale' || !isRepeatable(journey, answer.progress)) return answer;
  request.trace.retries++;
  return ports.exchange(withContent(request, replay), target);
}

/** Why another target may do better, as a fragment for people; nothing where the client gets the outcome as it is. */
function shortcomingOf(journey: Journey, taken: TakenTarget, { outcome, progress }: TargetAnswer): string | undefined {
  if (outcome.kind === 'response') {
    const { status } = outcome.response;
    if (!gatewayStatuses.has(status)) {
      for (const earlier of journey.doubtful) earlier.taken.failed(earlier.because);
      taken.answered();
      return undefined;
    }
    const because = `it answered with ${status}`;
    journey.doubtful.push({ taken, because });
    return isRepeatable(journey, progress) ? because : undefined;
  }
  const { error } = outcome;
  if (neutral.has(error.type)) return undefined;
  const because = inWords(error);
  if (error.type !== 'connection_limit_reached') taken.failed(because); // there are no more connections because it works
  return isRepeatable(journey, progress) && (progress === 'unsent' || brokenOff.has(error.type)) ? because : undefined;
}

/** RFC 9110 15.6.3 to 15.6.5: the target is a gateway itself, or is busy. */
const gatewayStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

/** The client has left or has sent something wrong, the agent stops, or a rule asks too much: none of it is the target's. */
const neutral: ReadonlySet<string> = new Set([
  'http_request_error',
  'proxy_internal_response',
  'proxy_configuration_error',
]);

/** The connection is gone. A target that is only slow may still be at work, and the next one is not to be so too. */
const brokenOff: ReadonlySet<string> = new Set([
  'connection_terminated',
  'destination_unavailable',
  'http_response_incomplete',
]);

/** RFC 9110 9.2.2, and only with the whole content. */
function isRepeatable({ request, replay }: Journey, progress: TargetAnswer['progress']): boolean {
  if (replay?.state === 'lost') return false;
  const isUnread = replay === undefined || replay.state === 'untouched';
  return (progress === 'unsent' && isUnread) || isIdempotent(request.method);
}

/** Within the bound of tries; and within the budget, unless nothing was sent, for that is no load for anybody. */
function mayGoOn({ pool, tried }: Journey, { progress }: TargetAnswer): boolean {
  return tried.length + 1 < pool.maxTries && (progress === 'unsent' || pool.mayGoAgain());
}

/** The outcome as the client gets it. The exchange at the target is over when its content is. */
function delivered(request: PlannedRequest, taken: TakenTarget, outcome: Outcome): Outcome {
  if (outcome.kind === 'failed' || outcome.response.content.kind === 'none') taken.release();
  if (outcome.kind === 'failed') return outcome;
  const { response } = outcome;
  const fields = response.fields.some(([name]) => isLocation(name))
    ? ledBack(request, taken, response)
    : response.fields;
  const { content } = response;
  if (content.kind === 'none') return { kind: 'response', response: { ...response, fields } };
  const source = watched(content.source, (error) => {
    if (error !== undefined && !neutral.has(error.type)) taken.failed(inWords(error));
    taken.release();
  });
  return { kind: 'response', response: { ...response, fields, content: { ...content, source } } };
}

/** RFC 9110 10.2.2, 8.7: what a target says by its own address leads its client astray. */
function ledBack(request: PlannedRequest, { origin }: TakenTarget, { fields }: UpstreamResponse) {
  const { reverse, scheme, host, port } = request;
  if (reverse === undefined) return fields;
  const hop = { targetOrigin: origin, clientOrigin: `${scheme}://${hostFieldOf(scheme, host, port)}`, route: reverse };
  return fields.map(([name, value]) => [name, isLocation(name) ? reverseLocation(value, hop) : value] as const);
}

function isLocation(name: string): boolean {
  return /^(?:content-)?location$/i.test(name);
}

function withContent(request: PlannedRequest, replay: Replay | undefined): PlannedRequest {
  return replay === undefined ? request : { ...request, content: replay.open() };
}

function cancel(outcome: Outcome): void {
  if (outcome.kind === 'response' && outcome.response.content.kind === 'some') outcome.response.content.source.cancel();
}

function failed(error: ProxyError): Outcome {
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
