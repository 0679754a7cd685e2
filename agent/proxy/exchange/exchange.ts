// Carries a planned request by its route.
import type { Edges, Exchange } from '../ports.ts';
import { createDirectExchange, type DirectPorts } from './direct-exchange.ts';
import { createEdgeExchange, type EdgePorts } from './edge-exchange.ts';

export interface ExchangePorts extends DirectPorts, Omit<EdgePorts, 'edge' | 'generation'> {
  readonly edges: Edges;
  /** The generations that such an edge is told; undefined where its cache is off. */
  readonly generation: (isEmbedded: boolean) => EdgePorts['generation'];
}

/** The exchange of each route. */
export function createExchange(ports: ExchangePorts): Exchange {
  const { edges, generation } = ports;
  const direct = createDirectExchange(ports);
  const byEdge = new Map<string, Exchange>();
  const byEdgeNamed = (name: string): Exchange => {
    const known = byEdge.get(name);
    if (known !== undefined) return known;
    const edge = edges.named(name);
    if (edge === undefined) throw new Error(`There is no edge ${name}.`); // whoever chose the route has seen it
    const exchange = createEdgeExchange({ ...ports, edge, generation: generation(edge.embedded) });
    byEdge.set(name, exchange);
    return exchange;
  };
  return (request, route) => (route.kind === 'edge' ? byEdgeNamed(route.edge)(request, route) : direct(request, route));
}
