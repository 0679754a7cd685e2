// Which validators are equal, and which of them are strong.
import { expect, test } from 'vitest';
import {
  entityTagOf,
  hasStrongValidator,
  haveSameOctets,
  listedTags,
  matchesStrongly,
  matchesWeakly,
  parseEntityTag,
  strongDateOf,
} from '../../../http/caching/validators.ts';
import { dateBefore, fieldLines, responseWith } from '../../support/stored.ts';

test.each([
  ['W/"1"', 'W/"1"', false, true],
  ['W/"1"', 'W/"2"', false, false],
  ['W/"1"', '"1"', false, true],
  ['"1"', '"1"', true, true],
  ['"\xfc"', '"\xfc"', true, true],
  ['"a"', '"A"', false, false],
  ['w/"1"', '"1"', false, false], // the mark is in upper case: this is no tag
  ['w/"1"', 'w/"1"', false, true],
  ['abc', '"abc"', false, false],
  ['abc', 'abc', false, true],
])('RFC 9110 8.8.3.2: %s and %s match strongly: %s, weakly: %s', (one, other, strongly, weakly) => {
  const tag = parseEntityTag(one);
  const second = parseEntityTag(other);
  if (tag === undefined || second === undefined) throw new Error('no tag');
  expect(matchesStrongly(tag, second)).toBe(strongly);
  expect(matchesWeakly(tag, second)).toBe(weakly);
});

test.each(['', 'a b', 'a,b', '"a" "b"', '\x01'])('RFC 9110 8.8.3: %j is no tag at all', (text) => {
  expect(parseEntityTag(text)).toBeUndefined();
});

test('two ETag lines are none', () => {
  expect(entityTagOf(fieldLines('ETag: "a"', 'ETag: "b"'))).toBeUndefined();
});

test('RFC 9110 13.1.2: If-None-Match lists tags over several lines, with commas inside quotes', () => {
  const tags = listedTags(fieldLines('If-None-Match: "a,b" , W/"c"', 'If-None-Match: "d"'), 'if-none-match');
  expect(tags === '*' ? tags : tags.map(({ text }) => text)).toEqual(['"a,b"', 'W/"c"', '"d"']);
  expect(listedTags(fieldLines('If-None-Match: *'), 'if-none-match')).toBe('*');
  expect(listedTags(fieldLines('If-None-Match: *, "a"'), 'if-none-match')).not.toBe('*');
});

test.each([
  ['a second after it', 60, 61, true],
  ['in the second of it', 60, 60, false],
  ['long after it', 60, 3_600, true],
])('RFC 9110 8.8.2.2: a date against a response made %s', (_, made, modified, isStrong) => {
  const response = responseWith(200, [`Date: ${dateBefore(made)}`, `Last-Modified: ${dateBefore(modified)}`]);
  expect(strongDateOf(response) !== undefined).toBe(isStrong);
});

test.each([
  [['ETag: "a"'], ['ETag: "a"'], true],
  [['ETag: "a"'], ['ETag: W/"a"'], false],
  [['ETag: "a"'], [], false],
  [[], [], false],
  [[`Last-Modified: ${dateBefore(100)}`], [`Last-Modified: ${dateBefore(100)}`], true],
  [[`Last-Modified: ${dateBefore(100)}`], [`Last-Modified: ${dateBefore(99)}`], false],
  [[`Last-Modified: ${dateBefore(100)}`, 'ETag: "a"'], [`Last-Modified: ${dateBefore(100)}`, 'ETag: "b"'], false],
  [[`Last-Modified: ${dateBefore(100)}`, 'ETag: "a"'], [`Last-Modified: ${dateBefore(100)}`], false],
])('RFC 9110 8.8.1: %j and %j tell of the same octets: %s', (one, other, isSame) => {
  const date = `Date: ${dateBefore(0)}`;
  expect(haveSameOctets(responseWith(200, [date, ...one]), responseWith(200, [date, ...other]))).toBe(isSame);
});

test.each([
  [['ETag: "a"'], true],
  [['ETag: W/"a"'], false],
  [[`Last-Modified: ${dateBefore(100)}`], true],
  [[`Last-Modified: ${dateBefore(0)}`], false],
  [['ETag: W/"a"', `Last-Modified: ${dateBefore(100)}`], true],
  [[], false],
])('RFC 9110 8.8.1: %j has a strong validator: %s', (lines, isStrong) => {
  expect(hasStrongValidator(responseWith(200, [`Date: ${dateBefore(0)}`, ...lines]))).toBe(isStrong);
});
