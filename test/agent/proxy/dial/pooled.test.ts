// One request and the targets of its pool: who is asked, who is asked again, what the client gets, what the record says.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createPools } from '../../../../agent/pools/pools.ts';
import { createPooled } from '../../../../agent/proxy/dial/pooled.ts';
import type { Outcome, PlannedRequest, TargetAnswer, TargetRequest } from '../../../../agent/proxy/ports.ts';
import type { Fields } from '../../../../http/fields.ts';
import type { PassingHop } from '../../../../http/privacy.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { config } from '../../../../schemas/config.ts';
import type { ErrorType } from '../../../../schemas/error.ts';
import { contentOf, plannedRequest, receivedOf, stillClock } from '../../../support/walk.ts';

const [a, b, c] = ['http://10.0.0.1', 'http://10.0.0.2', 'http://10.0.0.3'] as const;
const privacy = config.parse({}).privacy;
const hop: PassingHop = { privacy, pseudonym: 'edgehop-1a2b', machine: 'm', clientPseudonym: () => 'p' };

type Step = number | TargetAnswer | { readonly fails: ErrorType; readonly progress: TargetAnswer['progress'] };

/** What the targets do, one step after the other. */
function walked(steps: readonly Step[], settings: object = {}, targets: readonly string[] = [a, b, c]) {
  const pools = createPools(
    config.parse({ pools: { app: { targets: targets.map((url) => ({ url })), ...settings } } }).pools,
    {
      clock: stillClock(),
      chance: () => 0,
      client: { send: () => Promise.reject(new Error('no checks')), close: async () => undefined },
    },
  );
  const asked: TargetRequest[] = [];
  const contents: string[] = [];
  const left = [...steps];
  const pooled = createPooled({
    pools,
    hop,
    maxReplayBytes: 10,
    exchange: async ({ content }, target) => {
      asked.push(target);
      const step = left.shift();
      if (step === undefined) throw new Error('asked too often');
      if (content !== undefined && !(typeof step === 'object' && 'progress' in step && step.progress === 'unsent')) {
        contents.push(await text(content));
      }
      if (typeof step === 'number') return response(step);
      if ('outcome' in step) return step;
      const error = new ProxyError(step.fails, 'The destination is gone.');
      return { progress: step.progress, outcome: { kind: 'failed', error, source: 'agent', mayRetry: false } };
    },
  });
  const reverse = { host: 'app.localhost', path: '/', pool: 'app', stripPath: false };
  return {
    asked,
    contents,
    pools,
    origins: () => asked.map(({ origin }) => origin),
    send: async (parts: Partial<PlannedRequest> = {}) => {
      const request = plannedRequest({
        host: 'app.localhost',
        port: 8080,
        url: 'http://app.localhost:8080/',
        reverse,
        ...parts,
      });
      return { request, outcome: await pooled(request) };
    },
  };
}

function response(status: number, fields: Fields = [], content = contentOf(['content'])): TargetAnswer {
  return {
    progress: 'answered',
    outcome: {
      kind: 'response',
      response: { status, reason: '', fields, content: { kind: 'some', octets: undefined, source: content } },
    },
  };
}

const refused = { fails: 'connection_refused', progress: 'unsent' } as const;
const terminated = { fails: 'connection_terminated', progress: 'unanswered' } as const;

function statusOf(outcome: Outcome): number | ErrorType {
  return outcome.kind === 'response' ? outcome.response.status : outcome.error.type;
}

