// Sends a request by the route that is chosen for it, again where RFC 9110 allows it, and another way where the edge cannot.
import { isIdempotent } from '../../../http/methods.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Route } from '../../../schemas/exchange.ts';
import type { Clock, Edges, Exchange, Forward, Outcome, PlannedRequest } from '../ports.ts';
import { type ChoiceLimits, chooseRoute, direct } from './choice.ts';
import { createHealing, type Healing } from './healing.ts';
import { type Replay, replayOf } from './replay.ts';

export interface RoutedPorts {
  readonly clock: Clock;
  readonly edges: Edges;
  /** What becomes of an exchange that the edge cannot carry, where no rule says otherwise. */
  readonly fallback: 'direct' | 'fail';
  readonly limits: RoutedLimits;
  /** Carries the requests of reverse routes. */
  readonly pooled?: ((request: PlannedRequest) => Promise<Outcome>) | undefined;
}

export interface RoutedLimits extends ChoiceLimits {
  /** Content of a request that is kept until the edge has answered. */
  readonly maxReplayBytes: number;
}

/** How often one request is sent again by the same route. */
const maxRetries = 1;

/** Wraps an exchange with the choice of its route. Every route that is taken stands in the record with its reason. */
export function createRouted(ports: RoutedPorts): (exchange: Exchange) => Forward {
  const { clock, edges, limits, pooled } = ports;
  const healings = new Map<string, Healing>();
  const healingOf = (edge: string): Healing => {
    let healing = healings.get(edge);
    if (healing === undefined) {
      healing = createHealing(clock);
      healings.set(edge, healing);
    }
    return healing;
  };
  const healed = async (exchange: Exchange, request: PlannedRequest, route: Extract<Route, { kind: 'edge' }>) => {
    const replay = request.content === undefined ? undefined : replayOf(request.content, limits.maxReplayBytes);
    const outcome = await attempted(exchange, withContent(request, replay), route);
    if (outcome.kind !== 'failed' || outcome.edgeFault === undefined) return outcome;
    const { because, isHarmless } = outcome.edgeFault;
    healingOf(route.edge).note(request.host, because);
    if (!mayGoAgain(request, replay, isHarmless)) return outcome;
    request.trace.edge = undefined;
    return attempted(exchange, withContent(request, replay), direct(request, because));
  };
  return (exchange) => (request) => {
    if (request.reverse !== undefined && pooled !== undefined) return pooled(request);
    const fallback = request.plan?.fallback?.action ?? ports.fallback;
    const isHealing = fallback === 'direct';
    const choice = chooseRoute(
      request,
      edges,
      isHealing ? { of: (edge, host) => healingOf(edge).of(host), limits } : undefined,
    );
    if (choice.kind === 'none') {
      return Promise.resolve({ kind: 'failed', error: choice.error, source: 'agent', mayRetry: false });
    }
    if (choice.kind === 'direct') return attempted(exchange, request, choice);
    if (isHealing) return healed(exchange, request, choice);
    return attempted(exchange, request, choice).then((outcome) => inWordsOfRule(request, choice, outcome));
  };
}

/** Who reads of an edge that a rule has named, learns that it was the rule that allowed no other way. */
function inWordsOfRule({ plan }: PlannedRequest, route: Route, outcome: Outcome): Outcome {
  if (outcome.kind !== 'failed' || outcome.edgeFault === undefined) return outcome;
  if (route.kind !== 'edge' || route.because !== 'rule') return outcome;
  const { type, message, status, advice } = outcome.error;
  const sentence = `${message} The rule "${plan?.route?.rule}" sends this by the edge ${route.edge}, and it may not go directly.`;
  const error = new ProxyError(type, sentence, {
    status,
    ...(advice !== undefined && { advice }),
    cause: outcome.error,
  });
  return { ...outcome, error };
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
