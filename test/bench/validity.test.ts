// Which measurements count.
import { expect, test } from 'vitest';
import type { Load } from '../../bench/load.ts';
import { type Evidence, objections } from '../../bench/validity.ts';

const errors = { connect: 0, read: 0, write: 0, status: 0, timeout: 0 };
const load: Load = { requests: 100, durationUs: 1e6, octets: 120_000, errors, p50Us: 80, p99Us: 900 };
const evidence: Evidence = { load, connections: 32, closesUnannounced: false, originRequests: 100 };

test('a measurement counts when every answer came from the origin and nothing failed', () => {
  expect(objections(evidence)).toEqual([]);
  expect(objections({ ...evidence, originRequests: 132, logLines: 132 })).toEqual([]);
});

test.each<{ what: string; evidence: Evidence; because: string }>([
  { what: 'no answer', evidence: { ...evidence, load: { ...load, requests: 0 } }, because: 'no request was answered' },
  { what: 'a status of 400 or above', evidence: failing({ status: 3 }), because: '3 answers of status 400 or above' },
  { what: 'a refused connection', evidence: failing({ connect: 1 }), because: '1 socket errors (connect)' },
  { what: 'a connection cut', evidence: failing({ read: 1 }), because: '1 socket errors (read)' },
  { what: 'a write error', evidence: failing({ write: 1 }), because: '1 socket errors (write)' },
  { what: 'a timeout', evidence: failing({ timeout: 2 }), because: '2 socket errors (timeout)' },
  {
    what: 'less than the content',
    evidence: { ...evidence, load: { ...load, octets: 90_000 } },
    because: '100 answers, but only 90000 octets',
  },
  {
    what: 'an answer that the origin did not give',
    evidence: { ...evidence, originRequests: 99 },
    because: '100 answers, but only 99 requests at the origin',
  },
  {
    what: 'an exchange that was not logged',
    evidence: { ...evidence, logLines: 98 },
    because: '100 answers, but only 98 log lines',
  },
])('with $what it does not count', ({ evidence, because }) => {
  expect(objections(evidence)).toEqual([because]);
});

test('a target that closes unannounced may cost one read error for each exchange, and no more', () => {
  expect(objections({ ...failing({ read: 132 }), closesUnannounced: true })).toEqual([]);
  expect(objections({ ...failing({ read: 133 }), closesUnannounced: true })).toEqual(['133 socket errors (read)']);
  expect(objections({ ...failing({ read: 1, connect: 1 }), closesUnannounced: true })).toEqual([
    '1 socket errors (connect)',
  ]);
});

function failing(times: Partial<Load['errors']>): Evidence {
  return { ...evidence, load: { ...load, errors: { ...errors, ...times } } };
}