describe('sent again', () => {
  test.each<[string, string, readonly Step[], number, number | ErrorType]>([
    ['an answer is an answer', 'GET', [200], 1, 200],
    ["also one of the client's fault, or of the target", 'GET', [500], 1, 500],
    ['a target that refuses is left for the next', 'GET', [refused, refused, 200], 3, 200],
    ['also by POST, for nothing was sent', 'POST', [refused, 200], 2, 200],
    ['one that breaks off, by GET', 'GET', [terminated, 200], 2, 200],
    ['one that breaks off, by DELETE', 'DELETE', [terminated, 200], 2, 200],
    ['I08: never by POST, once it was sent', 'POST', [terminated], 1, 'connection_terminated'],
    ['nor by a method nobody knows', 'FOO', [terminated], 1, 'connection_terminated'],
    ["a gateway's failure, by GET", 'GET', [503, 502, 504], 3, 504],
    ["a gateway's failure, by POST", 'POST', [503], 1, 503],
    ["a gateway's failure, where another does better", 'GET', [503, 200], 2, 200],
    [
      'a target that is slow is not abandoned for another',
      'GET',
      [{ fails: 'http_response_timeout', progress: 'unanswered' }],
      1,
      'http_response_timeout',
    ],
    [
      'nor is one that speaks no HTTP',
      'GET',
      [{ fails: 'http_protocol_error', progress: 'unanswered' }],
      1,
      'http_protocol_error',
    ],
    [
      'a client that has left asks nobody',
      'GET',
      [{ fails: 'http_request_error', progress: 'unsent' }],
      1,
      'http_request_error',
    ],
    [
      'a stale connection: the same target once more',
      'GET',
      [{ fails: 'connection_terminated', progress: 'stale' }, 200],
      2,
      200,
    ],
  ])('%s (%s)', async (_, method, steps, count, expected) => {
    const { send, asked } = walked(steps);
    const { outcome, request } = await send({ method });
    expect(statusOf(outcome)).toBe(expected);
    expect(asked).toHaveLength(count);
    expect(request.trace.retries).toBe(count - 1);
  });

  test('each time another target; a stale connection the same', async () => {
    const { send, origins } = walked([{ fails: 'connection_terminated', progress: 'stale' }, refused, refused, 200]);
    await send();
    expect(origins()).toEqual([a, a, b, c]);
  });

  test('content that is kept goes again as a whole; what was not kept does not', async () => {
    const put = (octets: string) => ({
      method: 'PUT',
      content: Readable.from([Buffer.from(octets)]),
      framing: { kind: 'length', octets: octets.length } as const,
    });
    const small = walked([terminated, 200]);
    expect(statusOf((await small.send(put('small'))).outcome)).toBe(200);
    expect(small.contents).toEqual(['small', 'small']);
    const large = walked([terminated]);
    expect(statusOf((await large.send(put('more than ten'))).outcome)).toBe('connection_terminated');
  });

  test('not beyond the tries that one request has', async () => {
    const { send, asked } = walked([refused, refused], { retry: { maxTries: 2 } });
    expect(statusOf((await send()).outcome)).toBe('connection_refused');
    expect(asked).toHaveLength(2);
  });

  test('not beyond the budget of all requests, unless nothing was sent', async () => {
    const steps = Array.from({ length: 10 }, () => [503, 200]).flat();
    const { send, asked } = walked([...steps, 503, refused, 200], {
      retry: { budgetPercent: 0 },
      eject: { afterFailures: 1_000 },
    });
    for (let i = 0; i < 10; i++) expect(statusOf((await send()).outcome)).toBe(200);
    expect(statusOf((await send()).outcome)).toBe(503);
    expect(statusOf((await send()).outcome)).toBe(200);
    expect(asked).toHaveLength(23);
  });
});

describe('when no target answers', () => {
  test('503 names each with what is wrong with it', async () => {
    const { send } = walked([refused, terminated, refused]);
    const { outcome, request } = await send();
    expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'destination_unavailable', status: 503 } });
    const { message } = (outcome as Extract<Outcome, { kind: 'failed' }>).error;
    for (const name of [a, b, c]) expect(message).toContain(`${name} (it is gone)`);
    expect(request.trace.pool?.tried).toHaveLength(3);
  });

  test('a pool of one target says so too', async () => {
    const { send } = walked([refused], {}, [a]);
    expect(statusOf((await send()).outcome)).toBe('destination_unavailable');
  });

  test('what checks have found ill is named without being asked', async () => {
    const { send, pools, asked } = walked([]);
    for (const { health } of pools.live.get('app')?.targets ?? []) {
      Object.assign(health, { isWell: false, because: 'a check failed' });
    }
    const { outcome } = await send();
    expect((outcome as Extract<Outcome, { kind: 'failed' }>).error.message).toContain(`${a} (a check failed)`);
    expect(asked).toEqual([]);
  });

  test('however many there are, the sentence fits a record', async () => {
    const many = Array.from({ length: 200 }, (_, i) => `http://${'x'.repeat(200)}${i}.example`);
    const { send } = walked([refused, refused, refused], {}, many);
    const { pools, send: again } = walked([], {}, many);
    for (const { health } of pools.live.get('app')?.targets ?? []) health.isWell = false;
    await send();
    const { outcome } = await again();
    expect((outcome as Extract<Outcome, { kind: 'failed' }>).error.message.length).toBeLessThanOrEqual(1_000);
  });
});

