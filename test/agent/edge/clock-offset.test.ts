// The clock offset and its error: by hand where each rule shows, by simulated links for the promise itself.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addSample,
  clockOffset,
  type ExchangeTimes,
  edgeGranularityMs,
  emptyWindow,
  maxDriftRate,
} from '../../../agent/edge/clock-offset.ts';

const noon = Date.UTC(2026, 6, 30, 12);
const second = 1000;
const minute = 60 * second;

/** Milliseconds since 1970 are doubles with steps of 0.00024 ms; a difference of a few of them is off by less than this. */
const roundingMs = 1e-3;

test('nothing is known before the first exchange', () => {
  expect(clockOffset(emptyWindow(), noon)).toEqual({ kind: 'unknown' });
});

test('the offset is the middle of what is possible, and the error half its width', () => {
  // The edge is 100 ms ahead; 10 ms there, 20 ms at the edge, 10 ms back.
  const estimate = clockOffset(windowOf([noon, noon + 110, noon + 130, noon + 40]), noon + 40);
  // [130 - 40, 110 + 1 - 0]
  expect(estimate).toEqual({
    kind: 'known',
    offsetMs: expect.closeTo(100.5, 2),
    errorMs: expect.closeTo(10.5, 2),
  });
});

test('the sample with the smallest error wins, not the latest', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10], [noon + 20, noon + 70, noon + 70, noon + 120]);
  expect(errorAt(window, noon + 120)).toBeCloseTo(5.5, 1);
});

test('an aged sample’s error grows with the drift that may have been, until a fresher one is better', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10]);
  expect(errorAt(window, noon + minute)).toBeCloseTo(5.5 + minute * maxDriftRate, 2);
  add(window, [noon + minute, noon + minute + 8, noon + minute + 8, noon + minute + 16]);
  expect(errorAt(window, noon + minute + 16)).toBeCloseTo(8.5, 2);
});

test('a sample older than five minutes says nothing', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10]);
  expect(clockOffset(window, noon + 10 + 5 * minute).kind).toBe('known');
  expect(clockOffset(window, noon + 11 + 5 * minute)).toEqual({ kind: 'unknown' });
});

test('a clock that steps within an exchange voids that sample and all before', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10]);
  add(window, [noon + second, noon + second + 5, noon + second + 505, noon + second + 10]);
  expect(clockOffset(window, noon + second + 10)).toEqual({ kind: 'unknown' });
});

test('a clock that steps between exchanges leaves only the new sample, even a worse one', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10]);
  add(window, [noon + second, noon + second + 550, noon + second + 550, noon + second + 100]);
  expect(clockOffset(window, noon + second + 100)).toEqual({
    kind: 'known',
    offsetMs: expect.closeTo(500.5, 1),
    errorMs: expect.closeTo(50.5, 1),
  });
});

test('a step backwards between exchanges counts as well', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10]);
  add(window, [noon + second, noon + second - 450, noon + second - 450, noon + second + 100]);
  expect(clockOffset(window, noon + second + 100)).toMatchObject({ offsetMs: expect.closeTo(-499.5, 1) });
});

test('a minute at the edge is time to drift, and not a step', () => {
  // The edge's clock is 0.9 ms ahead and gains 100 ppm: 6.9 ms ahead a minute later.
  const window = windowOf([noon, noon, noon + minute + 6, noon + minute]);
  expect(clockOffset(window, noon + minute)).toEqual({
    kind: 'known',
    offsetMs: expect.closeTo(6.5, 2),
    errorMs: expect.closeTo(0.5, 2),
  });
});

test('what is too old is forgotten, and is no sign of a step', () => {
  const window = windowOf(
    [noon, noon + 5, noon + 5, noon + 10],
    [noon + minute, noon + minute + 9, noon + minute + 9, noon + minute + 90],
  );
  const later = noon + 5 * minute + second;
  add(window, [later, later + 90, later + 90, later + 180]);
  expect(window.candidates.length).toBe(2);
  expect(errorAt(window, later + 180)).toBeLessThan(90);
});

test('times that are not numbers void the window instead of spoiling it', () => {
  const window = windowOf([noon, noon + 5, noon + 5, noon + 10]);
  add(window, [noon, Number.NaN, noon + 5, noon + 10]);
  expect(clockOffset(window, noon + 10)).toEqual({ kind: 'unknown' });
});

test('the window stays small while each sample is worse than the one before', () => {
  const window = emptyWindow();
  for (let n = 0; n < 10_000; n += 1) add(window, [noon + n, noon + n + 5, noon + n + 5, noon + n + 10 + n / 10]);
  expect(window.candidates.length).toBe(64);
  expect(errorAt(window, noon + 20_000)).toBeLessThan(5.5 + 20_000 * maxDriftRate + roundingMs);
});

