// Field lines: order and duplicates are kept, lists are split as the standard says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Field,
  FieldNames,
  fieldsFromFlat,
  fieldsWithout,
  fieldValues,
  flatFromFields,
  isValidField,
  listMembers,
  onlyValue,
} from '../../http/fields.ts';

const letters: Field[] = [
  ['A', '1'],
  ['b', '2'],
  ['a', '3'],
];

test('a flat list and field lines are the same in two forms', () => {
  expect(fieldsFromFlat(['A', '1', 'b', '2', 'a', '3'])).toEqual(letters);
  const lines = fc.array(fc.tuple(fc.string(), fc.string()));
  fc.assert(fc.property(lines, (fields) => void expect(fieldsFromFlat(flatFromFields(fields))).toEqual(fields)));
});

test('the values of a field come line by line, whatever the case of its name', () => {
  expect(fieldValues(letters, 'a')).toEqual(['1', '3']);
  expect(fieldValues([['Set-Cookie', 'a=1, b']], 'set-cookie')).toEqual(['a=1, b']);
});

test('a field has an only value where it has one line', () => {
  expect(onlyValue(letters, 'b')).toBe('2');
  expect(onlyValue([['B', '']], 'b')).toBe('');
  expect(onlyValue(letters, 'a')).toBeUndefined();
  expect(onlyValue(letters, 'c')).toBeUndefined();
  expect(onlyValue([['B', '1, 2']], 'b')).toBe('1, 2'); // lines are counted, not members
});

test('a name is found in any case, and no part of one is', () => {
  const names = new FieldNames(['content-length', 'te']);
  expect(['Content-Length', 'TE', 'te'].every((name) => names.has(name))).toBe(true);
  expect(['content-lengtH ', 'content', 'tea', 't', '', 'content-lengti'].some((name) => names.has(name))).toBe(false);
  expect([...names]).toEqual(['content-length', 'te']);
});

test('leaving fields out keeps the order of the others', () => {
  expect(fieldsWithout([...letters, ['C', '4']], new FieldNames(['a']))).toEqual([
    ['b', '2'],
    ['C', '4'],
  ]);
});

test.each([
  ['RFC 9110 5.6.1', ['a, b'], ['a', 'b']],
  ['RFC 9110 5.6.1.2: empty members are not counted', ['a,,\t, b,'], ['a', 'b']],
  ['RFC 9110 5.3: lines are one list', ['a', 'b, c'], ['a', 'b', 'c']],
  ['RFC 9110 5.6.4: a comma in quotes does not split', ['"a, b", c'], ['"a, b"', 'c']],
  ['RFC 9110 5.6.4: a quoted pair does not end the quotes', ['"a\\", b", c'], ['"a\\", b"', 'c']],
  ['RFC 9110 5.6.4: a backslash outside quotes is itself', ['a\\, "b"'], ['a\\', '"b"']],
  ['quotes that stay open do not reach into the next line', ['"a, b', 'c'], ['"a, b', 'c']],
] as const)('%s: %j', (_, lines, members) => {
  expect(
    listMembers(
      lines.map((line): Field => ['List', line]),
      'list',
    ),
  ).toEqual(members);
});

test.each([
  ['RFC 9110 5.6.2: a token', ["X-a!#$%&*+.^_`|~'9", 'v'], true],
  ['RFC 9110 5.5: a tab, a space and obs-text', ['a', 'b\t c\x80\xff'], true],
  ['RFC 9110 5.5: an empty value', ['a', ''], true],
  ['an empty name', ['', 'v'], false],
  ['a space in the name', ['a b', 'v'], false],
  ['a colon in the name', ['a:', 'v'], false],
  ['obs-text in the name', ['\x85a', 'v'], false],
  ['NUL', ['a', '\0'], false],
  ['CR', ['a', 'b\rc'], false],
  ['LF', ['a', 'b\nc'], false],
  ['DEL', ['a', '\x7f'], false],
  ['D06: a character that would be cut to LF', ['a', '\u010a'], false],
] as const)('%s makes a field line valid: %j %s', (_, field, isValid) => {
  expect(isValidField(field)).toBe(isValid);
});
