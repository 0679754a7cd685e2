// Every change of fields that a rule can ask for.
import { describe, expect, test } from 'vitest';
import type { Fields } from '../../../http/fields.ts';
import { editedFields, editsOf } from '../../../http/plan/edit-fields.ts';
import type { FieldEdits } from '../../../schemas/rule.ts';

const fields: Fields = [
  ['Host', 'a.example'],
  ['X-One', '1'],
  ['Accept', '*/*'],
  ['x-one', '2'],
];

function edited(edits: FieldEdits, given = fields): Fields {
  return editedFields(
    given,
    editsOf(edits).map((action) => ({ rule: 'r', action })),
  );
}

test('set: in the place of all lines of that name, where and as the first was spelled', () => {
  expect(edited({ set: { 'x-ONE': '3' } })).toEqual([
    ['Host', 'a.example'],
    ['X-One', '3'],
    ['Accept', '*/*'],
  ]);
  expect(edited({ set: { 'X-Two': '3' } })).toEqual([...fields, ['x-two', '3']]);
});

test('add: beside those of that name', () => {
  expect(edited({ add: { 'X-One': '3' } })).toEqual([...fields, ['x-one', '3']]);
});

test('remove: all lines of that name', () => {
  expect(edited({ remove: ['X-ONE', 'nothing'] })).toEqual([
    ['Host', 'a.example'],
    ['Accept', '*/*'],
  ]);
});

test('remove comes before set, and set before add', () => {
  expect(edited({ remove: ['accept'], set: { 'x-one': '3' }, add: { 'x-one': '4', accept: 'text/html' } })).toEqual([
    ['Host', 'a.example'],
    ['X-One', '3'],
    ['x-one', '4'],
    ['accept', 'text/html'],
  ]);
});

test('what was given is not changed', () => {
  const before = structuredClone(fields);
  edited({ remove: ['x-one'], set: { host: 'b.example' } });
  expect(fields).toEqual(before);
});

describe('shorten', () => {
  test.each([
    ['https://a.example/private/page?secret=1', 'https://a.example/'],
    ['http://a.example:8080/x', 'http://a.example:8080/'],
    ['http://user:secret@a.example/x', 'http://a.example/'],
    ['about:blank', undefined],
    ['not a URL', undefined],
  ])('referer: %s becomes %s', (referer, expected) => {
    expect(edited({ shorten: ['referer'] }, [['Referer', referer]])).toEqual(
      expected === undefined ? [] : [['Referer', expected]],
    );
  });

  test.each([
    ['curl/8.5.0', 'curl/8'],
    ['curl', 'curl'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox/140'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
      'Chrome/139',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.1.2',
      'Edg/139',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      'Safari/18',
    ],
    ['(only (nested) comment)', undefined],
  ])('user-agent: %s becomes %s', (userAgent, expected) => {
    expect(edited({ shorten: ['user-agent'] }, [['User-Agent', userAgent]])).toEqual(
      expected === undefined ? [] : [['User-Agent', expected]],
    );
  });
});

describe('removeCookies', () => {
  test.each([
    [['_ga*'], '_ga=1; session=2; _gat=3', 'session=2'],
    [['b'], 'a=1; b=2; c=3', 'a=1; c=3'],
    [['*'], 'a=1; b=2', undefined],
    [['A'], 'a=1', 'a=1'],
    [['a'], 'a=b=c; d', 'd'],
  ])('%j of %s leaves %s', (removeCookies, cookie, expected) => {
    expect(edited({ removeCookies }, [['Cookie', cookie]])).toEqual(
      expected === undefined ? [] : [['Cookie', expected]],
    );
  });
});
