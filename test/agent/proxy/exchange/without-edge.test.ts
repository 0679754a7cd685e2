// A transform without an edge: skipped and told, or the exchange fails where it is required.
import { expect, test } from 'vitest';
import { impossible, untransformed } from '../../../../agent/proxy/exchange/without-edge.ts';
import type { RequestPlan } from '../../../../http/plan/plan.ts';
import { transform } from '../../../../schemas/transform.ts';

const optional = transform.parse({ compress: true });
const required = transform.parse({ compress: true, required: true });
const ofHtml = { when: { type: ['text/html'] } };
const html = { status: 200, fields: [['Content-Type', 'text/html']] } as const;
const other = { status: 200, fields: [] } as const;

function planOf(...candidates: NonNullable<RequestPlan['onResponse']['transform']>) {
  return { plan: { rules: [], onResponse: { transform: candidates } } };
}

test.each([
  ['none', {}, false],
  ['one that may be skipped', planOf({ rule: 'a', action: optional }), false],
  ['one that is required', planOf({ rule: 'a', action: required }), true],
  ['one that is required of some responses', planOf({ rule: 'a', action: required, ...ofHtml }), false],
  [
    'two, of which the first may be taken',
    planOf({ rule: 'a', action: optional, ...ofHtml }, { rule: 'b', action: required }),
    false,
  ],
])('with %s nothing can come of a request beforehand (%s)', (_, request, fails) => {
  expect(impossible(request)?.error.type).toBe(fails ? 'proxy_configuration_error' : undefined);
  expect(impossible(request)?.transform).toEqual(
    fails ? expect.objectContaining({ rule: 'a', applied: [] }) : undefined,
  );
});

test('what a response would have had is told, or fails', () => {
  const request = planOf({ rule: 'a', action: required, ...ofHtml }, { rule: 'b', action: optional });
  expect(untransformed(request, html)).toMatchObject({
    kind: 'failed',
    error: { status: 502, message: expect.stringContaining('"a"') },
    transform: { rule: 'a', applied: [] },
  });
  expect(untransformed(request, other)).toEqual({
    kind: 'skipped',
    transform: { rule: 'b', applied: [], skipped: 'the exchange went without an edge' },
  });
  expect(untransformed({}, html)).toBeUndefined();
});
