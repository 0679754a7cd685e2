// What the agent adds to a forwarded response, so that any client sees where the time went.
import { cacheStatus } from '../../../http/cache-status.ts';
import type { Field } from '../../../http/fields.ts';
import { proxyStatus } from '../../../http/proxy-status.ts';
import { remembered } from '../../../http/remembered.ts';
import { type Metric, serverTiming } from '../../../http/server-timing.ts';
import type { CacheOutcome } from '../../../schemas/cache.ts';
import type { Trace } from '../ports.ts';

/**
 * Server-Timing; Proxy-Status with the hop that was asked, if one was (RFC 9209 2.1); Cache-Status with what each cache
 * did, the one nearest to the origin first (RFC 9211 2).
 */
export function annotations(trace: Trace, status: number): Field[] {
  const { cache, stamps } = trace;
  const fields: Field[] = [['Server-Timing', serverTiming(metrics(trace))]];
  if (stamps['request-relayed'] !== undefined) {
    // What is stored may have been sent in the place of what was received.
    const receivedStatus = cache?.agent === undefined ? status : (cache.agent.fwdStatus ?? '-');
    fields.push(['Proxy-Status', statuses(`${receivedStatus} ${nextHopOf(trace)}`)]);
  }
  if (cache?.edge !== undefined) fields.push(['Cache-Status', edgeMembers(JSON.stringify(cache.edge))]);
  if (cache?.agent !== undefined) fields.push(['Cache-Status', agentMember(cache.agent)]);
  return fields;
}

function nextHopOf({ route, pool, address, host }: Trace): string {
  if (pool?.target !== undefined) return pool.target.replace(/^https?:\/\//, '');
  if (route?.kind === 'edge') return route.edge;
  return route?.parent ?? address ?? host;
}

const maxRemembered = 256;

/** Few next hops answer with few statuses, over and over. */
const statuses = remembered(maxRemembered, (statusAndHop) => {
  const [receivedStatus, ...words] = statusAndHop.split(' ');
  const report = { hop: 'edgehop', nextHop: words.join(' ') };
  return proxyStatus(receivedStatus === '-' ? report : { ...report, receivedStatus: Number(receivedStatus) });
});

/** So do caches, in the same second or with the same words. */
const edgeMembers = remembered(maxRemembered, (json) => cacheStatus('edgehop-edge', JSON.parse(json) as CacheOutcome));
const agentMembers = remembered(maxRemembered, (json) => cacheStatus('edgehop', JSON.parse(json) as CacheOutcome));

/** The agent's cache gives the very same outcome for what it answers within a second, and for what it passes on alike. */
const ofOutcome = new WeakMap<CacheOutcome, string>();

function agentMember(outcome: CacheOutcome): string {
  let member = ofOutcome.get(outcome);
  if (member === undefined) {
    member = agentMembers(JSON.stringify(outcome));
    ofOutcome.set(outcome, member);
  }
  return member;
}

/**
 * Durations between stages that one clock has seen, so that no clock's error is in them: the agent's work until it
 * relayed, then edge and origin until their heads came. The first names the exchange.
 */
function metrics({ id, stamps, edge }: Trace): Metric[] {
  const received = stamps['request-received'];
  const relayed = stamps['request-relayed'];
  const answered = stamps['response-received'];
  if (received === undefined || relayed === undefined || answered === undefined) {
    return [{ name: 'edgehop', description: id }];
  }
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
