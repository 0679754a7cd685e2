// Who may be chosen: those that are up and were not tried; the reserve of weight 0 only when nobody else is left.
import { expect, test } from 'vitest';
import { candidates } from '../../../http/balance/candidates.ts';

const up = (name: string, weight = 1) => ({ name, weight, isUp: true });
const down = (name: string, weight = 1) => ({ name, weight, isUp: false });

test.each([
  ['all that are up, in their order', [up('a'), down('b'), up('c', 5)], [], ['a', 'c']],
  ['none that was tried', [up('a'), up('b'), up('c')], ['b', 'a'], ['c']],
  ['none of weight 0 while another is up', [up('a', 0), up('b')], [], ['b']],
  ['those of weight 0 when all others are down', [up('a', 0), down('b'), up('c', 0)], [], ['a', 'c']],
  ['those of weight 0 when all others were tried', [up('a', 0), up('b')], ['b'], ['a']],
  ['no reserve that is down', [down('a', 0), down('b')], [], []],
  ['nobody, when all were tried', [up('a'), up('b', 0)], ['a', 'b'], []],
])('%s', (_, targets, tried, names) => {
  expect(candidates(targets, tried).map(({ name }) => name)).toEqual(names);
});
