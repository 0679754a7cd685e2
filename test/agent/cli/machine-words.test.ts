// The network card in a few words, and why it is not physical where it is not.
import { expect, test } from 'vitest';
import { cardInWords } from '../../../agent/cli/machine-words.ts';

const card = { kind: 'found', name: 'eth0', mac: '02:00:00:00:00:01', address: '192.0.2.1' } as const;

test.each([
  [{ ...card, physical: true, because: 'default-route' }, '192.0.2.1, MAC 02:00:00:00:00:01 (eth0, physical)'],
  [
    { ...card, physical: false, because: 'virtual-machine', reason: 'this is a virtual machine' },
    '192.0.2.1, MAC 02:00:00:00:00:01 (eth0, not physical: this is a virtual machine)',
  ],
  [
    { ...card, address: undefined, physical: true, because: 'first-physical' },
    'no address, MAC 02:00:00:00:00:01 (eth0, physical)',
  ],
  [{ kind: 'none', because: 'there are only virtual ones' }, 'no network card found: there are only virtual ones'],
] as const)('%j', (found, words) => {
  expect(cardInWords(found)).toBe(words);
});
