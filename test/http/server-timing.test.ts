// Server-Timing as a browser reads it.
import { expect, test } from 'vitest';
import { serverTiming } from '../../http/server-timing.ts';

test('durations have three decimals at most, in the order given', () => {
  const metrics = [
    { name: 'edgehop', description: '1a2b-7', durationMs: 12.3456 },
    { name: 'origin', durationMs: 10 },
  ];
  expect(serverTiming(metrics)).toBe('edgehop;desc="1a2b-7";dur=12.346, origin;dur=10');
});

test('nothing in a description ends its string', () => {
  expect(serverTiming([{ name: 'a', description: 'x"\\\r\né', durationMs: 0 }])).toBe('a;desc="x?????";dur=0');
});
