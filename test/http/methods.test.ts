// What is known of request methods.
import { expect, test } from 'vitest';
import { isIdempotent } from '../../http/methods.ts';

test.each([
  ['GET', true],
  ['HEAD', true],
  ['OPTIONS', true],
  ['TRACE', true],
  ['PUT', true],
  ['DELETE', true],
  ['POST', false],
  ['PATCH', false],
  ['LOCK', false],
  ['get', false],
  ['UNKNOWN', false],
])('RFC 9110 9.2.2: %s may be sent twice: %s', (method, isTwice) => {
  expect(isIdempotent(method)).toBe(isTwice);
});
