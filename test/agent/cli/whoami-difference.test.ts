// What differs between what was sent and what arrived.
import { expect, test } from 'vitest';
import { fieldDifference } from '../../../agent/cli/whoami-difference.ts';

test('added, changed and left out', () => {
  const sent = [
    ['Host', 'a'],
    ['Referer', 'http://a/page'],
    ['Cookie', 'x=1'],
    ['Proxy-Connection', 'keep-alive'],
  ] as const;
  const received = [
    ['Host', 'a'],
    ['Referer', 'http://a/'],
    ['Via', '1.1 edgehop-1'],
  ] as const;
  expect(fieldDifference(sent, received)).toEqual({
    added: [['Via', '1.1 edgehop-1']],
    changed: [{ name: 'referer', from: ['http://a/page'], to: ['http://a/'] }],
    leftOut: [
      ['Cookie', 'x=1'],
      ['Proxy-Connection', 'keep-alive'],
    ],
    sameOrder: true,
    sameSpelling: true,
  });
});

test('lines that were joined are a change; names in another case are the same ones, spelt otherwise', () => {
  const sent = [
    ['X-A', '1'],
    ['X-A', '2'],
    ['X-B', '3'],
  ] as const;
  const received = [
    ['x-b', '3'],
    ['x-a', '1, 2'],
  ] as const;
  expect(fieldDifference(sent, received)).toEqual({
    added: [],
    changed: [{ name: 'x-a', from: ['1', '2'], to: ['1, 2'] }],
    leftOut: [],
    sameOrder: false,
    sameSpelling: false,
  });
});

test('what was added between others does not change their order', () => {
  const sent = [
    ['A', '1'],
    ['B', '2'],
  ] as const;
  const received = [['New', '0'], sent[0], ['Newer', '0'], sent[1]] as const;
  expect(fieldDifference(sent, received)).toMatchObject({ sameOrder: true, sameSpelling: true });
});
