// A memory that changes nothing but how often the work is done.
import { expect, test } from 'vitest';
import { remembered } from '../../http/remembered.ts';

test('what is asked again is not computed again, even when the answer is nothing', () => {
  const asked: string[] = [];
  const lookUp = remembered(2, (text) => void asked.push(text));
  lookUp('a');
  lookUp('a');
  expect(asked).toEqual(['a']);
});

test('beyond the bound the oldest answer is forgotten', () => {
  const asked: string[] = [];
  const lookUp = remembered(2, (text) => asked.push(text));
  for (const text of ['a', 'b', 'c', 'b', 'a']) lookUp(text);
  expect(asked).toEqual(['a', 'b', 'c', 'a']);
});

test('a long text is answered and not kept', () => {
  let count = 0;
  const lookUp = remembered(2, () => ++count);
  const long = 'x'.repeat(257);
  expect([lookUp(long), lookUp(long)]).toEqual([1, 2]);
});
