// Exchanges through simulated networks: what waits, what fails, and that the same seed makes the same choices.
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createShaping } from '../../../../agent/proxy/apply/shaping.ts';
import type { Ending, PlannedRequest } from '../../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { type ShapeSettings, shapeOutcome } from '../../../../schemas/shape.ts';
import { testTimers } from '../../../support/timers.ts';
import { contentOf, plannedRequest, receivedOf, testTrace } from '../../../support/walk.ts';

describe('the latency', () => {
  test('comes before the response, and is in the record', async () => {
    const { timers, ended, request } = begun({ preset: '4g', latencyMs: 100 }, answer(['hello']));
    await timers.pass(99);
    expect(ended()).toBe(undefined);
    await timers.pass(1);
    expect(ended()).toMatchObject({ kind: 'response' });
    expect(shapeOutcome.parse(request.trace.shape)).toEqual({ rule: 'slow', preset: '4g', latencyMs: 100 });
    expect(timers.set).toBe(0);
  });

  test.each([
    [
      'a response without content',
      { kind: 'response', response: { status: 204, reason: '', fields: [], content: { kind: 'none' } } },
    ],
    ['a failure', { kind: 'failed', error: new ProxyError('dns_error', 'No.'), source: 'agent', mayRetry: false }],
  ] as const)('comes before %s, which stays as it is', async (_what, ending) => {
    const { timers, ended } = begun({ latencyMs: 100, downBytesPerSecond: 10 }, ending);
    await timers.pass(99);
    expect(ended()).toBe(undefined);
    await timers.pass(1);
    expect(ended()).toBe(ending);
  });

  test('is over when the client leaves: no timer is left, and the response is there to be cancelled', async () => {
    const { timers, ended, leave } = begun({ latencyMs: 100 }, answer(['hello']));
    await timers.pass(50);
    leave();
    await timers.pass(0);
    expect([ended()?.kind, timers.set]).toEqual(['response', 0]);
  });

  test('varies by its jitter at most, in both directions, and is never less than none', async () => {
    const { shaping } = made();
    const shape = { rule: 'slow', action: { latencyMs: 100, jitterMs: 40, seed: 1 } };
    const latencies = Array.from({ length: 500 }, () => {
      const trace = testTrace({}, 'tunnel');
      shaping.tunnel(trace, shape);
      return trace.shape?.latencyMs ?? 0;
    });
    expect(Math.min(...latencies)).toBeGreaterThanOrEqual(60);
    expect(Math.min(...latencies)).toBeLessThan(65);
    expect(Math.max(...latencies)).toBeLessThanOrEqual(140);
    expect(Math.max(...latencies)).toBeGreaterThan(135);
    const trace = testTrace({}, 'tunnel');
    shaping.tunnel(trace, { rule: 'other', action: { jitterMs: 1, seed: 1 } });
    expect(shapeOutcome.parse(trace.shape).latencyMs ?? 0).toBeGreaterThanOrEqual(0);
  });
});

