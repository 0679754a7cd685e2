// A client may take as much as its bucket holds, gets back so much a second, and costs nothing once its bucket is full again.
import { expect, test } from 'vitest';
import { createBuckets } from '../../../agent/access/buckets.ts';
import { stillClock } from '../../support/walk.ts';

const bounds = { perSecond: 2, reserve: 3, maxClients: 1_000 };

function takes(count: number, take: () => boolean): boolean[] {
  return Array.from({ length: count }, take);
}

test('a second of it is in reserve, and it comes back as time passes', () => {
  const clock = stillClock();
  const buckets = createBuckets(bounds, clock);
  const take = () => buckets.take('a');
  expect(takes(4, take)).toEqual([true, true, true, false]);
  clock.at += 499;
  expect(take()).toBe(false);
  clock.at += 1;
  expect(takes(2, take)).toEqual([true, false]);
  clock.at += 3_600_000;
  expect(takes(4, take)).toEqual([true, true, true, false]);
});

test('each client has its own', () => {
  const buckets = createBuckets(bounds, stillClock());
  expect(takes(4, () => buckets.take('a')).at(-1)).toBe(false);
  expect(buckets.take('b')).toBe(true);
});

test('what is given back can be taken again, and no more than that', () => {
  const buckets = createBuckets(bounds, stillClock());
  takes(3, () => buckets.take('a'));
  buckets.giveBack('a');
  expect(takes(2, () => buckets.take('a'))).toEqual([true, false]);
  buckets.giveBack('nobody');
  for (let i = 0; i < 9; i++) buckets.giveBack('a');
  expect(takes(4, () => buckets.take('a'))).toEqual([true, true, true, false]);
});

test('I01: a million clients at once are followed within the bound, and one that keeps asking is not forgotten', () => {
  const clock = stillClock();
  const buckets = createBuckets(bounds, clock);
  let most = 0;
  let refusals = 0;
  for (let i = 0; i < 1_000_000; i++) {
    buckets.take(`client ${i}`);
    if (i % 100 === 0 && !buckets.take('greedy')) refusals++;
    most = Math.max(most, buckets.size);
  }
  expect(most).toBeLessThanOrEqual(bounds.maxClients);
  expect(most).toBeGreaterThan(bounds.maxClients / 2);
  expect(refusals).toBeGreaterThan(0);
});

test('clients whose buckets are full again are forgotten as others come', () => {
  const clock = stillClock();
  const buckets = createBuckets(bounds, clock);
  for (let i = 0; i < 400; i++) buckets.take(`client ${i}`);
  for (let i = 0; i < 3; i++) {
    clock.at += 1_500;
    buckets.take('one more');
    buckets.take(`another ${i}`);
  }
  expect(buckets.size).toBeLessThan(5);
});

test('a client is followed over the change of generations, whether it may ask or not', () => {
  const clock = stillClock();
  const buckets = createBuckets({ perSecond: 1, reserve: 2, maxClients: 1_000 }, clock);
  let taken = 0;
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 7; i++) if (buckets.take('greedy')) taken++;
    for (let i = 0; i < 300; i++) buckets.take(`client ${second} ${i}`);
    clock.at += 1_000;
  }
  expect(taken).toBe(61); // two in reserve, and one for each second after the first
});
