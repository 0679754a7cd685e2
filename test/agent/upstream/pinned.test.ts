// A look-up whose answers are settled.
import { expect, test } from 'vitest';
import { pinned } from '../../../agent/upstream/pinned.ts';

test.each([
  [
    true,
    [
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ],
  ],
  [false, ['192.0.2.1', 4]],
])('a pinned look-up answers its addresses whatever is asked (all: %s)', (all, answer) => {
  const answers: unknown[] = [];
  pinned(['192.0.2.1', '2001:db8::1'])('evil.example', { all }, (error, address, family) => {
    expect(error).toBeNull();
    answers.push(...(typeof address === 'string' ? [address, family] : address));
  });
  expect(answers).toEqual(answer);
});