describe('the rate', () => {
  test('holds for content that is in memory already, which is not given whole', async () => {
    const held = Buffer.from('0123456789');
    const { timers, ended } = begun({ downBytesPerSecond: 10 }, answer(['0123456789'], { held, octets: 10 }));
    await timers.pass(0);
    const content = contentIn(ended());
    expect(content).toMatchObject({ octets: 10 });
    expect(content.held).toBe(undefined);
    const received: string[] = [];
    content.source.flow({
      write: (octets) => received.push(octets.toString()) > 0,
      end: () => received.push('end'),
      fail: () => undefined,
    });
    await timers.pass(300);
    expect(received.join('')).toBe('012');
    await timers.pass(700);
    expect(received.join('')).toBe('0123456789end');
  });

  test('leaves content alone where none is asked for: what is in memory is given whole', async () => {
    const given = answer(['hello'], { held: Buffer.from('hello') });
    const { timers, ended } = begun({ latencyMs: 10, upBytesPerSecond: 10 }, given);
    await timers.pass(10);
    expect(ended()).toBe(given);
  });

  test('from the client holds the content of its request', async () => {
    const content = Readable.from([Buffer.from('01234'), Buffer.from('56789')]);
    const { timers, asked } = begun({ upBytesPerSecond: 10 }, answer([]), { content });
    await timers.pass(0);
    let came = '';
    asked[0]?.content?.on('data', (octets: Buffer) => {
      came += octets.toString();
    });
    await timers.pass(700);
    expect(came).toBe('0123456');
    await timers.pass(300);
    expect(came).toBe('0123456789');
  });

  test.each([
    ['the end of the response', answer(['done'])],
    [
      'a response without content',
      { kind: 'response', response: { status: 204, reason: '', fields: [], content: { kind: 'none' } } },
    ],
    ['a failure', { kind: 'failed', error: new ProxyError('dns_error', 'No.'), source: 'agent', mayRetry: false }],
  ] as const)('from the client ends with %s: no timer goes on behind it', async (_what, ending) => {
    const content = Readable.from([Buffer.alloc(1_000)]);
    const { timers, asked, ended } = begun({ upBytesPerSecond: 1 }, ending, { content });
    asked[0]?.content?.resume();
    await timers.pass(10);
    const given = ended();
    if (given?.kind === 'response' && given.response.content.kind === 'some') {
      expect(timers.set).toBe(1);
      expect(receivedOf(given.response.content.source)).toMatchObject({ octets: 'done', endings: ['end'] });
    }
    await timers.pass(0);
    expect([timers.set, content.destroyed]).toEqual([0, true]);
  });

  test('from the client changes nothing of a request without content', async () => {
    const { timers, asked, request } = begun({ upBytesPerSecond: 10 }, answer([]));
    await timers.pass(0);
    expect(asked).toEqual([request]);
  });
});

describe('a fault', () => {
  test.each([
    ['reset', { kind: 'reset', afterBytes: 0, probability: 1 }, 'connection_terminated', 0],
    ['timeout', { kind: 'timeout', afterBytes: 0, probability: 1 }, 'connection_read_timeout', 10_000],
  ] as const)('%s behind no octet drops the connection, and nobody is asked', async (kind, fault, type, afterMs) => {
    const { timers, ended, asked, request } = begun({ fault }, answer(['hello']));
    await timers.pass(Math.max(0, afterMs - 1));
    if (afterMs > 0) expect(ended()).toBe(undefined);
    await timers.pass(1);
    expect(ended()).toMatchObject({ kind: 'dropped', error: { type } });
    expect([asked, timers.set, request.trace.shape?.fault]).toEqual([[], 0, kind]);
  });

  test('timeout is over when the client leaves', async () => {
    const { timers, ended, leave } = begun({ fault: { kind: 'timeout', afterBytes: 0, probability: 1 } }, answer([]));
    await timers.pass(5);
    leave();
    await timers.pass(0);
    expect([ended()?.kind, timers.set]).toEqual(['dropped', 0]);
  });

  test('within content is in the record once it has happened', async () => {
    const fault = { kind: 'reset', afterBytes: 3, probability: 1 } as const;
    const { timers, ended, request } = begun({ fault }, answer(['hello'], { held: Buffer.from('hello') }));
    await timers.pass(0);
    expect(request.trace.shape).toEqual({ rule: 'slow' });
    expect(receivedOf(contentIn(ended()).source).octets).toBe('hel');
    expect(request.trace.shape).toEqual({ rule: 'slow', fault: 'reset' });
  });
});

