// A client's own conditions. The cases named by the public suite carry its ids.
import { describe, expect, test } from 'vitest';
import { judgePreconditions, surelyMeetsOrigin } from '../../../http/caching/preconditions.ts';
import { dateBefore, requestWith, storedWith } from '../../support/stored.ts';

const judge = (asked: readonly string[], lines: readonly string[], method = 'GET', status = 200) =>
  judgePreconditions(requestWith(asked, method), { ...storedWith(lines), status });

describe('If-None-Match (RFC 9110 13.1.2)', () => {
  test.each([
    ['conditional-etag-strong-respond', '"abcdef"', '"abcdef"', true],
    ['conditional-etag-strong-respond-obs-text', '"abcdef\xfc"', '"abcdef\xfc"', true],
    ['conditional-etag-weak-respond', 'W/"abcdef"', 'W/"abcdef"', true],
    ['conditional-etag-strong-respond-multiple-first', '"abcdef", "1234", "5678"', '"abcdef"', true],
    ['conditional-etag-strong-respond-multiple-second', '"1234", "abcdef", "5678"', '"abcdef"', true],
    ['conditional-etag-strong-respond-multiple-last', '"1234", "5678", "abcdef"', '"abcdef"', true],
    ['conditional-etag-unquoted-respond-unquoted', 'abcdef', 'abcdef', true],
    ['conditional-etag-quoted-respond-unquoted', 'abcdef', '"abcdef"', false],
    ['conditional-etag-weak-respond-lowercase', 'w/"abcdef"', 'w/"abcdef"', true],
    ['another tag', '"other"', '"abcdef"', false],
    ['a tag within a tag', '"x, \\"abcdef"', '"abcdef"', false],
    ['any', '*', '"abcdef"', true],
  ])('%s: %s of %s', (_, asked, tag, isMatch) => {
    expect(judge([`If-None-Match: ${asked}`], [`ETag: ${tag}`])).toBe(isMatch ? 'not-modified' : 'proceed');
  });

  test('a response without a tag matches nothing but *', () => {
    expect(judge(['If-None-Match: ""'], [])).toBe('proceed');
    expect(judge(['If-None-Match: *'], [])).toBe('not-modified');
  });

  test('conditional-etag-precedence: If-Modified-Since is not looked at beside it (RFC 9110 13.2.2)', () => {
    const lines = ['ETag: "abcdef"', `Last-Modified: ${dateBefore(5_000)}`];
    const [earlier, later] = [dateBefore(10_000), dateBefore(1)];
    expect(judge(['If-None-Match: "abcdef"', `If-Modified-Since: ${earlier}`], lines)).toBe('not-modified');
    expect(judge(['If-None-Match: "other"', `If-Modified-Since: ${later}`], lines)).toBe('proceed');
    expect(judge(['If-None-Match: ', `If-Modified-Since: ${later}`], lines)).toBe('proceed');
  });
});

describe('If-Modified-Since (RFC 9110 13.1.3)', () => {
  const modified = `Last-Modified: ${dateBefore(3_000)}`;
  const [, day = '', time = ''] = /^\w+, (.{11}) (.{8})/.exec(dateBefore(3_000)) ?? [];
  const rfc850 = `Saturday, ${day.replace(' ', '-').replace(' 20', '-')} ${time} GMT`;

  test.each([
    ['conditional-lm-fresh', dateBefore(3_000), 'not-modified'],
    ['conditional-lm-fresh-earlier', dateBefore(2_000), 'not-modified'],
    ['conditional-lm-fresh-rfc850', rfc850, 'not-modified'],
    ['an earlier date', dateBefore(3_001), 'proceed'],
    ['no date', 'yesterday', 'proceed'],
  ])('%s: %s', (_, since, verdict) => {
    expect(judge([`If-Modified-Since: ${since}`], [modified])).toBe(verdict);
  });

  test('Date stands for a missing Last-Modified, and the arrival for a missing Date (RFC 9111 4.3.2)', () => {
    const date = `Date: ${dateBefore(100)}`;
    expect(judge([`If-Modified-Since: ${dateBefore(100)}`], [date])).toBe('not-modified');
    expect(judge([`If-Modified-Since: ${dateBefore(101)}`], [date])).toBe('proceed');
    expect(judge([`If-Modified-Since: ${dateBefore(10)}`], [])).toBe('not-modified');
    expect(judge([`If-Modified-Since: ${dateBefore(11)}`], [])).toBe('proceed');
  });

  test('two lines say nothing', () => {
    const asked = `If-Modified-Since: ${dateBefore(0)}`;
    expect(judge([asked, asked], [modified])).toBe('proceed');
  });
});

test.each([
  ['GET', 200, 'not-modified'],
  ['HEAD', 200, 'not-modified'],
  ['GET', 206, 'not-modified'],
  ['GET', 299, 'not-modified'],
  ['GET', 300, 'proceed'],
  ['POST', 200, 'proceed'],
  ['GET', 404, 'proceed'],
  ['GET', 301, 'proceed'],
])('RFC 9110 13.2.1: the condition of a %s of a %s: %s', (method, status, verdict) => {
  expect(judge(['If-None-Match: "a"'], ['ETag: "a"'], method, status)).toBe(verdict);
});

describe('conditions that only the origin may judge (RFC 9111 4.3.2)', () => {
  const lines = ['ETag: "a"', `Last-Modified: ${dateBefore(100)}`];
  test.each([
    [[], true],
    [['If-Match: "a"'], true],
    [['If-Match: "b", "a"'], true],
    [['If-Match: *'], true],
    [['If-Match: "b"'], false],
    [['If-Match: W/"a"'], false], // RFC 9110 13.1.1: strong comparison
    [[`If-Unmodified-Since: ${dateBefore(100)}`], true],
    [[`If-Unmodified-Since: ${dateBefore(101)}`], false],
    [['If-Unmodified-Since: now'], false],
    [['If-Match: "a"', `If-Unmodified-Since: ${dateBefore(101)}`], true], // RFC 9110 13.2.2
    [['If-Match: "b"', `If-Unmodified-Since: ${dateBefore(100)}`], false],
    [['If-None-Match: "b"', 'If-Range: "b"'], true],
  ])('%j: surely met: %s', (asked, isMet) => {
    expect(surelyMeetsOrigin(requestWith(asked), storedWith(lines))).toBe(isMet);
  });

  test('a response without validators meets none surely', () => {
    expect(surelyMeetsOrigin(requestWith(['If-Match: "a"']), storedWith())).toBe(false);
    expect(surelyMeetsOrigin(requestWith([`If-Unmodified-Since: ${dateBefore(0)}`]), storedWith())).toBe(false);
  });
});
