// Chooses the route of an exchange: what rules say of it, and what nobody can change.
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Route, RouteReason } from '../../../schemas/exchange.ts';
import type { EdgeLink, Edges, PlannedRequest } from '../ports.ts';

export interface ChoiceLimits {
  /** The largest content that a deployed edge takes. */
  readonly maxEdgeUploadBytes: number;
}

/** What is remembered of edges, for requests that may go directly instead. */
export interface Remembered {
  /** Why this edge is not to be asked for this host at the moment, if that is so. */
  readonly of: (edge: string, host: string) => RouteReason | undefined;
  readonly limits: ChoiceLimits;
}

/** `none`: there is no such way. */
export type Choice = Route | { readonly kind: 'none'; readonly error: ProxyError };

type ChosenBy = Pick<PlannedRequest, 'directOnly' | 'parent' | 'host' | 'framing' | 'plan'>;

/**
 * The route of a request. A private destination goes directly whatever a rule says, and so does what lies behind a parent
 * proxy that the edge cannot use. Without `remembered` the edge is asked whatever it could do before.
 */
export function chooseRoute(request: ChosenBy, edges: Edges, remembered?: Remembered): Choice {
  const { plan, host } = request;
  const asked = plan?.route?.action;
  if (asked === 'direct') return direct(request, 'rule');
  const edge = edgeOf(plan, edges);
  if (edge === undefined) {
    const isForced = asked !== undefined && plan?.fallback?.action !== 'direct';
    return isForced ? { kind: 'none', error: noEdge(request) } : direct(request, 'no-edge');
  }
  if (request.directOnly) return direct(request, 'private-destination');
  // workerd dials by itself, and knows no parents
  if (edge.embedded && request.parent !== undefined) return direct(request, 'parent-proxy');
  if (remembered !== undefined) {
    if (!edge.embedded && isTooLarge(request, remembered.limits)) return direct(request, 'edge-upload-limit');
    const because = remembered.of(edge.name, host);
    if (because !== undefined) return direct(request, because);
  }
  return { kind: 'edge', edge: edge.name, because: asked === undefined ? 'configured' : 'rule' };
}

/** What kind of edge a request is meant for, by which its destination is judged; `none` goes out from this machine. */
export function edgeKind(plan: PlannedRequest['plan'], edges: Edges): 'embedded' | 'deployed' | 'none' {
  const edge = edgeOf(plan, edges);
  if (edge === undefined) return 'none';
  return edge.embedded ? 'embedded' : 'deployed';
}

/** The one that a rule names or the one in use; nothing where there is none, or a rule wants none. */
function edgeOf(plan: PlannedRequest['plan'], edges: Edges): EdgeLink | undefined {
  const asked = plan?.route?.action;
  if (asked === 'direct') return undefined;
  return typeof asked === 'object' ? edges.named(asked.edge) : edges.inUse;
}

/** Content of unknown length may become too large when it is too late to send it again. */
function isTooLarge({ framing }: ChosenBy, { maxEdgeUploadBytes }: ChoiceLimits): boolean {
  return framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets > maxEdgeUploadBytes);
}

/** The direct route, with the parent proxy that it leads through. */
export function direct({ parent }: Pick<PlannedRequest, 'parent'>, because: RouteReason): Route {
  if (because === 'no-edge' && parent === undefined) return withoutEdge;
  return parent === undefined ? { kind: 'direct', because } : { kind: 'direct', because, parent };
}

const withoutEdge: Route = { kind: 'direct', because: 'no-edge' };

function noEdge({ plan }: ChosenBy): ProxyError {
  const asked = plan?.route?.action;
  const which = typeof asked === 'object' ? `the edge ${asked.edge}` : 'an edge';
  const because = `The rule "${plan?.route?.rule}" sends this by ${which}, and there is none.`;
  return new ProxyError('proxy_configuration_error', because, {
    status: 502,
    advice: 'Name an edge under edge in edgehop.jsonc, or give the rule "fallback": "direct".',
  });
}
