// A connection is kept only where the response says so by being HTTP/1.1 and not saying otherwise.
import { expect, test } from 'vitest';
import type { Field } from '../../http/fields.ts';
import { persistence } from '../../http/persistence.ts';

const timeout = (value: string): Field => ['Keep-Alive', value];

test.each<[string, string, Field[], object]>([
  ['RFC 9112 9.3: HTTP/1.1 keeps it', '1.1', [], { kind: 'keep' }],
  ['RFC 9112 9.3: unless it closes', '1.1', [['Connection', 'close']], { kind: 'close' }],
  ['RFC 9110 7.6.1: options are of any case', '1.1', [['connection', 'CLOSE']], { kind: 'close' }],
  ['RFC 9110 7.6.1: one of several options', '1.1', [['Connection', 'x, close ,y']], { kind: 'close' }],
  [
    'RFC 9110 5.3: lines are one list',
    '1.1',
    [
      ['Connection', 'keep-alive'],
      ['Connection', 'close'],
    ],
    { kind: 'close' },
  ],
  ['an option that only looks like it', '1.1', [['Connection', 'closed, not-close']], { kind: 'keep' }],
  ['keep-alive says nothing new', '1.1', [['Connection', 'keep-alive']], { kind: 'keep' }],
  ['RFC 9112 9.3: HTTP/1.0 closes it', '1.0', [], { kind: 'close' }],
  [
    'HTTP/1.0 closes it whatever it says',
    '1.0',
    [['Connection', 'keep-alive'], timeout('timeout=5')],
    { kind: 'close' },
  ],
  ['a time', '1.1', [timeout('timeout=5')], { kind: 'keep', idleTimeoutMs: 5_000 }],
  ['a time among others', '1.1', [timeout('max=100, Timeout=5')], { kind: 'keep', idleTimeoutMs: 5_000 }],
  ['a time ahead of others', '1.1', [timeout('timeout=5,max=100')], { kind: 'keep', idleTimeoutMs: 5_000 }],
  ['no time at all', '1.1', [timeout('timeout=0')], { kind: 'keep', idleTimeoutMs: 0 }],
  ['a time that is none', '1.1', [timeout('timeout=5s')], { kind: 'keep' }],
  ['a time below nothing', '1.1', [timeout('timeout=-5')], { kind: 'keep' }],
  ['a time of another', '1.1', [timeout('xtimeout=5')], { kind: 'keep' }],
  ['more digits than a number needs', '1.1', [timeout(`timeout=${'9'.repeat(10)}`)], { kind: 'keep' }],
  ['closing comes first', '1.1', [timeout('timeout=5'), ['Connection', 'close']], { kind: 'close' }],
])('%s', (_, httpVersion, fields, kept) => {
  expect(persistence(httpVersion, fields)).toEqual(kept);
});
