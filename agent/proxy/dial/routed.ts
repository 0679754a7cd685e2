// Chooses the route of an exchange, sends it again where RFC 9110 allows it, and goes another way where the edge cannot.
import { isIdempotent } from '../../../http/methods.ts';
import type { Route } from '../../../schemas/exchange.ts';
import type { Clock, EdgeLink, Exchange, Forward, Outcome, PlannedRequest } from '../ports.ts';
import { createHealing, type Healing } from './healing.ts';
import { type Replay, replayOf } from './replay.ts';

export interface RoutedPorts {
  readonly clock: Clock;
  readonly edge: EdgeLink | undefined;
  /** What becomes of an exchange that the edge cannot carry. */
  readonly fallback: 'direct' | 'fail';
  readonly limits: RoutedLimits;
}

export interface RoutedLimits {
  /** Content of a request that is kept until the edge has answered. */
  readonly maxReplayBytes: number;
  /** The largest content that a deployed edge takes. */
  readonly maxEdgeUploadBytes: number;
}

/** How often one request is sent again by the same route. */
const maxRetries = 1;

/** Wraps an exchange with the choice of its route. Every route that is taken stands in the record with its reason. */
export function createRouted(ports: RoutedPorts): (exchange: Exchange) => Forward {
  const { clock, edge, fallback, limits } = ports;
  const healing = createHealing(clock);
  const healed = async (exchange: Exchange, request: PlannedRequest, route: Route) => {
    const replay = request.content === undefined ? undefined : replayOf(request.content, limits.maxReplayBytes);
    const outcome = await attempted(exchange, withContent(request, replay), route);
    if (outcome.kind !== 'failed' || outcome.edgeFault === undefined) return outcome;
    const { because, isHarmless } = outcome.edgeFault;
    healing.note(request.host, because);
    if (!mayGoAgain(request, replay, isHarmless)) return outcome;
    request.trace.edge = undefined;
    return attempted(exchange, withContent(request, replay), direct(request, because));
  };
  return (exchange) => (request) => {
    const route = chooseRoute(request, edge, fallback === 'direct' ? { healing, limits } : undefined);
    if (route.kind === 'direct' || fallback === 'fail') return attempted(exchange, request, route);
    return healed(exchange, request, route);
  };
}

async function attempted(exchange: Exchange, request: PlannedRequest, route: Route): Promise<Outcome> {
  const { trace } = request;
  trace.route = route;
  let outcome = await exchange(request, route);
  while (outcome.kind === 'failed' && outcome.mayRetry && trace.retries < maxRetries) {
    trace.retries++;
    outcome = await exchange(request, route);
  }
  return outcome;
}

/** RFC 9110 9.2.2, and only with the whole content. */
function mayGoAgain({ method }: PlannedRequest, replay: Replay | undefined, isHarmless: boolean): boolean {
  if (replay?.state === 'lost') return false;
  const isUnread = replay === undefined || replay.state === 'untouched';
  return (isUnread && isHarmless) || isIdempotent(method);
}

function withContent(request: PlannedRequest, replay: Replay | undefined): PlannedRequest {
  return replay === undefined ? request : { ...request, content: replay.open() };
}

/** The route of a request. Without `heals` the edge is asked whatever it could do before. */
export function chooseRoute(
  request: Pick<PlannedRequest, 'directOnly' | 'parent' | 'host' | 'framing'>,
  edge: Pick<EdgeLink, 'name' | 'embedded'> | undefined,
  heals?: { readonly healing: Pick<Healing, 'of'>; readonly limits: RoutedLimits },
): Route {
  if (edge === undefined) return direct(request, 'no-edge');
  if (request.directOnly) return direct(request, 'private-destination');
  // workerd dials by itself, and knows no parents
  if (edge.embedded && request.parent !== undefined) return direct(request, 'parent-proxy');
  if (heals !== undefined) {
    if (!edge.embedded && isTooLarge(request, heals.limits)) return direct(request, 'edge-upload-limit');
    const because = heals.healing.of(request.host);
    if (because !== undefined) return direct(request, because);
  }
  return { kind: 'edge', edge: edge.name, because: 'configured' };
}

/** Content of unknown length may become too large when it is too late to send it again. */
function isTooLarge({ framing }: Pick<PlannedRequest, 'framing'>, { maxEdgeUploadBytes }: RoutedLimits): boolean {
  return framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets > maxEdgeUploadBytes);
}

function direct({ parent }: Pick<PlannedRequest, 'parent'>, because: Route['because']): Route {
  if (because === 'no-edge' && parent === undefined) return withoutEdge;
  return parent === undefined ? { kind: 'direct', because } : { kind: 'direct', because, parent };
}

const withoutEdge: Route = { kind: 'direct', because: 'no-edge' };
