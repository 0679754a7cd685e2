// Findings for people.
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { doctorInWords } from '../../../agent/cli/doctor-words.ts';
import { fail, pass, skip } from '../../../agent/doctor/check.ts';

const findings = [
  pass('node', 'Node 26'),
  fail('configuration', 'f:1:1: wrong.\nf:2:1: wrong, too.', 'Correct it'),
  skip('agents', 'none runs', 'Start one'),
  skip('dns', 'nobody\u001b[31m tells'),
];

const words = `PASS  node           Node 26
FAIL  configuration  f:1:1: wrong.
                     f:2:1: wrong, too.
SKIP  agents         none runs
                     → Start one
SKIP  dns            nobody?[31m tells

1 passed, 1 failed, 2 skipped.

FAIL  configuration: f:1:1: wrong.
      f:2:1: wrong, too.
      → Correct it`;

test('are aligned, and those that failed come once more with what to do', () => {
  expect(doctorInWords(findings, false).replace(/ +$/gm, '')).toBe(words);
});

test('have colours where they are wanted, and are the same otherwise', () => {
  const coloured = doctorInWords(findings, true);
  expect(coloured).toContain('\u001b[31mFAIL');
  expect(stripVTControlCharacters(coloured)).toBe(doctorInWords(findings, false));
});

test('where nothing failed the sum is the end', () => {
  expect(doctorInWords([pass('node', 'Node 26')], false)).toBe('PASS  node  Node 26\n\n1 passed, 0 failed, 0 skipped.');
});
