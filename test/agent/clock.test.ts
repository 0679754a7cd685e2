// The agent's clock: microseconds are exact in print, and the mapping to wall-clock time does not jump.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoMicroseconds, machineClock } from '../../agent/clock.ts';

test.each([
  [0, '1970-01-01T00:00:00.000000Z'],
  [0.001, '1970-01-01T00:00:00.000001Z'],
  [0.9994, '1970-01-01T00:00:00.000999Z'],
  [0.9996, '1970-01-01T00:00:00.001000Z'],
  [-0.001, '1969-12-31T23:59:59.999999Z'],
  [1_767_323_045_678.901, '2026-01-02T03:04:05.678901Z'],
  [1_767_225_599_999.9998, '2026-01-01T00:00:00.000000Z'],
])('%d ms since 1970 are %s', (wallTime, text) => {
  expect(isoMicroseconds(wallTime)).toBe(text);
});

test('the text of a time is that very microsecond', () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000), fc.nat(999_999), (seconds, microseconds) => {
      const text = isoMicroseconds(seconds * 1000 + microseconds / 1000);
      expect(Date.parse(`${text.slice(0, 19)}Z`)).toBe(seconds * 1000);
      expect(Number(text.slice(20, 26))).toBe(microseconds);
    }),
  );
});

test('instants never go back, and wall-clock times keep their distance', () => {
  const clock = machineClock();
  const [one, other] = [clock.now(), clock.now()];
  expect(other).toBeGreaterThanOrEqual(one);
  expect(clock.wallTime(one + 5) - clock.wallTime(one)).toBeCloseTo(5, 3);
});
