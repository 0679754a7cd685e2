// The route of an exchange with its reason: by the configuration, by a rule, and what no rule can change.
import { describe, expect, test } from 'vitest';
import { chooseRoute, edgeKind } from '../../../../agent/proxy/dial/choice.ts';
import type { EdgeLink, Edges, PlannedRequest } from '../../../../agent/proxy/ports.ts';
import type { RequestPlan } from '../../../../http/plan/plan.ts';

const embedded = edgesOf({ name: 'home', embedded: true });
const deployed = edgesOf({ name: 'home', embedded: false });
const none = edgesOf(undefined);
const byEdge = { kind: 'edge', edge: 'home', because: 'configured' } as const;
const direct = (because: string, parent?: string) => ({ kind: 'direct', because, ...(parent && { parent }) });

test.each([
  [{}, embedded, byEdge],
  [{ directOnly: true }, embedded, direct('private-destination')],
  [{}, none, direct('no-edge')],
  [{ directOnly: true }, none, direct('no-edge')],
  [{ parent: 'http://p:1' }, embedded, direct('parent-proxy', 'http://p:1')],
  [{ parent: 'http://p:1' }, none, direct('no-edge', 'http://p:1')],
  [{ directOnly: true, parent: 'http://p:1' }, deployed, direct('private-destination', 'http://p:1')],
  [{ parent: 'http://p:1' }, deployed, byEdge],
])('%j by %j goes %j', (parts, edges, route) => {
  expect(chooseRoute(requestOf(parts), edges)).toEqual(route);
});

describe('a rule', () => {
  test.each([
    ['direct', {}, deployed, direct('rule')],
    ['direct', { parent: 'http://p:1' }, deployed, direct('rule', 'http://p:1')],
    ['direct', {}, none, direct('rule')],
    ['edge', {}, deployed, { ...byEdge, because: 'rule' }],
    [{ edge: 'far' }, {}, deployed, { kind: 'edge', edge: 'far', because: 'rule' }],
    [{ edge: 'far' }, {}, none, { kind: 'edge', edge: 'far', because: 'rule' }],
  ] as const)('says %j of %j by %j: %j', (action, parts, edges, route) => {
    expect(chooseRoute(requestOf(parts, planOf(action)), edges)).toEqual(route);
  });

  test.each([
    ['edge', { directOnly: true }, 'private-destination'],
    [{ edge: 'far' }, { directOnly: true }, 'private-destination'],
    ['edge', { parent: 'http://p:1' }, 'parent-proxy'],
  ] as const)('that says %j leads %j directly all the same, and the record says why', (action, parts, because) => {
    expect(chooseRoute(requestOf(parts, planOf(action)), embedded)).toMatchObject({ kind: 'direct', because });
  });

  test.each([
    ['edge', 'an edge'],
    [{ edge: 'nowhere' }, 'the edge nowhere'],
  ] as const)('that says %j where there is none is told so, with its name', (action, named) => {
    const choice = chooseRoute(requestOf({}, planOf(action)), none);
    const message = `The rule "the rule" sends this by ${named}, and there is none.`;
    expect(choice).toMatchObject({ kind: 'none', error: { type: 'proxy_configuration_error', status: 502, message } });
  });

  test('that allows the direct way itself gets it where there is no edge', () => {
    const plan = { ...planOf('edge'), fallback: { rule: 'the rule', action: 'direct' } } as const;
    expect(chooseRoute(requestOf({}, plan), none)).toEqual(direct('no-edge'));
  });
});

test.each([
  [undefined, embedded, 'embedded'],
  [undefined, deployed, 'deployed'],
  [undefined, none, 'none'],
  ['direct', deployed, 'none'],
  ['edge', deployed, 'deployed'],
  [{ edge: 'far' }, embedded, 'deployed'],
  [{ edge: 'nowhere' }, embedded, 'none'],
] as const)('destinations of %j by %j are judged for %s', (action, edges, kind) => {
  expect(edgeKind(action === undefined ? undefined : planOf(action), edges)).toBe(kind);
});

test('an edge that is left alone at the moment is asked where nothing else is allowed', () => {
  const remembered = { of: () => 'edge-down' as const, limits: { maxEdgeUploadBytes: 10 } };
  expect(chooseRoute(requestOf({}), deployed, remembered)).toEqual(direct('edge-down'));
  expect(chooseRoute(requestOf({}), deployed)).toEqual(byEdge);
});

function edgesOf(inUse: Pick<EdgeLink, 'name' | 'embedded'> | undefined): Edges {
  const far = { name: 'far', embedded: false } as EdgeLink;
  return { inUse: inUse as EdgeLink | undefined, named: (name) => (name === 'far' ? far : undefined) };
}

function planOf(action: 'edge' | 'direct' | { readonly edge: string }): RequestPlan {
  return { rules: ['the rule'], route: { rule: 'the rule', action }, onResponse: {} };
}

function requestOf(parts: Partial<PlannedRequest>, plan?: RequestPlan): Parameters<typeof chooseRoute>[0] {
  return { host: 'o.example', framing: { kind: 'none' }, directOnly: false, parent: undefined, plan, ...parts };
}
