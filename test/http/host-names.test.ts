// Many names in one table: found by themselves and by what is below them, beside what a plain Set finds.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aboveShift, hostNames } from '../../http/host-names.ts';

const label = fc.constantFrom('a', 'b', 'ab', 'ba', 'xn--b', '-', '0');
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

test('what is found is what a map of texts would find', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(host, fc.constantFrom(1, 2, 4)), { maxLength: 60 }), host, (added, asked) => {
      const names = hostNames();
      const texts = new Map<string, number>();
      for (const [name, marks] of added) {
        names.add(name, marks);
        texts.set(name, (texts.get(name) ?? 0) | marks);
      }
      let above = 0;
      for (let at = asked.indexOf('.'); at !== -1; at = asked.indexOf('.', at + 1)) {
        above |= texts.get(asked.slice(at + 1)) ?? 0;
      }
      expect(names.size).toBe(texts.size);
      expect(names.marksOf(asked)).toBe((texts.get(asked) ?? 0) | (above << aboveShift));
      expect(names.count(2)).toBe([...texts.values()].filter((marks) => (marks & 2) !== 0).length);
    }),
  );
});

test('many names are all found, before and after a trim, and no other', () => {
  const names = hostNames();
  for (let at = 0; at < 20_000; at++) names.add(`n${at}.example`, 1);
  names.trim();
  names.add('one.more', 1);
  expect(names.size).toBe(20_001);
  for (let at = 0; at < 20_000; at++) {
    expect(names.marksOf(`n${at}.example`)).toBe(1);
    expect(names.marksOf(`x.n${at}.example`)).toBe(1 << aboveShift);
  }
  expect(['one.more', 'n20000.example', 'example', 'nn1.example', ''].map(names.marksOf)).toEqual([1, 0, 0, 0, 0]);
});

test('an empty table has nothing, trimmed or not', () => {
  const names = hostNames();
  expect(names.marksOf('a.example')).toBe(0);
  names.trim();
  expect(names.marksOf('a.example')).toBe(0);
  names.add('a.example', 1);
  expect(names.marksOf('a.example')).toBe(1);
});
