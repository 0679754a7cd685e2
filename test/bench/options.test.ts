// What the bench's command line may say.
import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { targetNames } from '../../bench/target.ts';

test('without options it is 5 rounds of 3 seconds of everything', () => {
  expect(parseOptions([])).toEqual({
    kind: 'options',
    options: { rounds: 5, seconds: 3, only: targetNames, json: false },
  });
});

test('targets are measured in their usual order, each once', () => {
  expect(parseOptions(['--only', 'squid, origin,squid', '--rounds', '1', '--seconds=1', '--json'])).toEqual({
    kind: 'options',
    options: { rounds: 1, seconds: 1, only: ['origin', 'squid'], json: true },
  });
});

test.each([
  { args: ['--only', 'squit'], because: /no target "squit"/ },
  { args: ['--rounds', '0'], because: /--rounds takes a whole number/ },
  { args: ['--seconds', '0.5'], because: /--seconds takes a whole number/ },
  { args: ['--fast'], because: /--fast/ },
  { args: ['squid'], because: /squid/ },
])('$args is refused with the reason', ({ args, because }) => {
  expect(parseOptions(args)).toEqual({ kind: 'usage', because: expect.stringMatching(because) });
});
