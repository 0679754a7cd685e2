// The reverse routes that this deployment has, read out of its variable and judged: a wrong one serves nobody.

import { canonicalAddress } from '../../http/address.ts';
import { originOf, parseHostField } from '../../http/authority.ts';
import { type DestinationPolicy, judgeDestination } from '../../http/destination.ts';
import { type EdgeReverse, edgeReverse } from '../../schemas/pool.ts';

export type Configured =
  | { readonly kind: 'none' }
  /** `because`: a sentence for the log, and for nobody else. */
  | { readonly kind: 'wrong'; readonly because: string }
  | { readonly kind: 'routes'; readonly routes: EdgeReverse['routes']; readonly pools: EdgeReverse['pools'] };

export interface Judging {
  readonly policy: DestinationPolicy;
  /** Whether the platform's fetch takes URLs whose host is an IP address. */
  readonly fetchesAddresses: boolean;
}

/** Reads EDGEHOP_REVERSE. The targets are held against the policy on destinations like any other destination. */
export function configuredReverse(text: string | undefined, judging: Judging): Configured {
  if (text === undefined || text.trim() === '') return { kind: 'none' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return wrong(`it is not JSON (${cause instanceof Error ? cause.message : cause})`);
  }
  const parsed = edgeReverse.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return wrong(`${issue?.path.join('.') || 'it'}: ${issue?.message}`);
  }
  const { routes, pools } = parsed.data;
  for (const [name, { targets }] of Object.entries(pools)) {
    for (const { url } of targets) {
      const because = whyNot(new URL(url), judging);
      if (because !== undefined) return wrong(`pools.${name}: the target ${url} cannot be asked: ${because}`);
    }
  }
  return routes.length === 0 ? { kind: 'none' } : { kind: 'routes', routes, pools };
}

function whyNot(url: URL, { policy, fetchesAddresses }: Judging): string | undefined {
  const parsed = parseHostField(url.host);
  if (parsed.kind === 'malformed') return parsed.because;
  if (!fetchesAddresses && canonicalAddress(parsed.host) !== undefined) {
    return 'the platform fetches from names only, not from addresses';
  }
  const verdict = judgeDestination({ host: parsed.host, port: originOf(url).port, purpose: 'exchange' }, policy);
  return verdict.kind === 'refused' ? verdict.because : undefined;
}

function wrong(because: string): Configured {
  return {
    kind: 'wrong',
    because: `The variable EDGEHOP_REVERSE is wrong, so no reverse route is served: ${because}.`,
  };
}
