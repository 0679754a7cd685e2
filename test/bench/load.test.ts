// What is asked of wrk, and what is read from its output.
import { expect, test } from 'vitest';
import { parseWrk, wrkScript } from '../../bench/load.ts';

const get = {
  port: 3128,
  method: 'GET',
  target: 'http://127.0.0.1:9000/',
  fields: { Host: '127.0.0.1:9000' },
} as const;

const output = `Running 1s test @ http://127.0.0.1:3128/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   160.57us  417.85us   6.74ms   95.79%
    Req/Sec    10.88k     2.19k   13.26k    80.00%
  10833 requests in 1.00s, 11.87MB read
Requests/sec:  10806.02
Transfer/sec:     11.84MB
edgehop-bench {"requests":10833,"durationUs":1002497,"octets":12447117,"errors":{"connect":0,"read":1,"write":0,"status":2,"timeout":0},"p50Us":85,"p99Us":2105}
`;

test('the counts are those of the line that our script writes', () => {
  expect(parseWrk(output)).toEqual({
    requests: 10833,
    durationUs: 1002497,
    octets: 12447117,
    errors: { connect: 0, read: 1, write: 0, status: 2, timeout: 0 },
    p50Us: 85,
    p99Us: 2105,
  });
});

test('output without that line is an error that repeats what wrk said', () => {
  expect(() => parseWrk('unable to connect to 127.0.0.1:1 Connection refused\n')).toThrow(/Connection refused/);
});

test.each([
  ['a count that is missing', output.replace('"requests":10833,', '')],
  ['a count that is no number', output.replace('"p99Us":2105', '"p99Us":nan')],
  ['a run of no time', output.replace('"durationUs":1002497', '"durationUs":0')],
])('%s is an error', (_what, malformed) => {
  expect(() => parseWrk(malformed)).toThrow();
});

test('a script asks for the absolute target, and defines no function that would run for each request', () => {
  const script = wrkScript(get);
  expect(script).toContain('wrk.method = "GET"\nwrk.path = "http://127.0.0.1:9000/"\n');
  expect(script).toContain('wrk.headers["Host"] = "127.0.0.1:9000"\n');
  expect(script).not.toMatch(/^(?:function )?(?:request|response|delay)\b/m);
  expect(script).not.toContain('wrk.body');
});

test('a POST has empty content, so that it says its length', () => {
  expect(wrkScript({ ...get, method: 'POST' })).toContain('wrk.body = ""\n');
});
