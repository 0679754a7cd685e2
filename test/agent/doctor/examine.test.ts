// Checks side by side: each has its own end, whatever the others do.
import { expect, test } from 'vitest';
import { pass, skip } from '../../../agent/doctor/check.ts';
import { examine } from '../../../agent/doctor/examine.ts';
import { never, told } from '../../support/situation.ts';

test('findings come in the order of the checks, not of their ends', async () => {
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = async () => {
    await promise;
    order.push('a');
    return [pass('a', 'late')];
  };
  const quick = () => {
    order.push('b');
    resolve();
    return [pass('b', 'early'), skip('c', 'too')];
  };
  const checks = [
    { name: 'a', deadlineMs: 5_000, run: slow },
    { name: 'b', deadlineMs: 5_000, run: quick },
  ];
  const found = await examine(checks, never);
  expect(order).toEqual(['b', 'a']);
  expect(told(found)).toBe('pass a: late\npass b: early\nskip c: too');
});

test('one that hangs has failed at its deadline, and one that breaks says why', async () => {
  let wasTold = false;
  const found = await examine(
    [
      {
        name: 'hangs',
        deadlineMs: 5,
        whenLate: 'Wait',
        run: (signal) => {
          signal.addEventListener('abort', () => (wasTold = true));
          return new Promise(() => undefined);
        },
      },
      { name: 'breaks', deadlineMs: 5_000, run: () => Promise.reject(new Error('ouch')) },
      {
        name: 'throws',
        deadlineMs: 5_000,
        run: () => {
          throw new Error('ouch');
        },
      },
      { name: 'works', deadlineMs: 5_000, run: () => [pass('works', 'well')] },
    ],
    never,
  );
  expect(told(found)).toBe(
    'fail hangs: it did not come to an end within 5 ms\nfail breaks: the check itself broke: ouch\nfail throws: the check itself broke: ouch\npass works: well',
  );
  expect(found[0]).toHaveProperty('action', 'Wait');
  expect(wasTold).toBe(true);
});

test('who has had enough is not kept waiting', async () => {
  const given = new AbortController();
  const examined = examine(
    [{ name: 'slow', deadlineMs: 60_000, run: () => new Promise(() => undefined) }],
    given.signal,
  );
  given.abort();
  expect(told(await examined)).toBe('fail slow: it was interrupted');
  let isBegun = false;
  const later = () => {
    isBegun = true;
    return [];
  };
  expect(told(await examine([{ name: 'later', deadlineMs: 60_000, run: later }], given.signal))).toBe(
    'fail later: it was interrupted',
  );
  expect(isBegun).toBe(false);
});
