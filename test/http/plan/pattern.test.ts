// Patterns against an oracle, and against texts that make backtracking matchers slow.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../../http/plan/pattern.ts';

test.each([
  ['', '', []],
  ['a', 'a', []],
  ['a', 'ab', undefined],
  ['a', 'A', undefined],
  ['*', '', ['']],
  ['*', 'a/b', ['a/b']],
  ['a*', 'a', ['']],
  ['a*', 'ba', undefined],
  ['*a', 'ba', ['b']],
  ['*a', 'ab', undefined],
  ['/a/*/c', '/a/b/c', ['b']],
  ['/a/*/c', '/a/c', undefined],
  ['a*a', 'a', undefined],
  ['a*a', 'aa', ['']],
  ['*-*', 'a-b-c', ['a', 'b-c']],
  ['*-*.js', 'a-b-c.js', ['a', 'b-c']],
  ['**', 'ab', ['', 'ab']],
  ['a.c', 'abc', undefined],
  ['[a-z]+', '[a-z]+', []],
  ['a?c', 'a?c', []],
  ['*\n*', 'a\nb', ['a', 'b']],
] as const)('%j of %j captures %j', (pattern, text, captures) => {
  const compiled = compilePattern(pattern);
  expect(compiled.captures(text)).toEqual(captures);
  expect(compiled.matches(text)).toBe(captures !== undefined);
  expect(compiled.stars).toBe(pattern.split('*').length - 1);
});

describe('against an oracle', () => {
  const letters = fc.constantFrom('a', 'b', '/', '.', '+');
  const texts = fc.string({ unit: letters, maxLength: 12 });
  const patterns = fc.string({ unit: fc.oneof(letters, fc.constant('*')), maxLength: 8 });

  test('a pattern matches what a regular expression with shortest runs matches, and captures the same', () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const escaped = pattern.replace(/[.+/]/g, '\\$&').replaceAll('*', '([^]*?)');
        const expected = new RegExp(`^${escaped}$`).exec(text)?.slice(1);
        expect(compilePattern(pattern).captures(text)).toEqual(expected);
        expect(compilePattern(pattern).matches(text)).toBe(expected !== undefined);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what stands in place of the stars gives the text back', () => {
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 8, maxLength: 8 }), (pattern, fillings) => {
        let star = 0;
        const text = pattern.replace(/\*/g, () => fillings[star++] as string);
        const captures = compilePattern(pattern).captures(text);
        let at = 0;
        expect(pattern.replace(/\*/g, () => captures?.[at++] ?? '?')).toBe(text);
      }),
    );
  });
});

test('a pattern that would backtrack looks at each piece once', () => {
  // A matcher that tries every place for every star would take longer than the universe has been there.
  const stars = 'a*'.repeat(500);
  const text = 'a'.repeat(60_000);
  expect(compilePattern(`${stars}b`).matches(text)).toBe(false);
  expect(compilePattern(`*${'ab*'.repeat(400)}c`).matches(`${'ab'.repeat(30_000)}d`)).toBe(false);
  expect(compilePattern(`*${'a'.repeat(500)}b*${'a'.repeat(500)}c`).matches(`${text}c`)).toBe(false);
});
