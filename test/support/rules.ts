// Requests, worlds and rules for tests of what rules mean.
import type * as z from 'zod';
import type { ExchangeRequest } from '../../http/plan/facts.ts';
import type { RequestPlan, RuleRequest, RuleWorld } from '../../http/plan/plan.ts';
import { compileRules } from '../../http/plan/rules.ts';
import { parseRequestTarget } from '../../http/request-target.ts';
import { type Rule, rule } from '../../schemas/rule.ts';

/** Rules as a configuration has them. */
export type WrittenRule = Parameters<typeof rule.parse>[0] & object;

/** The same, where the keys are to be right. */
export type RuleInput = z.input<typeof rule>;

export function rulesOf(...written: readonly WrittenRule[]): readonly Rule[] {
  return written.map((each) => rule.parse(each));
}

/** A GET of a URL by a client on this machine. */
export function exchangeOf(text: string, rest: Partial<ExchangeRequest> = {}): ExchangeRequest {
  const target = parseRequestTarget('GET', text);
  if (target.kind !== 'absolute') throw new Error(`no absolute target: ${text}`);
  const { url, scheme, host, port, path } = target;
  return { kind: 'exchange', method: 'GET', url, scheme, host, port, path, fields: [], client: '127.0.0.1', ...rest };
}

/** A tunnel by a client on this machine. */
export function tunnelOf(host: string, port = 443, client = '127.0.0.1'): RuleRequest {
  return { kind: 'tunnel', host, port, client };
}

/** Saturday, 12:00; lists that have the hosts that are given. */
export function worldOf(lists: Readonly<Record<string, readonly string[]>> = {}, minute = 720, weekday = 6): RuleWorld {
  return {
    isListed: (list, host) => lists[list]?.includes(host) === true,
    localTime: () => ({ weekday, minute }),
  };
}

/** The plan that rules make of a request. */
export function planOf(
  rules: readonly WrittenRule[],
  request: RuleRequest,
  world: RuleWorld = worldOf(),
): RequestPlan | undefined {
  return compileRules(rulesOf(...rules)).plan(request, world);
}
