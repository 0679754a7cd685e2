// The route of an exchange with its reason, and the one time that a request is sent again.
import { Readable } from 'node:stream';
import { text as wholeText } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createRouted } from '../../../../agent/proxy/dial/routed.ts';
import type { Clock, EdgeFault, EdgeLink, Exchange, Outcome, PlannedRequest } from '../../../../agent/proxy/ports.ts';
import type { RequestPlan } from '../../../../http/plan/plan.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import type { Route } from '../../../../schemas/exchange.ts';
import { plannedRequest, stillClock } from '../../../support/walk.ts';

const edge = { name: 'home', embedded: true } as EdgeLink;
const deployed = { name: 'home', embedded: false } as EdgeLink;
const byEdge = { kind: 'edge', edge: 'home', because: 'configured' } as const;

test.each([
  ['a response is not asked for again', [response()], 1, 'response'],
  ['a failure that may have had an effect is not tried again', [failure(false)], 1, 'failed'],
  ['a failure without effect is tried once more', [failure(true), response()], 2, 'response'],
  ['twice is enough', [failure(true), failure(true)], 2, 'failed'],
  ['the second failure decides', [failure(true), failure(false)], 2, 'failed'],
])('%s', async (_, outcomes: Outcome[], sent, kind) => {
  const request = plannedRequest();
  const seen: unknown[] = [];
  const forward = routed(async (same, route) => {
    expect(same).toBe(request);
    seen.push(route);
    return outcomes.shift() as Outcome;
  });
  expect((await forward(request)).kind).toBe(kind);
  expect(seen).toEqual(Array.from({ length: sent }, () => byEdge));
  expect(request.trace).toMatchObject({ retries: sent - 1, route: byEdge });
});

describe('where the edge fails', () => {
  const down = (isHarmless: boolean) => failure(false, { because: 'edge-down', isHarmless });

  test.each([
    ['before anything was sent', 'POST', true, ['edge', 'direct']],
    ['perhaps after the origin was asked, which may be asked twice', 'GET', false, ['edge', 'direct']],
    ['perhaps after the origin was asked, which may not be asked twice', 'POST', false, ['edge']],
  ] as const)('%s, %s goes by %j', async (_, method, isHarmless, kinds) => {
    const { seen, request } = await healed(plannedRequest({ method }), down(isHarmless));
    expect(seen.map(({ kind }) => kind)).toEqual(kinds);
    if (kinds.length === 2) expect(request.trace.route).toEqual({ kind: 'direct', because: 'edge-down' });
  });

  test.each([
    ['POST', 'untouched', 10, true],
    ['PUT', 'read', 10, true],
    ['POST', 'read', 10, false],
    ['PUT', 'read', 4, false],
    ['POST', 'untouched', 4, true],
  ] as const)('%s with content that is %s, %i octets of it kept: goes again %s', async (method, state, kept, again) => {
    const request = plannedRequest({ method, content: Readable.from([Buffer.from('con'), Buffer.from('tent')]) });
    const contents: string[] = [];
    const forward = routed(
      async ({ content }, { kind }) => {
        if (kind === 'direct' || state === 'read') contents.push(await text(content));
        return kind === 'direct' ? response() : down(true);
      },
      { maxReplayBytes: kept },
    );
    expect((await forward(request)).kind).toBe(again ? 'response' : 'failed');
    if (again) expect(contents.at(-1)).toBe('content');
    else expect(contents).toEqual(['content']);
  });

  test('and `fallback` is `fail`, nothing goes directly', async () => {
    const { seen, outcome } = await healed(plannedRequest(), down(true), { fallback: 'fail' });
    expect(seen).toEqual([byEdge]);
    expect(outcome.kind).toBe('failed');
  });

  test('the next request does not ask it, for some time', async () => {
    const clock = stillClock();
    const seen: unknown[] = [];
    const forward = routed(
      async (_, route) => {
        seen.push(route);
        return route.kind === 'direct' ? response() : down(true);
      },
      { clock },
    );
    await forward(plannedRequest());
    await forward(plannedRequest({ host: 'other.example' }));
    clock.at = 10_001;
    await forward(plannedRequest());
    const direct = { kind: 'direct', because: 'edge-down' };
    expect(seen).toEqual([byEdge, direct, direct, byEdge, direct]);
  });

  test('at one host only, other hosts go by it', async () => {
    const seen: string[] = [];
    const forward = routed(async ({ host }, { kind }) => {
      seen.push(`${host} ${kind}`);
      const isOut = kind === 'edge' && host === 'far.example';
      return isOut ? failure(false, { because: 'edge-cannot-reach', isHarmless: true }) : response();
    });
    for (const host of ['far.example', 'far.example', 'near.example']) await forward(plannedRequest({ host }));
    expect(seen).toEqual(['far.example edge', 'far.example direct', 'far.example direct', 'near.example edge']);
  });
});

