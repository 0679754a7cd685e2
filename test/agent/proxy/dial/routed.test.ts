// The route of an exchange with its reason, and the one time that a request is sent again.
import { expect, test } from 'vitest';
import { chooseRoute, createRouted } from '../../../../agent/proxy/dial/routed.ts';
import type { EdgeLink, Outcome } from '../../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { plannedRequest } from '../../../support/walk.ts';

const edge = { name: 'home' } as EdgeLink;
const byEdge = { kind: 'edge', edge: 'home', because: 'configured' } as const;

test.each([
  [{ directOnly: false }, edge, byEdge],
  [{ directOnly: true }, edge, { kind: 'direct', because: 'private-destination' }],
  [{ directOnly: false }, undefined, { kind: 'direct', because: 'no-edge' }],
  [{ directOnly: true }, undefined, { kind: 'direct', because: 'no-edge' }],
] as const)('%j by %j goes %j', (request, link, route) => {
  expect(chooseRoute(request, link)).toEqual(route);
});

test.each([
  ['a response is not asked for again', [response()], 1, 'response'],
  ['a failure that may have had an effect is not tried again', [failure(false)], 1, 'failed'],
  ['a failure without effect is tried once more', [failure(true), response()], 2, 'response'],
  ['twice is enough', [failure(true), failure(true)], 2, 'failed'],
  ['the second failure decides', [failure(true), failure(false)], 2, 'failed'],
])('%s', async (_, outcomes: Outcome[], sent, kind) => {
  const request = plannedRequest();
  const seen: unknown[] = [];
  const forward = createRouted(edge)(async (same, route) => {
    expect(same).toBe(request);
    seen.push(route);
    return outcomes.shift() as Outcome;
  });
  expect((await forward(request)).kind).toBe(kind);
  expect(seen).toEqual(Array.from({ length: sent }, () => byEdge));
  expect(request.trace).toMatchObject({ retries: sent - 1, route: byEdge });
});

function response(): Outcome {
  return { kind: 'response', response: { status: 200, reason: 'OK', fields: [], content: { kind: 'none' } } };
}

function failure(mayRetry: boolean): Outcome {
  return { kind: 'failed', error: new ProxyError('connection_terminated', 'Gone.'), source: 'agent', mayRetry };
}