test('the true offset lies within the stated error, whatever the link and the clocks do within their bounds', () => {
  fc.assert(
    fc.property(anyClocks, fc.array(anyExchange, { minLength: 1, maxLength: 150 }), (clocks, exchanges) => {
      const window = emptyWindow();
      let now = noon;
      for (const exchange of exchanges) {
        now += exchange.pauseMs;
        const before = clockOffset(window, now);
        if (before.kind === 'known') expectTrue(before, trueOffset(clocks, now));
        const times = carry(clocks, exchange, now);
        now = times.responseReceivedMs;
        addSample(window, times, now);
        const after = clockOffset(window, now);
        expect(after.kind).toBe('known');
        if (after.kind === 'known') expectTrue(after, trueOffset(clocks, now));
      }
    }),
    { numRuns: 500 },
  );
});

test('the window says what keeping the last five minutes whole would say', () => {
  fc.assert(
    fc.property(anyClocks, fc.array(anyExchange, { minLength: 1, maxLength: 60 }), (clocks, exchanges) => {
      const window = emptyWindow();
      const all: ExchangeTimes[] = [];
      let now = noon;
      for (const exchange of exchanges) {
        all.push(carry(clocks, exchange, now + exchange.pauseMs));
        now = all.at(-1)?.responseReceivedMs ?? now;
        addSample(window, all.at(-1) ?? expect.unreachable(), now);
        const young = all.filter((times) => now - times.responseReceivedMs <= 5 * minute);
        const errors = young.map((times) => {
          const alone = emptyWindow();
          addSample(alone, times, now);
          return errorAt(alone, now);
        });
        expect(Math.abs(errorAt(window, now) - Math.min(...errors))).toBeLessThan(roundingMs);
      }
    }),
  );
});

type Clocks = { offsetMs: number; driftPpm: number };
type Exchange = { pauseMs: number; upMs: number; workMs: number; downMs: number; frozenShare: number };

const anyClocks: fc.Arbitrary<Clocks> = fc.record({
  offsetMs: fc.double({ min: -86_400_000, max: 86_400_000, noNaN: true }),
  driftPpm: fc.oneof(fc.constantFrom(-100, 100), fc.double({ min: -100, max: 100, noNaN: true })),
});

const delay = fc.oneof(
  fc.double({ min: 0, max: 2, noNaN: true }),
  fc.double({ min: 0, max: 80, noNaN: true }),
  fc.double({ min: 0, max: 5_000, noNaN: true }),
);

const anyExchange: fc.Arbitrary<Exchange> = fc.record({
  pauseMs: fc.oneof(fc.constant(0), delay, fc.double({ min: 0, max: 6 * minute, noNaN: true })),
  upMs: delay,
  workMs: fc.oneof(fc.constant(0), delay, fc.double({ min: 0, max: minute, noNaN: true })),
  downMs: delay,
  frozenShare: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** The edge's clock less the agent's, when the agent's clock says `agentMs`. */
function trueOffset({ offsetMs, driftPpm }: Clocks, agentMs: number): number {
  return offsetMs + (driftPpm / 1e6) * (agentMs - noon);
}

/** One exchange over an asymmetric link. The edge's clock stands still after its last I/O, for a share of its work. */
function carry(clocks: Clocks, { upMs, workMs, downMs, frozenShare }: Exchange, sentMs: number): ExchangeTimes {
  const arrivedMs = sentMs + upMs;
  const returnedMs = arrivedMs + workMs;
  return {
    requestRelayedMs: sentMs,
    edgeReceivedMs: edgeReading(clocks, arrivedMs),
    edgeReturnedMs: edgeReading(clocks, returnedMs - workMs * frozenShare),
    responseReceivedMs: returnedMs + downMs,
  };
}

function edgeReading(clocks: Clocks, agentMs: number): number {
  return Math.floor((agentMs + trueOffset(clocks, agentMs)) / edgeGranularityMs) * edgeGranularityMs;
}

function expectTrue(estimate: { offsetMs: number; errorMs: number }, truthMs: number): void {
  expect(Math.abs(estimate.offsetMs - truthMs)).toBeLessThanOrEqual(estimate.errorMs + roundingMs);
}

type Four = readonly [number, number, number, number];

function windowOf(...samples: readonly Four[]) {
  const window = emptyWindow();
  for (const sample of samples) add(window, sample);
  return window;
}

function add(window: ReturnType<typeof emptyWindow>, [t1, t2, t3, t4]: Four): void {
  addSample(window, { requestRelayedMs: t1, edgeReceivedMs: t2, edgeReturnedMs: t3, responseReceivedMs: t4 }, t4);
}

function errorAt(window: ReturnType<typeof emptyWindow>, nowMs: number): number {
  const estimate = clockOffset(window, nowMs);
  return estimate.kind === 'known' ? estimate.errorMs : Number.POSITIVE_INFINITY;
}
