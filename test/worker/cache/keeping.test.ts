// Content that is gathered: kept when it is whole and only then, and within what all may hold together.
import { describe, expect, test } from 'vitest';
import { createAllowance, createKeeper, type Keeping } from '../../../worker/cache/keeping.ts';

const octets = (text: string) => new TextEncoder().encode(text);

function keeping(parts: Partial<Keeping> = {}) {
  const told: string[] = [];
  const keeper = createKeeper({
    octets: undefined,
    maxBytes: 10,
    allowance: createAllowance(100),
    now: 0,
    keep: (content, trailers) => told.push(`${new TextDecoder().decode(content)} ${trailers.length}`),
    giveUp: () => told.push('given up'),
    ...parts,
  });
  return { keeper, told };
}

test('all pieces are kept together, as they were when they came', () => {
  const { keeper, told } = keeping();
  const buffer = octets('he');
  expect(keeper?.take(buffer)).toBe(true);
  buffer.fill(0);
  keeper?.take(octets('llo'));
  keeper?.end([['a', 'b']]);
  expect(told).toEqual(['hello 1']);
});

test('nothing is kept of nothing but the head', () => {
  const { keeper, told } = keeping({ octets: 0 });
  keeper?.end([]);
  expect(told).toEqual([' 0']);
});

describe('E10: it is given up, once,', () => {
  test.each([
    ['when it is cut off', 5, ['hel'], false],
    ['when less comes than was announced', 5, ['hel'], true],
    ['when more comes than was announced', 5, ['hello', '!'], true],
    ['when more comes than may be kept', undefined, ['hello', 'hello!'], true],
  ] as const)('%s', (_, announced, pieces, isEnded) => {
    const { keeper, told } = keeping({ octets: announced });
    for (const piece of pieces) keeper?.take(octets(piece));
    if (isEnded) keeper?.end([]);
    else keeper?.giveUp();
    keeper?.giveUp();
    expect(keeper?.take(octets('x'))).toBe(false);
    expect(told).toEqual(['given up']);
  });
});

test('what is announced to be too large is not begun', () => {
  expect(keeping({ octets: 11 }).keeper).toBeUndefined();
});

describe('E16: what all hold together', () => {
  test('is bounded, for announced content before it comes', () => {
    const allowance = createAllowance(15);
    const first = keeping({ octets: 10, allowance });
    expect(keeping({ octets: 6, allowance }).keeper).toBeUndefined();
    first.keeper?.giveUp();
    expect(keeping({ octets: 6, allowance }).keeper).toBeDefined();
  });

  test('is bounded, for content of unknown length as it comes', () => {
    const allowance = createAllowance(15);
    const [first, second] = [keeping({ allowance }), keeping({ allowance })];
    expect(first.keeper?.take(new Uint8Array(8))).toBe(true);
    expect(second.keeper?.take(new Uint8Array(8))).toBe(false);
    expect(second.told).toEqual(['given up']);
    expect(first.keeper?.take(new Uint8Array(2))).toBe(true);
  });

  test('forgets those whom the platform has ended without a word', () => {
    const allowance = createAllowance(10);
    keeping({ octets: 10, allowance, now: 0 });
    expect(keeping({ octets: 10, allowance, now: 600_000 }).keeper).toBeUndefined();
    expect(keeping({ octets: 10, allowance, now: 600_001 }).keeper).toBeDefined();
  });
});
