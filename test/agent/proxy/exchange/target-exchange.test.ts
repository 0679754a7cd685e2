// An exchange with a target of a pool: what is sent to it, and what each answer of it comes to.
import { expect, test } from 'vitest';
import { createTargetExchange } from '../../../../agent/proxy/exchange/target-exchange.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { contentOf, limits, listening, plannedRequest, receivedOf, stillClock } from '../../../support/walk.ts';

const target = {
  origin: 'http://10.0.0.1:3000',
  path: '/x',
  host: 'app.localhost:8080',
  fields: [['A', '1']],
} as const;

async function exchanged(answer: UpstreamAnswer, request = plannedRequest()) {
  const sent: UpstreamRequest[] = [];
  const { observer, told } = listening();
  const client = {
    send: async (asked: UpstreamRequest) => {
      sent.push(asked);
      return answer;
    },
    close: async () => undefined,
  };
  const exchange = createTargetExchange({ clock: stillClock(7), observer, limits, client });
  return { ...(await exchange(request, target)), sent, told, request };
}

function answered(parts: Partial<Extract<UpstreamAnswer, { kind: 'response' }>> = {}): UpstreamAnswer {
  const content = contentOf(['ab']);
  return { kind: 'response', status: 200, reason: 'OK', fields: [], octets: 2, content, address: '10.0.0.1', ...parts };
}

test('the target is asked in its own terms, and answers for itself', async () => {
  const { sent, told, outcome, progress, request } = await exchanged(answered());
  expect(sent[0]).toMatchObject({ origin: target.origin, method: 'GET', path: '/x', headDeadlineMs: 1_000 });
  expect(sent[0]?.fields).toEqual([
    ['Host', 'app.localhost:8080'],
    ['A', '1'],
  ]);
  expect(told).toEqual(['request relayed', 'response received']);
  expect(request.trace).toMatchObject({ address: '10.0.0.1', addressKnownBy: 'socket' });
  expect(progress).toBe('answered');
  if (outcome.kind !== 'response' || outcome.response.content.kind !== 'some') throw new Error(outcome.kind);
  expect(receivedOf(outcome.response.content.source)).toEqual({ octets: 'ab', endings: ['end'] });
});

test('a client that takes trailers is told of', async () => {
  const { sent } = await exchanged(answered(), plannedRequest({ fields: [['TE', 'trailers']] }));
  expect(sent[0]?.fields.slice(2)).toEqual([
    ['TE', 'trailers'],
    ['Connection', 'TE'],
  ]);
});

test.each(['unsent', 'stale', 'unanswered'] as const)(
  'a failure says how far the request came: %s',
  async (progress) => {
    const error = new ProxyError('connection_terminated', 'gone');
    const result = await exchanged({ kind: 'failed', error, progress });
    expect(result).toMatchObject({ progress, outcome: { kind: 'failed', error, mayRetry: false } });
    expect(result.told).toEqual(['request relayed']);
  },
);

test.each([101, 199, 407, 600])('D10: a status of %i is no answer, and nothing of it is passed on', async (status) => {
  const content = contentOf(['ab'], 'open');
  const { outcome, progress } = await exchanged(answered({ status, content }));
  expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'http_protocol_error' } });
  expect([progress, content.wasCancelled]).toEqual(['answered', true]);
});

test('an answer without content has none', async () => {
  const { outcome } = await exchanged(answered({ status: 204, octets: 'none', content: contentOf([]) }));
  expect(outcome).toMatchObject({ response: { status: 204, content: { kind: 'none' } } });
});

test.each([
  [true, { kind: 'failed', error: { type: 'proxy_configuration_error' } }, 0],
  [false, { kind: 'response', response: { transform: { rule: 'small', applied: [] } } }, 1],
] as const)('a transform has no edge to make it: required %s', async (required, expected, count) => {
  const transform = [{ rule: 'small', action: { required, compress: true } }] as never;
  const plan = { rules: ['small'], onResponse: { transform } };
  const request = plannedRequest({ plan });
  const { outcome, sent } = await exchanged(answered(), request);
  expect(outcome).toMatchObject(expected);
  expect(request.trace.transform).toMatchObject({ rule: 'small', applied: [] });
  expect(sent).toHaveLength(count);
});
