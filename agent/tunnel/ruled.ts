// What rules make of a tunnel before anybody is dialled: it is blocked, sent another way, or carried over a simulated network.
import { ownName } from '../../http/own-name.ts';
import type { RequestPlan } from '../../http/plan/plan.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { blockError } from '../proxy/apply/answers.ts';
import { noteAfter, noteBefore } from '../proxy/apply/noted.ts';
import type { RulePorts } from '../proxy/apply/rule-ports.ts';
import { type TunnelShape, unanswered } from '../proxy/apply/shaping.ts';
import type { Dropped, Trace } from '../proxy/ports.ts';

export interface Refused {
  readonly kind: 'failed';
  readonly error: ProxyError;
}

export type Ruled = { readonly kind: 'goes-on'; readonly plan: RequestPlan | undefined } | Refused | Dropped;

/** Of a tunnel rules see no more than where it leads and whose it is. Writes into the record what they say. */
export function ruled(
  rules: RulePorts | undefined,
  trace: Trace,
  { host, port }: { readonly host: string; readonly port: number },
): Ruled {
  const request = { kind: 'tunnel', host, port, client: trace.connection.address } as const;
  const plan = host === ownName ? undefined : rules?.planOf(request); // edgehop itself is nobody's to rule
  if (plan === undefined) return { kind: 'goes-on', plan };
  noteBefore(trace, plan);
  const { answer } = plan;
  if (answer?.action.kind === 'block') {
    const { block } = answer.action;
    const error = blockError(answer.rule, block);
    noteAfter(trace, plan, { kind: 'failed', error, source: 'agent', mayRetry: false });
    return { kind: block === 'drop' ? 'dropped' : 'failed', error };
  }
  const error = edgeOnly(plan);
  return error === undefined ? { kind: 'goes-on', plan } : { kind: 'failed', error };
}

/** What is wrong where a rule lets nothing but an edge carry a tunnel or an upgrade: none can. */
export function edgeOnly(plan: RequestPlan | undefined): ProxyError | undefined {
  const { route, fallback } = plan ?? {};
  if (route === undefined || route.action === 'direct' || fallback?.action !== 'fail') return undefined;
  const message = `The rule "${route.rule}" sends this by an edge, and tunnels are carried directly only.`;
  const advice = 'Let its fallback be "direct", or leave this host out of the rule.';
  return new ProxyError('proxy_configuration_error', message, { status: 502, advice });
}

/** The network of a tunnel whose destination was judged; to be asked for once, before it is dialled. */
export function shaped(
  rules: RulePorts | undefined,
  trace: Trace,
  plan: RequestPlan | undefined,
): { readonly kind: 'goes-on'; readonly shape: TunnelShape | undefined } | Dropped {
  const shape = plan?.shape === undefined ? undefined : rules?.shaping.tunnel(trace, plan.shape);
  if (shape !== 'dropped') return { kind: 'goes-on', shape };
  return { kind: 'dropped', error: unanswered({ kind: 'reset' }) };
}
