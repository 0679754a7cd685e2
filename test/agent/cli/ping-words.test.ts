// The report of a ping as a person reads it.
import { expect, test } from 'vitest';
import { pingRouteOf } from '../../../agent/cli/ping-report.ts';
import { pingInWords, timesInWords } from '../../../agent/cli/ping-words.ts';
import type { PingReport } from '../../../schemas/api.ts';

const measured = (connect: number, http: number) =>
  ({
    kind: 'measured',
    times: { connect, http, total: connect + http },
    address: '127.0.0.1',
    status: 200,
  }) as const;

const report: PingReport = {
  target: 'o.example:80',
  tls: false,
  http: { method: 'HEAD', path: '/' },
  routes: [
    pingRouteOf(
      'direct',
      'directly',
      [measured(1, 2), measured(1.5, 2), measured(2, 13), { kind: 'failed', phase: 'http', because: 'evil\x1b[2J' }],
      0.25,
    ),
  ],
};

test('has attempts, failures, a table of phases and a histogram', () => {
  expect(pingInWords(report, false)).toBe(
    `
o.example:80 directly
  connected to 127.0.0.1
  name looked up in 0.250 ms
  4 attempts, 1 failed
  1 in http: evil?[2J
  answered 200 3 times

                  min     median        p95        max
  connect       1.000      1.500      2.000      2.000 ms
  http          2.000      2.000     13.000     13.000 ms
  total         3.000      3.500     15.000     15.000 ms

  total       3.000 –      7.000 ms  ████████████████████████████████████████ 2
              7.000 –     11.000 ms  0
             11.000 –     15.000 ms  ████████████████████ 1
`.trim(),
  );
});

test('has no colour unless it may', () => {
  expect(pingInWords(report, false)).not.toContain('\x1b');
  expect(pingInWords(report, true)).toContain('\x1b[1mo.example:80\x1b[22m');
});

test('without times has neither table nor histogram', () => {
  const failed = { kind: 'failed', phase: 'connect', because: 'Nobody is there.' } as const;
  const routes = [pingRouteOf('direct', 'directly', [failed], undefined)];
  expect(pingInWords({ ...report, routes }, false)).toBe(
    'o.example:80 directly\n  1 attempt, 1 failed\n  1 in connect: Nobody is there.',
  );
});

test('routes stand one below the other', () => {
  const routes = [pingRouteOf('proxy', 'through the agent on port 8080', [], undefined), ...report.routes];
  expect(pingInWords({ ...report, routes }, false)).toMatch(
    /^o\.example:80 through the agent on port 8080\n {2}0 attempts, none failed\n\no\.example:80 directly\n/,
  );
});

test('the phases of one attempt are one line', () => {
  expect(timesInWords({ proxy: 0.1, connect: 1.23456, total: 1.33456 })).toBe(
    'proxy 0.100, connect 1.235, total 1.335 ms',
  );
});
