// The round trip: the edge's share is taken off, smoothing is RFC 6298's, and no way is shorter than nothing.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RoundTrip, withRoundTrip } from '../../../agent/edge/round-trip.ts';

test('the edge’s own share is not part of the way', () => {
  expect(after([0, 510, 540, 70])).toEqual({ smoothedMs: 40, variationMs: 20, minimumMs: 40, latestMs: 40 });
});

test('a second round trip is smoothed as RFC 6298 2.3 says', () => {
  expect(after([0, 0, 0, 40], [100, 100, 100, 180])).toEqual({
    smoothedMs: (7 / 8) * 40 + (1 / 8) * 80,
    variationMs: (3 / 4) * 20 + (1 / 4) * 40,
    minimumMs: 40,
    latestMs: 80,
  });
});

test('a way shorter than the granule of the edge’s clock is zero, never less', () => {
  // 0.4 ms in all, during which the edge's whole milliseconds went on by one.
  expect(after([0, 0, 1, 0.4])).toMatchObject({ latestMs: 0, minimumMs: 0 });
});

test.each([
  ['the edge’s clock', [1000, 0, 500, 1020]],
  ['the agent’s clock', [1000, 0, 0, 400]],
  ['no clock at all', [1000, Number.NaN, 0, 1020]],
] as const)('an exchange during which %s was stepped is left out', (_, stepped) => {
  expect(after(stepped)).toBeUndefined();
  expect(after([0, 0, 0, 40], stepped)).toEqual(after([0, 0, 0, 40]));
});

test('the smoothed value stays between the least and the greatest, and the least is the least', () => {
  const times = fc.tuple(fc.nat(100_000), fc.nat(5_000), fc.nat(5_000));
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 200 }), (exchanges) => {
      const ways = exchanges.map(([, way]) => way);
      const trip = after(...exchanges.map(([start, way, work]): Four => [start, 7, 7 + work, start + way + work]));
      expect(trip?.minimumMs).toBe(Math.min(...ways));
      expect(trip?.latestMs).toBe(ways.at(-1));
      expect(trip?.smoothedMs).toBeGreaterThanOrEqual(Math.min(...ways) - 1e-9);
      expect(trip?.smoothedMs).toBeLessThanOrEqual(Math.max(...ways) + 1e-9);
      expect(trip?.variationMs).toBeGreaterThanOrEqual(0);
    }),
  );
});

type Four = readonly [number, number, number, number];

function after(...samples: readonly Four[]): RoundTrip | undefined {
  return samples.reduce<RoundTrip | undefined>(
    (before, [t1, t2, t3, t4]) =>
      withRoundTrip(before, {
        requestRelayedMs: t1,
        edgeReceivedMs: t2,
        edgeReturnedMs: t3,
        responseReceivedMs: t4,
      }),
    undefined,
  );
}
