// The trace that caches are compared with: the same each time, and some things asked for far more often than others.
import { expect, test } from 'vitest';
import { zipfTrace } from '../../bench/trace.ts';

const options = { requests: 10_000, objects: 100, exponent: 1, seed: 7 };

test('the same seed gives the same trace, another one another', () => {
  expect(zipfTrace(options)).toEqual(zipfTrace(options));
  expect(zipfTrace(options)).not.toEqual(zipfTrace({ ...options, seed: 8 }));
});

test("things are asked for by Zipf's law", () => {
  const asked = new Map<string, number>();
  for (const { target } of zipfTrace(options)) {
    const object = /^\/\d+\/(\d+)\?/.exec(target)?.[1] ?? '';
    asked.set(object, (asked.get(object) ?? 0) + 1);
  }
  const times = (object: number) => asked.get(String(object)) ?? 0;
  expect(times(0)).toBeGreaterThan(10_000 / 5.19 / 1.2); // the hundredth harmonic number is 5.19
  expect(times(0)).toBeLessThan((10_000 / 5.19) * 1.2);
  expect(times(0) / times(9)).toBeGreaterThan(6);
  expect([...asked.keys()].length).toBeGreaterThan(90);
});

test('what is asked for has one size, whoever asks', () => {
  const sizes = new Map<string, number>();
  for (const { target, octets } of zipfTrace(options)) {
    expect(sizes.get(target) ?? octets).toBe(octets);
    expect(octets).toBeGreaterThan(0);
    expect(octets).toBeLessThanOrEqual(512 * 1024);
    sizes.set(target, octets);
  }
});
