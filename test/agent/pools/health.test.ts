// A target's health: left out after failures in a row, back by one exchange on trial or by checks.
import { describe, expect, test } from 'vitest';
import { newHealth, noteAnswer, noteCheck, noteFailure, standing } from '../../../agent/pools/health.ts';

const eject = { afterFailures: 3, forMs: 10_000 };
const limits = { healthyAfter: 2, unhealthyAfter: 3 };

function failing(times: number, now = 0) {
  const health = newHealth();
  for (let i = 0; i < times; i++) noteFailure(health, 'it refuses', eject, now);
  return health;
}

describe('exchanges', () => {
  test('two that fail change nothing, the third leaves the target out, and says why', () => {
    expect(standing(failing(2), 0)).toBe('up');
    const health = failing(3);
    expect(standing(health, 0)).toBe('down');
    expect(health.because).toBe('it refuses');
  });

  test('one that is answered between them begins the count anew', () => {
    const health = failing(2);
    noteAnswer(health);
    noteFailure(health, 'again', eject, 0);
    noteFailure(health, 'again', eject, 0);
    expect(standing(health, 0)).toBe('up');
  });

  test('after its time one exchange is let through, and while it goes on no other', () => {
    const health = failing(3, 500);
    expect(standing(health, 10_499)).toBe('down');
    expect(standing(health, 10_500)).toBe('trial');
    health.isOnTrial = true;
    expect(standing(health, 10_500)).toBe('down');
  });

  test('the trial that fails leaves it out for as long again, without a second and a third', () => {
    const health = failing(3);
    noteFailure(health, 'still', eject, 12_000);
    expect(standing(health, 21_999)).toBe('down');
    expect(standing(health, 22_000)).toBe('trial');
  });

  test('the trial that is answered brings it back fully', () => {
    const health = failing(3);
    noteAnswer(health);
    expect(standing(health, 12_000)).toBe('up');
    noteFailure(health, 'once', eject, 12_000);
    expect(standing(health, 12_000)).toBe('up');
  });
});

describe('checks', () => {
  const after = (...checks: ('well' | 'ill')[]) => {
    const health = newHealth();
    for (const each of checks) noteCheck(health, each === 'well' ? undefined : 'a check failed', limits);
    return standing(health, 0);
  };

  test.each([
    [['ill', 'ill'], 'up'],
    [['ill', 'ill', 'ill'], 'down'],
    [['ill', 'ill', 'well', 'ill', 'ill'], 'up'],
    [['ill', 'ill', 'ill', 'well'], 'down'],
    [['ill', 'ill', 'ill', 'well', 'ill', 'well'], 'down'],
    [['ill', 'ill', 'ill', 'well', 'well'], 'up'],
    [['ill', 'ill', 'ill', 'well', 'well', 'ill', 'ill'], 'up'],
  ] as const)('%j: %s', (checks, expected) => {
    expect(after(...checks)).toBe(expected);
  });

  test('enough in a row bring back what exchanges left out; those ahead of the failures do not count', () => {
    const health = newHealth();
    for (let i = 0; i < 5; i++) noteCheck(health, undefined, limits);
    for (let i = 0; i < 3; i++) noteFailure(health, 'it refuses', eject, 0);
    noteCheck(health, undefined, limits);
    expect(standing(health, 0)).toBe('down');
    noteCheck(health, undefined, limits);
    expect(standing(health, 0)).toBe('up');
  });

  test('no answer of an exchange helps a target that checks have found ill', () => {
    const health = newHealth();
    for (let i = 0; i < 3; i++) noteCheck(health, 'a check failed', limits);
    noteAnswer(health);
    expect(standing(health, 0)).toBe('down');
  });
});
