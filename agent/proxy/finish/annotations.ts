// What the agent adds to a forwarded response, so that any client sees where the time went.
import type { Field } from '../../../http/fields.ts';
import { proxyStatus } from '../../../http/proxy-status.ts';
import { remembered } from '../../../http/remembered.ts';
import { type Metric, serverTiming } from '../../../http/server-timing.ts';
import type { Trace } from '../ports.ts';

/** Server-Timing, and Proxy-Status with the hop that was asked. RFC 9209 2.1. */
export function annotations(trace: Trace, receivedStatus: number): Field[] {
  const nextHop = nextHopOf(trace);
  return [
    ['Server-Timing', serverTiming(metrics(trace))],
    ['Proxy-Status', statuses(`${receivedStatus} ${nextHop}`)],
  ];
}

function nextHopOf({ route, address, host }: Trace): string {
  if (route?.kind === 'edge') return route.edge;
  return route?.parent ?? address ?? host;
}

const maxRemembered = 256;

/** Few next hops answer with few statuses, over and over. */
const statuses = remembered(maxRemembered, (statusAndHop) => {
  const [receivedStatus, ...nextHop] = statusAndHop.split(' ');
  return proxyStatus({ hop: 'edgehop', nextHop: nextHop.join(' '), receivedStatus: Number(receivedStatus) });
});

/**
 * Durations between stages that one clock has seen, so that no clock's error is in them: the agent's work until it
 * relayed, then edge and origin until their heads came. The first names the exchange.
 */
function metrics({ id, stamps, edge }: Trace): Metric[] {
  const received = stamps['request-received'];
  const relayed = stamps['request-relayed'];
  const answered = stamps['response-received'];
  if (received === undefined || relayed === undefined || answered === undefined) return [];
  const list: Metric[] = [
    { name: 'edgehop', description: id, durationMs: answered - received },
    { name: 'agent', durationMs: relayed - received },
  ];
  if (edge === undefined) {
    list.push({ name: 'origin', durationMs: answered - relayed });
    return list;
  }
  const { stages, upstream } = edge;
  list.push({ name: 'edge', durationMs: answered - relayed });
  if (stages['upstream-requested'] !== undefined && stages['upstream-responded'] !== undefined) {
    list.push({ name: 'origin', durationMs: stages['upstream-responded'] - stages['upstream-requested'] });
  }
  if (upstream?.connectMs !== undefined) list.push({ name: 'connect', durationMs: upstream.connectMs });
  return list;
}
