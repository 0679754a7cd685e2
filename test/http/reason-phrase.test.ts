// The phrases are the standard's, for every status that an error of ours or a rule is answered with.
import { STATUS_CODES } from 'node:http';
import { expect, test } from 'vitest';
import { reasonPhrase } from '../../http/reason-phrase.ts';
import { recommendedStatus } from '../../schemas/error.ts';

test.each([
  ...new Set([
    ...Object.values(recommendedStatus),
    200,
    204,
    206,
    301,
    302,
    304,
    401,
    404,
    405,
    408,
    410,
    412,
    416,
    431,
    451,
    505,
  ]),
])('%i has the phrase of the standard', (status) => {
  expect(reasonPhrase(status)).toBe(STATUS_CODES[status]);
});

test('a status that is nobody’s is an error like any other, or has no phrase', () => {
  expect(reasonPhrase(599)).toBe('Error');
  expect(reasonPhrase(299)).toBe('');
});
