// Content that has to be whole: up to a bound, of its own and of all together.
import { expect, test } from 'vitest';
import { createAllowance } from '../../../worker/cache/keeping.ts';
import { type Source, wholeSource } from '../../../worker/exchange/pour.ts';
import { gathered } from '../../../worker/transform/gathered.ts';

const octets = (text: string) => new TextEncoder().encode(text);

async function read(source: Source): Promise<string> {
  let text = '';
  for (;;) {
    const piece = await source.next();
    if (piece.kind !== 'octets') return `${text} ${piece.kind}`;
    text += Buffer.from(piece.octets).toString();
  }
}

test('what fits is whole, with its trailers', async () => {
  const trailers = [['A', 'b']] as const;
  expect(await gathered(wholeSource(octets('12345'), trailers), 5)).toEqual({
    kind: 'whole',
    octets: octets('12345'),
    trailers,
  });
});

test.each([
  ['than it may have', 4, 100],
  ['than others leave', 100, 4],
])('what is more %s is given on from its beginning', async (_, maxBytes, maxTogether) => {
  const allowance = createAllowance(maxTogether);
  const got = await gathered(wholeSource(octets('12345')), maxBytes, allowance);
  expect(got.kind === 'more' && (await read(got.source))).toBe('12345 end');
  expect(allowance.begin(maxTogether, 0)).toBeDefined();
});
