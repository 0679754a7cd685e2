// The phrases are the standard's, for every status that an error of ours is answered with.
import { STATUS_CODES } from 'node:http';
import { expect, test } from 'vitest';
import { reasonPhrase } from '../../http/reason-phrase.ts';
import { recommendedStatus } from '../../schemas/error.ts';

test.each([...new Set([...Object.values(recommendedStatus), 401, 404, 405, 408, 431, 505])])(
  '%i has the phrase of the standard',
  (status) => {
    expect(reasonPhrase(status)).toBe(STATUS_CODES[status]);
  },
);

test('a status that is nobody’s is an error like any other', () => {
  expect(reasonPhrase(599)).toBe('Error');
});
