// Sentences within sentences.
import { expect, test } from 'vitest';
import { fragment } from '../../../agent/doctor/fragment.ts';

test.each([
  ['No name server answers.', 'no name server answers'],
  ['TLS was not agreed on.', 'TLS was not agreed on'],
  ['What answers there is 1.1', 'what answers there is 1.1'],
  ['', ''],
])('%s', (sentence, expected) => {
  expect(fragment(sentence)).toBe(expected);
});
