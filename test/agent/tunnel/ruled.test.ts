// Rules on tunnels: refused or dropped before anybody is dialled, and what stands in the record.
import { expect, test } from 'vitest';
import type { RulePorts } from '../../../agent/proxy/apply/rule-ports.ts';
import { edgeOnly, ruled, shaped } from '../../../agent/tunnel/ruled.ts';
import type { RequestPlan } from '../../../http/plan/plan.ts';
import { testTrace } from '../../support/walk.ts';

const target = { host: 'o.example', port: 443 };

test('without rules a tunnel goes on', () => {
  expect(ruled(undefined, testTrace(), target)).toEqual({ kind: 'goes-on', plan: undefined });
  expect(shaped(undefined, testTrace(), undefined)).toEqual({ kind: 'goes-on', shape: undefined });
});

test('rules see where it leads and whose it is, and no more', () => {
  const asked: unknown[] = [];
  ruled(rulesOf(undefined, asked), testTrace(), target);
  expect(asked).toEqual([{ kind: 'tunnel', ...target, client: '127.0.0.1' }]);
});

test('a tunnel to edgehop itself is not theirs to rule', () => {
  const asked: unknown[] = [];
  const plan: RequestPlan = {
    rules: ['r'],
    answer: { rule: 'r', action: { kind: 'block', block: 'drop' } },
    onResponse: {},
  };
  const trace = testTrace({}, 'tunnel');
  expect(ruled(rulesOf(plan, asked), trace, { host: 'edgehop.internal', port: 443 })).toEqual({
    kind: 'goes-on',
    plan: undefined,
  });
  expect([asked, trace.rules]).toEqual([[], undefined]);
});

test.each([
  [{ status: 410 }, 'failed', { status: 410 }],
  ['drop', 'dropped', { message: 'The rule "r" drops this.' }],
] as const)('block %j is %s', (block, kind, error) => {
  const trace = testTrace({}, 'tunnel');
  const log = [{ rule: 'quiet', action: 'errors' }] as const;
  const plan: RequestPlan = {
    rules: ['r', 'quiet'],
    answer: { rule: 'r', action: { kind: 'block', block } },
    onResponse: { log },
  };
  expect(ruled(rulesOf(plan), trace, target)).toMatchObject({ kind, error });
  expect(trace).toMatchObject({ rules: ['r', 'quiet'], log: 'off' });
});

test.each<[RequestPlan['route'], RequestPlan['fallback'], boolean]>([
  [undefined, { rule: 'f', action: 'fail' }, false],
  [{ rule: 'r', action: 'direct' }, { rule: 'f', action: 'fail' }, false],
  [{ rule: 'r', action: 'edge' }, undefined, false],
  [{ rule: 'r', action: 'edge' }, { rule: 'f', action: 'direct' }, false],
  [{ rule: 'r', action: 'edge' }, { rule: 'f', action: 'fail' }, true],
  [{ rule: 'r', action: { edge: 'home' } }, { rule: 'f', action: 'fail' }, true],
])('route %j with fallback %j lets only an edge carry it: %s', (route, fallback, isRefused) => {
  const plan: RequestPlan = { rules: ['r'], route, fallback, onResponse: {} };
  expect(edgeOnly(plan)?.status).toBe(isRefused ? 502 : undefined);
  expect(ruled(rulesOf(plan), testTrace(), target)).toMatchObject(
    isRefused ? { kind: 'failed', error: { type: 'proxy_configuration_error' } } : { kind: 'goes-on', plan },
  );
});

test.each([
  ['dropped', 'dropped'],
  [undefined, 'goes-on'],
] as const)('a simulated network that makes it %s', (made, kind) => {
  const plan: RequestPlan = { rules: ['r'], shape: { rule: 'r', action: {} }, onResponse: {} };
  expect(shaped(rulesOf(plan, [], made), testTrace(), plan).kind).toBe(kind);
});

function rulesOf(
  plan: RequestPlan | undefined,
  asked: unknown[] = [],
  made: 'dropped' | undefined = undefined,
): RulePorts {
  return {
    planOf: (request) => {
      asked.push(request);
      return plan;
    },
    answer: () => {
      throw new Error('a tunnel is answered by nobody');
    },
    shaping: { exchange: async (request, _, next) => next(request), tunnel: () => made },
  };
}
