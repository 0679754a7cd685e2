// What becomes of a response by rule: other fields, another answer, a simulated network, and all of it in the record.
import { describe, expect, test } from 'vitest';
import type { AnswerOf } from '../../../../agent/proxy/apply/answers.ts';
import { createApplied } from '../../../../agent/proxy/apply/applied.ts';
import type { Shaping } from '../../../../agent/proxy/apply/shaping.ts';
import type { Ending, Outcome, PlannedRequest, UpstreamResponse } from '../../../../agent/proxy/ports.ts';
import type { AnswerAction, Chosen, RequestPlan } from '../../../../http/plan/plan.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { contentOf, plannedRequest } from '../../../support/walk.ts';

const response: UpstreamResponse = {
  status: 200,
  reason: 'OK',
  fields: [
    ['Server', 'old'],
    ['Connection', 'X-Hop'],
    ['X-Hop', '1'],
  ],
  content: { kind: 'none' },
};
const answered: Outcome = { kind: 'response', response };
const failure: Outcome = {
  kind: 'failed',
  error: new ProxyError('connection_refused', 'No.'),
  source: 'agent',
  mayRetry: false,
};
const setServer = { kind: 'set', name: 'server', value: 'new' } as const;
const block: AnswerAction = { kind: 'block', block: { status: 403 } };

describe('without a plan', () => {
  test('what answers is passed through as it is', () => {
    const request = plannedRequest();
    expect(applied(answered)(request)).toBe(answered);
    expect(request.trace.rules).toBeUndefined();
  });

  test('and where there are no rules nothing is wrapped at all', () => {
    const answering = () => answered;
    expect(createApplied(undefined)(answering)).toBe(answering);
  });
});

describe('fields', () => {
  const plan: RequestPlan = { rules: ['r'], onResponse: { edits: [{ rule: 'r', action: [setServer] }] } };

  test('are changed, and what ended at the last hop goes with it', async () => {
    const ending = await applied(answered)(planned(plan));
    expect(ending).toMatchObject({ response: { status: 200, fields: [['Server', 'new']] } });
  });

  test('of what is at hand are changed at once', () => {
    const stored = { kind: 'response', response: { ...response, isStored: true } } as const;
    const ending = applied(stored)(planned(plan));
    expect(ending).toMatchObject({ response: { isStored: true, fields: [['Server', 'new']] } });
    expect(stored.response.fields).toEqual(response.fields);
  });

  test('that a rule may not name in Connection stay with the client', async () => {
    const named = { ...response, fields: [['Connection', 'x-new']] } as const;
    const edits = [{ rule: 'r', action: [{ kind: 'set', name: 'x-new', value: '1' } as const] }];
    const ending = await applied({ kind: 'response', response: named })(
      planned({ rules: ['r'], onResponse: { edits } }),
    );
    expect(ending).toMatchObject({ response: { fields: [['x-new', '1']] } });
  });

  test('of an error of our own are nobody’s to change', async () => {
    const request = planned(plan);
    expect(await applied(failure)(request)).toBe(failure);
    expect(request.trace.rules).toBeUndefined();
  });
});

describe('an answer in the place of a response', () => {
  const plan: RequestPlan = {
    rules: ['r', 'quiet'],
    onResponse: {
      answer: [{ rule: 'r', action: block, when: { status: [404] } }],
      edits: [{ rule: 'edits', action: [setServer] }],
      log: [{ rule: 'quiet', action: 'errors', when: { status: [404] } }],
    },
  };

  test('is given where the conditions hold, and nobody wants the rest of the response', async () => {
    const content = contentOf(['x'], 'open');
    const missing: Outcome = {
      kind: 'response',
      response: { ...response, status: 404, content: { kind: 'some', octets: 5, source: content } },
    };
    const request = planned(plan);
    expect(await applied(missing)(request)).toMatchObject({ kind: 'failed', error: { message: 'r' } });
    expect(content.wasCancelled).toBe(true);
    expect(request.trace).toMatchObject({ rules: ['r', 'quiet'], log: 'off' }); // what a rule blocks has not failed
  });

  test.each([
    ['a response that is none of those', answered],
    ['a failure', failure],
  ])('is not given for %s', async (_, outcome) => {
    const request = planned(plan);
    expect((await applied(outcome)(request)).kind).toBe(outcome.kind);
    expect(request.trace).toMatchObject({ rules: undefined, log: 'usual' });
  });
});

test('sizes are judged by what is known of the content, said or not', async () => {
  const plan: RequestPlan = {
    rules: ['large'],
    onResponse: { edits: [{ rule: 'large', action: [setServer], when: { size: { minBytes: 5 } } }] },
  };
  const servers = [4, 5, undefined].map(async (octets) => {
    const content = { kind: 'some', octets, source: contentOf([]) } as const;
    const ending = await applied({ kind: 'response', response: { ...response, content } })(planned(plan));
    return ending.kind === 'response' ? ending.response.fields[0]?.[1] : undefined;
  });
  expect(await Promise.all(servers)).toEqual(['old', 'new', 'old']);
});

test('what an edge has transformed, and what a cache has heeded, is said of their rules', async () => {
  const plan: RequestPlan = {
    rules: ['c', 't', 'u'],
    onResponse: {
      cache: [
        { rule: 'u', action: 'bypass', when: { status: [500] } },
        { rule: 'c', action: 'validate' },
      ],
      transform: [{ rule: 't', action: { compress: true } as never }],
    },
  };
  const request = planned(plan);
  request.trace.transform = { rule: 't', applied: ['compress'] };
  await applied(answered)(request);
  expect(request.trace.rules).toEqual(['c', 't']);
});

test('a simulated network stands around all of it', async () => {
  const shape = { rule: 'far', action: {} };
  const plan: RequestPlan = { rules: ['far'], shape, onResponse: { edits: [{ rule: 'far', action: [setServer] }] } };
  const seen: unknown[] = [];
  const ending = await applied(answered, async (request, given, next) => {
    seen.push(given, await next(request));
    return { kind: 'dropped', error: new ProxyError('connection_terminated', 'No.') };
  })(planned(plan));
  expect(ending.kind).toBe('dropped');
  expect(seen).toMatchObject([shape, { response: { fields: [['Server', 'new']] } }]);
});

function applied(
  outcome: Outcome,
  exchange?: Shaping['exchange'],
): (request: PlannedRequest) => Ending | Promise<Ending> {
  const unshaped: Shaping['exchange'] = async (request, _, next) => next(request);
  const answer: AnswerOf = ({ rule }: Chosen<AnswerAction>) => ({
    kind: 'failed',
    error: new ProxyError('http_request_denied', rule),
    source: 'agent',
    mayRetry: false,
  });
  const shaping = { exchange: exchange ?? unshaped, tunnel: () => undefined };
  return createApplied({ answer, shaping, planOf: () => undefined })(() => outcome);
}

function planned(plan: RequestPlan): PlannedRequest {
  return plannedRequest({ plan });
}
