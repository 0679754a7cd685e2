// What an edge could not do is remembered for a bounded time, and of a bounded number of hosts.
import { expect, test } from 'vitest';
import { createHealing } from '../../../../agent/proxy/dial/healing.ts';
import { stillClock } from '../../../support/walk.ts';

test.each([
  ['edge-down', 10_000],
  ['edge-replaced', 10_000],
  ['edge-quota', 60_000],
] as const)('%s is true of all hosts for %i ms', (because, restMs) => {
  const clock = stillClock(5);
  const healing = createHealing(clock);
  healing.note('o.example', because);
  clock.at = 5 + restMs - 1;
  expect(healing.of('other.example')).toBe(because);
  clock.at = 5 + restMs;
  expect(healing.of('o.example')).toBeUndefined();
});

test('a host out of reach is one host, for ten minutes', () => {
  const clock = stillClock();
  const healing = createHealing(clock);
  healing.note('o.example', 'edge-cannot-reach');
  expect([healing.of('o.example'), healing.of('other.example')]).toEqual(['edge-cannot-reach', undefined]);
  clock.at = 600_000;
  expect(healing.of('o.example')).toBeUndefined();
});

test.each(['edge-cannot-carry', 'edge-upload-limit'] as const)('%s says nothing of the next request', (because) => {
  const healing = createHealing(stillClock());
  healing.note('o.example', because);
  expect(healing.of('o.example')).toBeUndefined();
});

test('of a thousand and one hosts the oldest is forgotten', () => {
  const healing = createHealing(stillClock());
  for (let i = 0; i <= 1_000; i++) healing.note(`${i}.example`, 'edge-cannot-reach');
  expect([healing.of('0.example'), healing.of('1.example')]).toEqual([undefined, 'edge-cannot-reach']);
});
