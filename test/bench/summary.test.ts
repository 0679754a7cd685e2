// What is made of the measurements of all rounds.
import { expect, test } from 'vitest';
import { type Measurement, type Run, summarise } from '../../bench/summary.ts';
import type { TargetName } from '../../bench/target.ts';

test('a row has the median and both ends over the rounds', () => {
  const { rows } = summarise(rounds('squid', 1, [valid(10, 100, 900), valid(30, 80, 700), valid(20, 90, 800)]));
  expect(rows).toEqual([
    {
      target: 'squid',
      connections: 1,
      kind: 'valid',
      requestsPerSecond: { median: 20, min: 10, max: 30 },
      p50Us: { median: 90, min: 80, max: 100 },
      p99Us: { median: 800, min: 700, max: 900 },
    },
  ]);
});

test('ratios pair the figures of the same round, however the turns were ordered', () => {
  const { ratios } = summarise([
    ...rounds('edgehop-edge', 32, [valid(50), valid(10)]).reverse(),
    ...rounds('worker-alone', 32, [valid(100), valid(20)]),
  ]);
  expect(ratios).toEqual([
    { of: 'edgehop-edge', over: 'worker-alone', connections: 32, median: 0.5, min: 0.5, max: 0.5 },
  ]);
});

test("added latency is a round's own, at one connection only", () => {
  const { addedLatency } = summarise([
    ...rounds('origin', 1, [valid(1, 70, 500), valid(1, 170, 900)]),
    ...rounds('edgehop-direct', 1, [valid(1, 270, 600), valid(1, 390, 800)]),
    ...rounds('origin', 32, [valid(1), valid(1)]),
    ...rounds('squid', 32, [valid(1), valid(1)]),
  ]);
  expect(addedLatency).toEqual([
    {
      target: 'edgehop-direct',
      p50Us: { median: 210, min: 200, max: 220 },
      p99Us: { median: 0, min: -100, max: 100 },
    },
  ]);
});

test('one invalid round makes the row invalid, and nothing is derived from it', () => {
  const { rows, ratios } = summarise([
    ...rounds('edgehop-direct', 1, [
      valid(10),
      { kind: 'invalid', because: ['1 socket errors (read)'], figures: undefined },
    ]),
    ...rounds('squid', 1, [valid(20), valid(20)]),
  ]);
  expect(rows[0]).toEqual({
    target: 'edgehop-direct',
    connections: 1,
    kind: 'invalid',
    because: ['round 2: 1 socket errors (read)'],
  });
  expect(ratios).toEqual([]);
});

test('a target that was not measured has no row', () => {
  expect(summarise([])).toEqual({ rows: [], ratios: [], addedLatency: [] });
});

function rounds(target: TargetName, connections: number, runs: readonly Run[]): Measurement[] {
  return runs.map((run, round) => ({ target, connections, round, run }));
}

function valid(requestsPerSecond: number, p50Us = 1, p99Us = 1): Run {
  return { kind: 'valid', figures: { requestsPerSecond, p50Us, p99Us } };
}
