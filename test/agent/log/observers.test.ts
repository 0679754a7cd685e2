// Several observers hear everything, in their order; one of finished records hears nothing else.
import { expect, test } from 'vitest';
import { observers, onFinished, only, replaceable } from '../../../agent/log/observers.ts';
import type { Observer, Trace } from '../../../agent/proxy/ports.ts';
import { connection, listening, testTrace } from '../../support/walk.ts';

const events = [
  'connection accepted',
  'request received',
  'request relayed',
  'response received',
  'server named',
  'finished',
  'connection closed',
];

test('every observer is told of every event', () => {
  const [one, other] = [listening(), listening()];
  tellAll(observers([one.observer, other.observer]));
  expect(one.told).toEqual(events);
  expect(other.told).toEqual(events);
});

test('in the place of an observer another may be put, which is told of all that comes then', () => {
  const [one, other] = [listening(), listening()];
  const { observer, replaceBy } = replaceable(one.observer);
  tellAll(observer);
  replaceBy(other.observer);
  tellAll(observer);
  expect([one.told, other.told]).toEqual([events, events]);
});

test('an observer of finished records is told of those, with their trace', () => {
  const traces: Trace[] = [];
  tellAll(onFinished((trace) => void traces.push(trace)));
  expect(traces).toEqual([trace]);
});

test('an observer of some events is told of those', () => {
  const traces: Trace[] = [];
  tellAll(only({ serverNamed: (named) => void traces.push(named) }));
  expect(traces).toEqual([trace]);
});

const trace = testTrace();

function tellAll(observer: Observer): void {
  observer.connectionAccepted(connection, 1);
  observer.requestReceived(trace);
  observer.requestRelayed(trace);
  observer.responseReceived(trace);
  observer.serverNamed(trace);
  observer.finished(trace);
  observer.connectionClosed(connection, 1, 0);
}
