// The cache as rules will have it: what keeps out of it, what is stored for how long, and under which transform.
import { expect, test } from 'vitest';
import { beforehand, cacheRequestOf, mayForbid, ofStored, ruled } from '../../../../agent/proxy/cache/by-rule.ts';
import type { CacheAction, RequestPlan } from '../../../../http/plan/plan.ts';
import { fieldLines, responseWith, storedWith } from '../../../support/stored.ts';
import { plannedRequest } from '../../../support/walk.ts';

const ofHtml = { type: ['text/html'] };
const hour: CacheAction = { freshnessSeconds: 3_600 };
type Candidates = NonNullable<RequestPlan['onResponse']['cache']>;

function requestWith(cache: Candidates, parts: Partial<RequestPlan> = {}, isByEdge = true) {
  const request = plannedRequest({ plan: { rules: [], onResponse: { cache }, ...parts } });
  request.trace.route = isByEdge
    ? { kind: 'edge', edge: 'embedded', because: 'configured' }
    : { kind: 'direct', because: 'no-edge' };
  return request;
}

test.each<[string, Candidates, string | undefined, boolean]>([
  ['nothing', [], undefined, false],
  ['bypass', [{ rule: 'a', action: 'bypass' }], 'bypass', true],
  [
    'validate ahead of bypass',
    [
      { rule: 'a', action: 'validate' },
      { rule: 'b', action: 'bypass' },
    ],
    'validate',
    true,
  ],
  ['freshness', [{ rule: 'a', action: hour }], undefined, false],
  ['bypass of some', [{ rule: 'a', action: 'bypass', when: ofHtml }], undefined, true],
  [
    'freshness of some, else bypass',
    [
      { rule: 'a', action: hour, when: ofHtml },
      { rule: 'b', action: 'bypass' },
    ],
    undefined,
    true,
  ],
])('%s: what holds beforehand', (_, candidates, expected, may) => {
  expect(beforehand(requestWith(candidates))?.action).toBe(expected);
  expect(mayForbid(requestWith(candidates))).toBe(may);
});

test('what is stored answers only where its own head allows it', () => {
  const request = requestWith([
    { rule: 'a', action: 'bypass', when: ofHtml },
    { rule: 'b', action: hour },
  ]);
  expect(ofStored(request, storedWith(['Content-Type: text/html']))).toEqual({ rule: 'a', action: 'bypass' });
  expect(ofStored(request, storedWith(['Content-Type: text/plain']))).toBeUndefined();
});

const asked = { method: 'GET', url: 'http://o.example/', fields: [], transformKey: 'key' };

test('what no edge has carried is stored as what was not transformed', () => {
  const head = responseWith(200);
  expect(ruled(requestWith([]), asked, head).asked.transformKey).toBe('key');
  expect(ruled(requestWith([], {}, false), asked, head).asked).not.toHaveProperty('transformKey');
});

test('what was transformed is never stored as what was not', () => {
  const { transformKey: _, ...plain } = asked;
  const transform = { rule: 'a', applied: ['html'] } as const;
  expect(ruled(requestWith([]), plain, responseWith(200), transform).mayBeStored).toBe(false);
  expect(ruled(requestWith([]), plain, responseWith(200), { ...transform, applied: [] }).mayBeStored).toBe(true);
});

test('freshness is set once: by the edge where it has been asked to', () => {
  const request = requestWith([{ rule: 'a', action: hour }]);
  const set = responseWith(200, ['Edgehop-Cache-Control: max-age=3605', 'Age: 1800']);
  expect(ruled(request, asked, set).head).toBe(set);
  const unset = ruled(request, asked, responseWith(200)).head;
  expect(unset.fields).toEqual(fieldLines('Edgehop-Cache-Control: max-age=3601'));
  const direct = requestWith([{ rule: 'a', action: hour }], {}, false);
  expect(ruled(direct, asked, set).head.fields).toContainEqual(['Edgehop-Cache-Control', 'max-age=5401']);
});

test('a request has the key of its transforms where an edge can make them, and the client lets it', () => {
  const request = requestWith([], { transformKey: 'key' });
  expect(cacheRequestOf(request, {}).transformKey).toBe('key');
  expect(cacheRequestOf(request, { canTransform: () => false }).transformKey).toBeUndefined();
  const forwardFields = fieldLines('Cache-Control: no-transform');
  expect(cacheRequestOf({ ...request, forwardFields }, {}).transformKey).toBeUndefined();
});

test('E01: what a pool answers is not that of the host, whichever way it comes', () => {
  const reverse = { pool: 'app', host: '*', path: '/' } as unknown as NonNullable<
    ReturnType<typeof plannedRequest>['reverse']
  >;
  const request = { ...requestWith([], {}, false), reverse };
  const { transformKey } = cacheRequestOf(request, {});
  expect(transformKey).toBe('pool app');
  expect(ruled(request, cacheRequestOf(request, {}), responseWith(200)).asked.transformKey).toBe('pool app');
  expect(cacheRequestOf(requestWith([]), {}).transformKey).toBeUndefined();
});