describe('what counts against a target', () => {
  const failuresOf = (pools: ReturnType<typeof walked>['pools']) =>
    pools.states()[0]?.targets.map(({ failures }) => failures);

  test.each<[string, readonly Step[], readonly number[]]>([
    ['a connection that fails', [refused, 200], [1, 0, 0]],
    ["a gateway's failure where another target does better", [503, 200], [1, 0, 0]],
    ['but not where the next one answers alike: then it is the request', [503, 503, 503], [0, 0, 0]],
    ['nor an answer of 500', [500], [0, 0, 0]],
    ['nor that the client has left', [{ fails: 'http_request_error', progress: 'unanswered' }], [0, 0, 0]],
    [
      'nor that our own connections are all in use',
      [{ fails: 'connection_limit_reached', progress: 'unsent' }, 200],
      [0, 0, 0],
    ],
  ])('%s', async (_, steps, failures) => {
    const { send, pools } = walked(steps);
    await send();
    expect(failuresOf(pools)).toEqual(failures);
  });

  test('content that is cut', async () => {
    const cut = contentOf(['half'], new ProxyError('http_response_incomplete', 'cut'));
    const { send, pools } = walked([response(200, [], cut)]);
    const { outcome } = await send();
    if (outcome.kind === 'response' && outcome.response.content.kind === 'some') {
      expect(receivedOf(outcome.response.content.source)).toEqual({
        octets: 'half',
        endings: ['http_response_incomplete'],
      });
    }
    expect(failuresOf(pools)).toEqual([1, 0, 0]);
  });
});

describe('an exchange goes on at its target', () => {
  const outstanding = (pools: ReturnType<typeof walked>['pools']) =>
    pools.states()[0]?.targets.reduce((sum, target) => sum + target.outstanding, 0);

  test.each([
    ['its content has ended', contentOf(['x']), 'flow'],
    ['its content has failed', contentOf([], new ProxyError('http_response_incomplete', 'cut')), 'flow'],
    ['nobody wants its content', contentOf(['x'], 'open'), 'cancel'],
  ] as const)('until %s', async (_, content, how) => {
    const { send, pools } = walked([response(200, [], content)]);
    const { outcome } = await send();
    expect(outstanding(pools)).toBe(1);
    if (outcome.kind !== 'response' || outcome.response.content.kind !== 'some') throw new Error('there is content');
    if (how === 'flow') receivedOf(outcome.response.content.source);
    else outcome.response.content.source.cancel();
    expect(outstanding(pools)).toBe(0);
    expect(content.wasCancelled).toBe(how === 'cancel');
  });

  test('until its answer, where that has no content or is a failure', async () => {
    const { send, pools } = walked([terminated, refused, refused, refused]);
    await send({ method: 'POST' });
    expect(outstanding(pools)).toBe(0);
    await send();
    expect(outstanding(pools)).toBe(0);
  });

  test('and that of an answer that is passed over is cancelled', async () => {
    const content = contentOf(['busy'], 'open');
    const { send, pools } = walked([response(503, [], content), 200]);
    await send();
    expect(content.wasCancelled).toBe(true);
    expect(outstanding(pools)).toBe(1);
  });
});

describe('what a target is asked', () => {
  test("the client's path and Host, with Forwarded in place of what the client claims", async () => {
    const { send, asked } = walked([200]);
    await send({
      path: '/x?y',
      forwardFields: [
        ['Accept', '*/*'],
        ['X-Forwarded-For', '6.6.6.6'],
        ['Forwarded', 'for=6.6.6.6'],
        ['x-forwarded-host', 'evil.example'],
        ['X-Forwarded-Prefix', '/evil'],
        ['Via', '1.1 edgehop-1a2b'],
      ],
    });
    expect(asked[0]).toMatchObject({ origin: a, path: '/x?y', host: 'app.localhost:8080' });
    expect(asked[0]?.fields).toEqual([
      ['Accept', '*/*'],
      ['Via', '1.1 edgehop-1a2b'],
      ['Forwarded', 'for=127.0.0.1;host="app.localhost:8080";proto=http'],
      ['X-Forwarded-For', '127.0.0.1'],
      ['X-Forwarded-Host', 'app.localhost:8080'],
      ['X-Forwarded-Proto', 'http'],
    ]);
  });

  test('its own Host and a shorter path, where the pool and the route say so', async () => {
    const { send, asked } = walked([200], { host: 'target' }, ['http://10.0.0.1:3000']);
    await send({ path: '/api/x', reverse: { host: '*', path: '/api', pool: 'app', stripPath: true } });
    expect(asked[0]).toMatchObject({ path: '/x', host: '10.0.0.1:3000' });
  });

  test('and where it leads its client by its own address, the client is led back', async () => {
    const { send } = walked([
      response(302, [
        ['Location', `${a}/login`],
        ['X', `${a}/`],
        ['content-location', `${a}/x`],
      ]),
    ]);
    const { outcome } = await send();
    expect(outcome).toMatchObject({
      response: {
        fields: [
          ['Location', 'http://app.localhost:8080/login'],
          ['X', `${a}/`],
          ['content-location', 'http://app.localhost:8080/x'],
        ],
      },
    });
  });
});

test('the record says which target answered, and which did not', async () => {
  const { send } = walked([refused, 200]);
  const { request } = await send();
  expect(request.trace).toMatchObject({
    route: { kind: 'direct', because: 'pool' },
    pool: { name: 'app', target: b, tried: [{ target: a, because: 'it is gone' }] },
    retries: 1,
  });
});
