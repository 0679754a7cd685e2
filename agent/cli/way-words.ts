// Which way a request or tunnel goes, as far as rules and configuration say it without asking anybody.
import { canonicalAddress } from '../../http/address.ts';
import { type DestinationPolicy, judgeDestination, parseException } from '../../http/destination.ts';
import type { RequestPlan, RuleRequest } from '../../http/plan/plan.ts';
import { parseRequestTarget } from '../../http/request-target.ts';
import { reverseRouteOf } from '../../http/reverse-route.ts';
import type { Config } from '../../schemas/config.ts';
import { printable } from '../log/words.ts';
import { isDirectOnly } from '../proxy/admit/destination.ts';
import { quoted } from './condition-words.ts';

/** What of the configuration decides it. */
export type WayConfig = Pick<Config, 'edge' | 'reverse' | 'admit'>;

export interface Way {
  readonly kind: 'edge' | 'direct' | 'pool' | 'nowhere';
  /** A sentence. */
  readonly says: string;
}

/** The way of what no rule has answered. */
export function wayOf(plan: RequestPlan | undefined, request: RuleRequest, config: WayConfig): Way {
  const destination = destinationOf(plan, request);
  const pool = request.kind === 'exchange' ? poolOf(destination, request, config) : undefined;
  if (pool !== undefined) return way('pool', `It goes to the pool ${quoted(pool)}, by a reverse route.`);
  const policy = policyOf(config);
  const verdict = judgeDestination({ ...destination, purpose: request.kind }, policy);
  if (verdict.kind === 'refused')
    return way('nowhere', `It is refused with 403: ${verdict.because}. Exceptions are in "admit.destinations".`);
  return request.kind === 'tunnel' ? tunnelWay(plan) : exchangeWay(plan, config, { destination, policy });
}

interface Place {
  readonly scheme?: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** Where the request goes after a rewrite. */
function destinationOf(plan: RequestPlan | undefined, request: RuleRequest): Place {
  const target = plan?.rewrite === undefined ? undefined : parseRequestTarget('GET', plan.rewrite.action);
  if (target?.kind === 'absolute') return target;
  return request.kind === 'exchange' ? request : { ...request, path: '' };
}

function poolOf(
  destination: Place,
  request: Extract<RuleRequest, { kind: 'exchange' }>,
  { reverse }: WayConfig,
): string | undefined {
  const { scheme, host, port, path } = destination;
  const isOurs = request.scheme === 'http' && reverseRouteOf(reverse, request.host, request.path) !== undefined;
  const isRewrittenAway = scheme !== request.scheme || host !== request.host || port !== request.port;
  return isOurs && !isRewrittenAway ? reverseRouteOf(reverse, host, path)?.pool : undefined;
}

function policyOf({ admit: { destinations } }: WayConfig): DestinationPolicy {
  const exceptions = destinations.allow.flatMap((text) => {
    const exception = parseException(text);
    return exception.kind === 'malformed' ? [] : [exception];
  });
  return { allowPrivate: destinations.allowPrivate, exceptions };
}

/** What is known without asking the DNS: whether only this machine reaches an address. */
function isOutOfReach({ destination, policy }: Allowed, edge: string): boolean {
  const address = canonicalAddress(destination.host);
  const kind = edge === 'embedded' ? 'embedded' : 'deployed';
  return address !== undefined && isDirectOnly({ edge: kind }, destination, [address], policy);
}

/** Edges carry no tunnels. */
function tunnelWay(plan: RequestPlan | undefined): Way {
  const { route, fallback } = plan ?? {};
  if (route === undefined) return way('direct', 'It goes directly: tunnels always do.');
  if (route.action === 'direct') return way('direct', `It goes directly, as ${quoted(route.rule)} says.`);
  if (fallback?.action === 'fail')
    return way('nowhere', `It is refused: ${quoted(route.rule)} sends it by an edge, which carries no tunnels.`);
  return way('direct', `It goes directly: ${quoted(route.rule)} sends it by an edge, but edges carry no tunnels.`);
}

/** A destination that may be asked. */
interface Allowed {
  readonly destination: Place;
  readonly policy: DestinationPolicy;
}

function exchangeWay(plan: RequestPlan | undefined, { edge }: WayConfig, allowed: Allowed): Way {
  const { route, fallback } = plan ?? {};
  const forced = route === undefined ? '' : `, as ${quoted(route.rule)} says`;
  if (route?.action === 'direct') return way('direct', `It goes directly${forced}.`);
  const named = typeof route?.action === 'object' ? route.action.edge : edge.use;
  if (named === 'none') {
    if (route !== undefined && fallback?.action !== 'direct')
      return way(
        'nowhere',
        `It is refused: ${quoted(route.rule)} sends it by an edge, and the configuration has none.`,
      );
    return way('direct', 'It goes directly: the configuration has no edge.');
  }
  if (isOutOfReach(allowed, named)) return way('direct', 'It goes directly: the destination is private.');
  const by = `It goes by the edge ${printable(named)}${forced}`;
  const who = fallback === undefined ? 'the configuration' : quoted(fallback.rule);
  const heals = (fallback?.action ?? edge.fallback) === 'direct';
  return way('edge', `${by}; where the edge cannot, it ${heals ? 'goes directly' : 'fails'}, says ${who}.`);
}

function way(kind: Way['kind'], says: string): Way {
  return { kind, says };
}