test.each([
  [{ kind: 'length', octets: 1_000 }, 'edge'],
  [{ kind: 'length', octets: 1_001 }, 'direct'],
  [{ kind: 'chunked' }, 'direct'],
] as const)('to a deployed edge content of %j goes by %s', async (framing, kind) => {
  const seen: unknown[] = [];
  const forward = routed(
    async (_, route) => {
      seen.push(route);
      return response();
    },
    { edge: deployed },
  );
  await forward(plannedRequest({ method: 'PUT', framing, content: Readable.from(['x']) }));
  expect(seen).toEqual([kind === 'edge' ? byEdge : { kind, because: 'edge-upload-limit' }]);
});

describe('by rule', () => {
  const down = failure(false, { because: 'edge-down', isHarmless: true });
  const plan = (parts: Partial<RequestPlan>): RequestPlan => ({ rules: [], onResponse: {}, ...parts });
  const to = (action: 'edge' | 'direct' | { edge: string }, fallback?: 'direct' | 'fail') =>
    plannedRequest({
      plan: plan({ route: chosen(action), ...(fallback !== undefined && { fallback: chosen(fallback) }) }),
    });

  test.each([
    ['direct', { kind: 'direct', because: 'rule' }],
    ['edge', { kind: 'edge', edge: 'home', because: 'rule' }],
    [{ edge: 'far' }, { kind: 'edge', edge: 'far', because: 'rule' }],
  ] as const)('%j is the way', async (action, route) => {
    const { seen, request } = await healed(to(action), response());
    expect([seen, request.trace.route]).toEqual([[route], route]);
  });

  test.each([
    ['fail', 'direct', 2],
    ['direct', 'fail', 1],
  ] as const)('fallback comes before that of the configuration, %s', async (fallback, ofRule, ways) => {
    const { seen, outcome } = await healed(to({ edge: 'far' }, ofRule), down, { fallback });
    expect(seen).toHaveLength(ways);
    expect(outcome.kind).toBe(ways === 2 ? 'response' : 'failed');
  });

  test('who may not go directly reads which rule wanted which edge', async () => {
    const { outcome } = await healed(to({ edge: 'far' }, 'fail'), down);
    expect(outcome).toMatchObject({ error: { message: expect.stringMatching(/Gone\. The rule "r" .* the edge far/) } });
  });

  test('what one edge cannot do is no reason to leave another alone', async () => {
    const seen: unknown[] = [];
    const forward = routed(async (_, route) => {
      seen.push(route.kind === 'edge' ? route.edge : route.because);
      return route.kind === 'edge' && route.edge === 'far' ? down : response();
    });
    await forward(to({ edge: 'far' }));
    await forward(to({ edge: 'near' }));
    await forward(plannedRequest());
    await forward(to({ edge: 'far' }));
    expect(seen).toEqual(['far', 'edge-down', 'near', 'home', 'edge-down']);
  });

  test('an edge that there is not is asked by nobody', async () => {
    const { seen, outcome, request } = await healed(to('edge'), response(), { edge: 'none' });
    expect(seen).toEqual([]);
    expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'proxy_configuration_error', status: 502 } });
    expect(request.trace.route).toBeUndefined();
  });
});

test('a request of a reverse route goes to its pool', async () => {
  const asked: PlannedRequest[] = [];
  const pooled = async (request: PlannedRequest) => {
    asked.push(request);
    return response();
  };
  const request = plannedRequest({ reverse: { host: '*', path: '/', pool: 'app', stripPath: false } });
  const { seen } = await healed(request, response(), { pooled });
  expect([seen, asked]).toEqual([[], [request]]);
});

function chosen<A>(action: A) {
  return { rule: 'r', action };
}

interface Parts {
  readonly clock?: Clock;
  readonly edge?: EdgeLink | 'none';
  readonly fallback?: 'direct' | 'fail';
  readonly maxReplayBytes?: number;
  readonly pooled?: (request: PlannedRequest) => Promise<Outcome>;
}

function routed(exchange: Exchange, { maxReplayBytes = 10, ...parts }: Parts = {}) {
  const limits = { maxReplayBytes, maxEdgeUploadBytes: 1_000 };
  const { edge: inUse = edge, ...others } = parts;
  const edges = {
    inUse: inUse === 'none' ? undefined : inUse,
    named: (name: string) => ({ name, embedded: false }) as EdgeLink,
  };
  return createRouted({ clock: stillClock(), edges, fallback: 'direct', limits, ...others })(exchange);
}

async function healed(request: PlannedRequest, failed: Outcome, parts: Parts = {}) {
  const seen: Route[] = [];
  const outcome = await routed(async (_, route) => {
    seen.push(route);
    return route.kind === 'edge' ? failed : response();
  }, parts)(request);
  return { seen, outcome, request };
}

function response(): Outcome {
  return { kind: 'response', response: { status: 200, reason: 'OK', fields: [], content: { kind: 'none' } } };
}

function failure(mayRetry: boolean, edgeFault?: EdgeFault): Outcome {
  const error = new ProxyError('connection_terminated', 'Gone.');
  return { kind: 'failed', error, source: 'agent', mayRetry, ...(edgeFault !== undefined && { edgeFault }) };
}

function text(content: Readable | undefined): Promise<string> {
  return content === undefined ? Promise.resolve('') : wholeText(content);
}
