// What a series of attempts comes to: failures are counted, times are of those that came through.
import { expect, test } from 'vitest';
import type { Attempt } from '../../../agent/cli/ping-attempt.ts';
import { pingRouteOf } from '../../../agent/cli/ping-report.ts';
import { pingRoute } from '../../../schemas/api.ts';

const measured = (times: Extract<Attempt, { kind: 'measured' }>['times'], parts: Partial<Attempt> = {}): Attempt => ({
  kind: 'measured',
  times,
  address: undefined,
  status: undefined,
  ...(parts as object),
});

test('the times are summed up by phase, to the microsecond', () => {
  const attempts = [measured({ connect: 3.00049, total: 3.00049 }), measured({ connect: 1, total: 1 })];
  const route = pingRouteOf('direct', 'directly', attempts, 0.12345);
  expect(route).toEqual({
    route: 'direct',
    name: 'directly',
    lookupMs: 0.123,
    attempts: 2,
    failures: [],
    phases: {
      connect: { min: 1, median: 2, p95: 3, max: 3, samples: [3, 1] },
      total: { min: 1, median: 2, p95: 3, max: 3, samples: [3, 1] },
    },
  });
  expect(pingRoute.parse(route)).toEqual(route);
});

test('failures of one kind are one, and have no times', () => {
  const refused = { kind: 'failed', phase: 'connect', because: 'The destination refuses the connection.' } as const;
  const untrusted = { kind: 'failed', phase: 'tls', because: 'Not trusted.' } as const;
  const attempts = [refused, measured({ total: 5 }), untrusted, refused];
  expect(pingRouteOf('proxy', 'through the agent', attempts, undefined)).toEqual({
    route: 'proxy',
    name: 'through the agent',
    attempts: 4,
    failures: [
      { phase: 'connect', because: 'The destination refuses the connection.', count: 2 },
      { phase: 'tls', because: 'Not trusted.', count: 1 },
    ],
    phases: { total: { min: 5, median: 5, p95: 5, max: 5, samples: [5] } },
  });
});

test('statuses are counted, and addresses named once', () => {
  const attempts = [200, 200, 503].map((status, i) =>
    measured({ total: 1 }, { status, address: i === 0 ? '::1' : '127.0.0.1' }),
  );
  expect(pingRouteOf('direct', 'directly', attempts, undefined)).toMatchObject({
    statuses: { 200: 2, 503: 1 },
    addresses: ['::1', '127.0.0.1'],
  });
});

test('without attempts there is nothing but that', () => {
  expect(pingRouteOf('direct', 'directly', [], undefined)).toEqual({
    route: 'direct',
    name: 'directly',
    attempts: 0,
    failures: [],
    phases: {},
  });
});
