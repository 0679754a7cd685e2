// The machine that the tests run on describes itself.
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { describeMachine } from '../../../agent/machine/machine.ts';

test('a machine tells its name and a card, or why there is none', async () => {
  const machine = await describeMachine();
  expect(machine.hostname).toBe(hostname());
  if (machine.card.kind === 'none') expect(machine.card.because).toMatch(/^no network/);
  else expect(machine.card.mac).toMatch(/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/);
});
