// What becomes of a transform where no edge carries the exchange: nothing, and that is told; or the exchange fails.
import { certain, chosen, type ResponseHead } from '../../../http/plan/on-response.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { TransformOutcome } from '../../../schemas/transform.ts';
import type { PlannedRequest } from '../ports.ts';

/** The failure of a request whose transform is required whatever the response: nothing needs to be asked of anybody. */
export function impossible({ plan }: Pick<PlannedRequest, 'plan'>): Refused | undefined {
  const transform = certain(plan?.onResponse.transform);
  return transform?.action.required ? refused(transform.rule) : undefined;
}

/** `transform` is for the record, which names the rule by it. */
export interface Refused {
  readonly kind: 'failed';
  readonly error: ProxyError;
  readonly transform: TransformOutcome;
}

export type Untransformed = { readonly kind: 'skipped'; readonly transform: TransformOutcome } | Refused;

/** What becomes of the transform that a response would have had; nothing where it would have had none. */
export function untransformed({ plan }: Pick<PlannedRequest, 'plan'>, head: ResponseHead): Untransformed | undefined {
  const found = chosen(plan?.onResponse.transform, head);
  if (found === undefined) return undefined;
  const { rule, action } = found;
  return action.required ? refused(rule) : { kind: 'skipped', transform: skipped(rule) };
}

function refused(rule: string): Refused {
  return { kind: 'failed', error: required(rule), transform: skipped(rule) };
}

function skipped(rule: string): TransformOutcome {
  return { rule, applied: [], skipped: 'the exchange went without an edge' };
}

function required(rule: string): ProxyError {
  const message = `The rule ${JSON.stringify(rule)} requires a transform, and no edge carries this exchange.`;
  const advice = 'Route it by an edge, or take "required" out of the transform.';
  return new ProxyError('proxy_configuration_error', message, { status: 502, advice });
}