describe('chance', () => {
  const action: ShapeSettings = {
    probability: 0.5,
    latencyMs: 100,
    jitterMs: 50,
    fault: { kind: 'timeout', afterBytes: 1, probability: 0.3 },
  };
  const run = (seed: number | undefined, rule = 'slow', length = 400) => {
    const { shaping } = made();
    return Array.from({ length }, () => {
      const trace = testTrace({}, 'tunnel');
      const shape = shaping.tunnel(trace, { rule, action: { ...action, ...(seed !== undefined && { seed }) } });
      return shape === undefined || shape === 'dropped' ? 'none' : `${trace.shape?.latencyMs} ${shape.fault?.kind}`;
    });
  };

  test('makes the same choices with the same seed, and others with another', () => {
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
    expect(run(undefined)).not.toEqual(run(undefined));
  });

  test('counts each rule by itself', () => {
    const { shaping } = made();
    const latencyOf = (rule: string) => {
      const trace = testTrace({}, 'tunnel');
      shaping.tunnel(trace, { rule, action: { jitterMs: 1_000, latencyMs: 1_000, seed: 7 } });
      return trace.shape?.latencyMs;
    };
    const [first, other, second] = [latencyOf('a'), latencyOf('b'), latencyOf('a')];
    expect(other).toBe(first);
    expect(second).not.toBe(first);
  });

  test('keeps to its probabilities', () => {
    const many = run(7, 'slow', 4_000);
    const shaped = many.filter((each) => each !== 'none');
    expect(shaped.length / many.length).toBeCloseTo(0.5, 1);
    expect(shaped.filter((each) => each.endsWith('timeout')).length / shaped.length).toBeCloseTo(0.3, 1);
  });

  test('that leaves an exchange alone leaves all of it as it is', async () => {
    const given = answer(['hello']);
    const { timers, ended, asked, request } = begun({ ...action, probability: 0 }, given);
    await timers.pass(0);
    expect(ended()).toBe(given);
    expect([asked, request.trace.shape]).toEqual([[request], undefined]);
  });
});

describe('a tunnel', () => {
  test('without any network is dropped before it is dialled', () => {
    const { shaping } = made();
    const trace = testTrace({}, 'tunnel');
    const fault = { kind: 'reset', afterBytes: 0, probability: 1 } as const;
    expect(shaping.tunnel(trace, { rule: 'off', action: { preset: 'offline', fault } })).toBe('dropped');
    expect(trace.shape).toEqual({ rule: 'off', preset: 'offline', fault: 'reset' });
  });

  test('F05 may hold what is under way at its rate, and never more than its bound', () => {
    const { shaping } = made();
    const heldOf = (action: ShapeSettings) => {
      const shape = shaping.tunnel(testTrace({}, 'tunnel'), { rule: 'slow', action });
      return shape === undefined || shape === 'dropped' ? undefined : shape.down.maxHeldBytes;
    };
    expect(heldOf({ downBytesPerSecond: 50_000 })).toBe(65_536);
    expect(heldOf({ downBytesPerSecond: 1_000_000, latencyMs: 200 })).toBe(65_536 + 100_000);
    expect(heldOf({ downBytesPerSecond: 10_000_000_000, latencyMs: 60_000 })).toBe(65_536 + 4 * 1024 * 1024);
    expect(heldOf({ latencyMs: 60_000 })).toBe(65_536 + 4 * 1024 * 1024);
  });
});

function made() {
  const timers = testTimers();
  let seed = 0;
  const { clock, after } = timers;
  const newSeed = () => {
    seed++;
    return Math.floor(Math.random() * 1e9) + seed;
  };
  return { timers, shaping: createShaping({ clock, after, limits: { idleTimeoutMs: 10_000 }, newSeed }) };
}

function begun(action: ShapeSettings, ending: Ending, parts: Partial<PlannedRequest> = {}) {
  const { timers, shaping } = made();
  const asked: PlannedRequest[] = [];
  const leaving: (() => void)[] = [];
  let result: Ending | undefined;
  const request = plannedRequest({ onLeave: (listener) => void leaving.push(listener), ...parts });
  const next = (planned: PlannedRequest) => {
    asked.push(planned);
    return ending;
  };
  void shaping.exchange(request, { rule: 'slow', action }, next).then((given) => {
    result = given;
  });
  const leave = () => {
    for (const listener of leaving) listener();
  };
  return { timers, asked, request, leave, ended: () => result };
}

type Some = Extract<Extract<Ending, { kind: 'response' }>['response']['content'], { kind: 'some' }>;

function answer(pieces: readonly string[], parts: Partial<Omit<Some, 'kind' | 'source'>> = {}): Ending {
  const content = { kind: 'some', octets: undefined, source: contentOf(pieces), ...parts } as const;
  return { kind: 'response', response: { status: 200, reason: 'OK', fields: [], content } };
}

function contentIn(ending: Ending | undefined): Some {
  if (ending?.kind !== 'response' || ending.response.content.kind !== 'some') throw new Error('there is no content');
  return ending.response.content;
}
