// Who waits for whom, and for how long.
import { expect, test, vi } from 'vitest';
import { createFlights, landing, maxWaitMs, unsharedMs } from '../../../worker/cache/collapse.ts';

test('the second waits for the first, and the third for nobody when the first has landed', async () => {
  const flights = createFlights();
  expect(flights.ahead('a', 0)).toBeUndefined();
  const land = flights.depart('a', 0);
  const ahead = flights.ahead('a', 1);
  expect(ahead).toBeDefined();
  expect(flights.ahead('b', 1)).toBeUndefined();
  land('stored');
  await ahead;
  expect(flights.ahead('a', 2)).toBeUndefined();
});

test('nobody waits for one that has been gone for too long, and its late landing is not that of the next', () => {
  const flights = createFlights();
  const landLate = flights.depart('a', 0);
  expect(flights.ahead('a', maxWaitMs + 1)).toBeUndefined();
  flights.depart('a', maxWaitMs + 1);
  landLate('over');
  expect(flights.ahead('a', maxWaitMs + 2)).toBeDefined();
});

test('nobody waits for what was for nobody else lately, until something of it has been stored', () => {
  const flights = createFlights();
  flights.depart('a', 0)('unshared');
  flights.depart('a', unsharedMs - 1);
  expect(flights.ahead('a', unsharedMs - 1)).toBeUndefined();
  flights.depart('a', unsharedMs)('unshared');
  flights.depart('a', unsharedMs)('stored');
  flights.depart('a', unsharedMs);
  expect(flights.ahead('a', unsharedMs)).toBeDefined();
});

test('E16: beyond a number of them each goes its own way', () => {
  const flights = createFlights();
  for (let n = 0; n < 2_000; n++) flights.depart(`${n}`, 0);
  expect(flights.ahead('0', 0)).toBeDefined();
  expect(flights.ahead('1999', 0)).toBeUndefined();
  flights.depart('1999', 0)('over');
});

test('a stalled one is waited for no longer than the bound', async () => {
  vi.useFakeTimers();
  let isOver = false;
  const waiting = landing(new Promise(() => undefined)).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(maxWaitMs - 1);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await waiting;
  vi.useRealTimers();
});
