// Chooses the route of an exchange, and sends the request again where RFC 9110 allows it.
import type { Route } from '../../../schemas/exchange.ts';
import type { EdgeLink, Exchange, Forward, PlannedRequest } from '../ports.ts';

/** How often one request is sent again. */
const maxRetries = 1;

/** Wraps an exchange with the choice of its route. Every route that is taken stands in the record with its reason. */
export function createRouted(edge: EdgeLink | undefined): (exchange: Exchange) => Forward {
  return (exchange) => async (request) => {
    const { trace } = request;
    const route = chooseRoute(request, edge);
    trace.route = route;
    let outcome = await exchange(request, route);
    while (outcome.kind === 'failed' && outcome.mayRetry && trace.retries < maxRetries) {
      trace.retries++;
      outcome = await exchange(request, route);
    }
    return outcome;
  };
}

/** The route of a request. */
export function chooseRoute(
  { directOnly }: Pick<PlannedRequest, 'directOnly'>,
  edge: Pick<EdgeLink, 'name'> | undefined,
): Route {
  if (edge === undefined) return { kind: 'direct', because: 'no-edge' };
  if (directOnly) return { kind: 'direct', because: 'private-destination' };
  return { kind: 'edge', edge: edge.name, because: 'configured' };
}
