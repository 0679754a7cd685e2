// What every edge keeps of its exchanges: the offset of its clock, and the way there and back.
import { expect, test } from 'vitest';
import { createEdgeTiming } from '../../../agent/edge/link.ts';

const stages = (received: number, returned: number) => ({ 'edge-received': received, 'edge-returned': returned });

test('an exchange’s four times give offset and round trip', () => {
  const timing = createEdgeTiming();
  expect(timing.roundTrip()).toBeUndefined();
  const { offsetMs, errorMs, roundTrip } = timing.timed(1_000, stages(6_010, 6_030), 1_040);
  expect(offsetMs).toBeCloseTo(5_000.5, 1);
  expect(errorMs).toBeCloseTo(10.5, 1);
  expect(roundTrip).toMatchObject({ latestMs: 20, minimumMs: 20 });
  expect(timing.roundTrip()).toEqual(roundTrip);
});

test('the best exchange stays the best', () => {
  const timing = createEdgeTiming();
  timing.timed(1_000, stages(6_001, 6_002), 1_002);
  const { offsetMs, errorMs } = timing.timed(2_000, stages(7_100, 7_110), 2_200);
  expect(offsetMs).toBeCloseTo(5_001, 2);
  expect(errorMs).toBeLessThan(2);
});

test('an exchange during which a clock was stepped tells of itself only, with an error that covers it', () => {
  const timing = createEdgeTiming();
  timing.timed(1_000, stages(6_001, 6_002), 1_002);
  const { offsetMs, errorMs, roundTrip } = timing.timed(2_000, stages(7_001, 60_000), 2_010);
  expect(offsetMs).toBe(5_001);
  expect(errorMs).toBe(10 + 52_999);
  expect(roundTrip?.latestMs).toBe(1);
});
