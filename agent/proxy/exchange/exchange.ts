// Carries a planned request by its route.
import type { EdgeLink, Exchange } from '../ports.ts';
import { createDirectExchange, type DirectPorts } from './direct-exchange.ts';
import { createEdgeExchange, type EdgePorts } from './edge-exchange.ts';

export type ExchangePorts = DirectPorts & Omit<EdgePorts, 'edge'> & { readonly edge: EdgeLink | undefined };

/** The exchange of each route. */
export function createExchange(ports: ExchangePorts): Exchange {
  const direct = createDirectExchange(ports);
  const byEdge = ports.edge === undefined ? undefined : createEdgeExchange({ ...ports, edge: ports.edge });
  return (request, route) =>
    route.kind === 'edge' && byEdge !== undefined ? byEdge(request, route) : direct(request, route);
}
