// One record a line, whatever stands in it.
import { expect, test } from 'vitest';
import { jsonLog } from '../../../agent/log/json.ts';
import { type LineSink, octetsOf } from '../../../agent/log/sink.ts';
import { recordOf } from '../../../agent/proxy/trace.ts';
import { connection, stillClock, testTrace } from '../../support/walk.ts';

const clock = stillClock();

test('every finished record is one line, and nothing else is', () => {
  const { lines, observer } = logging();
  const trace = testTrace({ method: 'GET', url: 'http://o.example/' });
  observer.connectionAccepted(connection, 1);
  observer.requestReceived(trace);
  observer.requestRelayed(trace);
  observer.responseReceived(trace);
  observer.serverNamed(trace);
  observer.finished(trace);
  observer.connectionClosed(connection, 9, 0);
  expect(lines.map((line) => JSON.parse(line))).toEqual([recordOf(trace, clock)]);
});

test('G08: control characters are escaped, and read the same', () => {
  const { lines, observer } = logging();
  const reason = 'a\r\nb\x1b[2J\x7f\x9b2J\u2028\u2029 \xe9\u{1f600}';
  observer.finished(testTrace({ response: { status: 200, reason } }));
  const written = octetsOf(lines).toString();
  expect(written).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\n$/);
  expect(JSON.parse(written).response.reason).toBe(reason);
});

function logging() {
  const lines: string[] = [];
  const sink: LineSink = {
    write: (line) => void lines.push(typeof line === 'string' ? line : line()),
    end: async () => undefined,
  };
  return { lines, observer: jsonLog(sink, clock) };
}
