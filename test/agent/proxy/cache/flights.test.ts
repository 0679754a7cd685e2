// Requests on their way: which one others find, who hears of its landing, and when it is cancelled.
import { expect, test } from 'vitest';
import { createFlights, type Landing } from '../../../../agent/proxy/cache/flights.ts';

const url = 'http://o.example/';
const alone: Landing = { kind: 'alone' };
const coming = { kind: 'coming', octets: 1, join: () => undefined, head: {} as never } as const satisfies Landing;

test('the latest is found that may be joined, until it is over', () => {
  const flights = createFlights();
  const first = flights.begin(url, true);
  const second = flights.begin(url, true);
  flights.begin(url, false);
  expect(flights.latest(url)).toBe(second);
  expect(flights.latest(url, new Set([second]))).toBe(first);
  expect(flights.latest('http://o.example/other')).toBeUndefined();
  second.over();
  second.over();
  expect(flights.latest(url)).toBe(first);
  first.over();
  expect(flights.latest(url)).toBeUndefined();
});

test('once landed only what is coming is found', () => {
  const flights = createFlights();
  flights.begin(url, true).land(alone);
  expect(flights.latest(url)).toBeUndefined();
  const flight = flights.begin(url, true);
  flight.land(coming);
  expect(flights.latest(url)).toBe(flight);
});

test('the first word holds, for who waits and for who comes later', () => {
  const flight = createFlights().begin(url, true);
  const heard: Landing[] = [];
  flight.wait((landing) => heard.push(landing));
  flight.wait((landing) => heard.push(landing))();
  flight.land(coming);
  flight.land(alone);
  flight.wait((landing) => heard.push(landing));
  expect(heard).toEqual([coming, coming]);
});

test('what is outdated is found by nobody, and knows it', () => {
  const flights = createFlights();
  const [hidden, open] = [flights.begin(url, false), flights.begin(url, true)];
  flights.outdate(url);
  expect([hidden.isOutdated, open.isOutdated, flights.latest(url)]).toEqual([true, true, undefined]);
  expect(flights.begin(url, true).isOutdated).toBe(false);
});

test('it is cancelled once the client and all who wait have left, and never behind its landing', () => {
  const cancelled: string[] = [];
  const flights = createFlights();
  const flight = flights.begin(url, true);
  flight.onCancel(() => cancelled.push('first'));
  const leave = flight.wait(() => undefined);
  flight.leave();
  expect(cancelled).toEqual([]);
  leave();
  expect([cancelled, flights.latest(url)]).toEqual([['first'], undefined]);
  flight.onCancel(() => cancelled.push('later'));
  expect(cancelled).toEqual(['first', 'later']);
  const landed = flights.begin(url, true);
  landed.onCancel(() => cancelled.push('landed'));
  landed.land(coming);
  landed.leave();
  expect(cancelled).not.toContain('landed');
});

test('one with another transform is not found, and is outdated all the same', () => {
  const flights = createFlights();
  const plain = flights.begin(url, true);
  const transformed = flights.begin(url, true, 'key');
  expect(flights.latest(url)).toBe(plain);
  expect(flights.latest(url, undefined, 'key')).toBe(transformed);
  expect(flights.latest(url, undefined, 'other')).toBeUndefined();
  flights.outdate(url);
  expect([plain.isOutdated, transformed.isOutdated]).toEqual([true, true]);
});
