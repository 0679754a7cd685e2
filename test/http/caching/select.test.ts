// Which stored responses a request selects. RFC 9111 4.1.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selected, selectingOf } from '../../../http/caching/select.ts';
import type { StoredResponse } from '../../../http/caching/stored.ts';
import type { Field } from '../../../http/fields.ts';

interface Entry {
  readonly stored: StoredResponse;
}

/** Stored when a request with these fields was answered with this Vary. */
function entry(vary: string | undefined, requestFields: Field[]): Entry {
  const fields: Field[] = vary === undefined ? [] : [['Vary', vary]];
  const times = { requestTime: 0, responseTime: 0 };
  const selecting = selectingOf(fields, { fields: requestFields });
  return { stored: { status: 200, reason: 'OK', fields, ...times, url: 'http://o.example/', selecting, octets: 0 } };
}

function matches(vary: string | undefined, one: Field[], other: Field[]): boolean {
  return selected([entry(vary, one)], { fields: other }).length === 1;
}

test.each<[string, string | undefined, Field[], Field[]]>([
  ['no Vary', undefined, [['Foo', '1']], [['Foo', '2']]],
  ['an empty Vary', '', [['Foo', '1']], [['Foo', '2']]],
  ['the same value', 'Foo', [['Foo', '1']], [['foo', '1']]],
  [
    'another field beside',
    'Foo',
    [
      ['Foo', '1'],
      ['Other', '2'],
    ],
    [
      ['Foo', '1'],
      ['Other', '3'],
    ],
  ],
  [
    'several fields',
    'Foo, Bar',
    [
      ['Foo', '1'],
      ['Bar', 'a'],
    ],
    [
      ['Bar', 'a'],
      ['Foo', '1'],
    ],
  ],
  ['a field that both lack', 'Foo, Bar', [['Foo', '1']], [['Foo', '1']]],
  [
    'several lines for a list',
    'Foo',
    [['Foo', '1, 2']],
    [
      ['Foo', '1'],
      ['Foo', '2'],
    ],
  ],
  ['white space around members', 'Foo', [['Foo', '1,2']], [['Foo', ' 1, 2 ']]],
  [
    'cookies on several lines',
    'Cookie',
    [['Cookie', 'a=1; b=2']],
    [
      ['Cookie', 'a=1'],
      ['Cookie', 'b=2'],
    ],
  ],
  ['the order of languages', 'Accept-Language', [['Accept-Language', 'en, de']], [['Accept-Language', 'de, en']]],
  ['the case of languages', 'Accept-Language', [['Accept-Language', 'en, de']], [['Accept-Language', 'eN, De']]],
  ['spaces between languages', 'Accept-Language', [['Accept-Language', 'en, de']], [['Accept-Language', ' en ,   de']]],
  [
    'weights in another spelling',
    'Accept-Language',
    [['Accept-Language', 'en;q=1.0,de;q=0.50']],
    [['Accept-Language', 'en, de ; Q=0.5']],
  ],
  [
    'RFC 9110 8.4.1.3: x-gzip',
    'Accept-Encoding',
    [['Accept-Encoding', 'x-gzip, br']],
    [['Accept-Encoding', 'br,gzip']],
  ],
])('%s: it is selected', (_, vary, one, other) => {
  expect(matches(vary, one, other)).toBe(true);
  expect(matches(vary, other, one)).toBe(true);
});

test.each<[string, string, Field[], Field[]]>([
  ['E05: another value', 'Foo', [['Foo', '1']], [['Foo', '2']]],
  ['E05: another language', 'Accept-Language', [['Accept-Language', 'en']], [['Accept-Language', 'fr']]],
  ['E05: another cookie', 'Cookie', [['Cookie', 'a=1']], [['Cookie', 'a=2']]],
  ['E05: no value any more', 'Foo', [['Foo', '1']], []],
  ['E05: no value, and an empty one', 'Foo', [], [['Foo', '']]],
  [
    'one of several that differs',
    'Foo, Bar',
    [
      ['Foo', '1'],
      ['Bar', 'a'],
    ],
    [
      ['Foo', '1'],
      ['Bar', 'b'],
    ],
  ],
  ['the case of what is not known', 'Foo', [['Foo', 'a']], [['Foo', 'A']]],
  ['the order of what is not known', 'Foo', [['Foo', '1, 2']], [['Foo', '2, 1']]],
  ['another weight', 'Accept-Language', [['Accept-Language', 'en, de;q=0.5']], [['Accept-Language', 'en, de;q=0.6']]],
  ['a weight of 0', 'Accept-Encoding', [['Accept-Encoding', 'gzip']], [['Accept-Encoding', 'gzip;q=0']]],
  ['no coding at all', 'Accept-Encoding', [['Accept-Encoding', '']], []],
  ['commas and spaces in a cookie', 'Cookie', [['Cookie', 'a=1,2']], [['Cookie', 'a=1, 2']]],
  ['commas and spaces in quotes', 'Foo', [['Foo', '"1,2"']], [['Foo', '"1, 2"']]],
  ['a comma in quotes, and one between', 'Foo', [['Foo', '"1","2"']], [['Foo', '"1,2"']]],
  ['E05: *', '*', [], []],
  ['* beside a name', 'Foo, *', [['Foo', '1']], [['Foo', '1']]],
  ['* behind nothing', ', *', [], []],
])('%s: it is not selected', (_, vary, one, other) => {
  expect(matches(vary, one, other)).toBe(false);
  expect(matches(vary, other, one)).toBe(false);
});

test('every line of Vary counts', () => {
  const fields: Field[] = [
    ['Vary', 'Foo, BAR'],
    ['vary', 'foo, baz'],
  ];
  expect(selectingOf(fields, { fields: [['bar', 'x']] })).toEqual([
    ['bar', 'x'],
    ['baz', undefined],
    ['foo', undefined],
  ]);
});

describe('several stored responses', () => {
  test('those that match are given in their order', () => {
    const one = entry('Foo', [['Foo', '1']]);
    const two = entry('Foo', [['Foo', '2']]);
    const again = entry('Foo', [['Foo', '1']]);
    expect(selected([one, two, again], { fields: [['Foo', '1']] })).toEqual([one, again]);
    expect(selected([one, two, again], { fields: [['Foo', '3']] })).toEqual([]);
  });

  test('E06: what was stored before the resource varied by some field is not selected any more', () => {
    const older = entry(undefined, []);
    const newer = entry('Foo', [['Foo', '1']]);
    expect(selected([newer, older], { fields: [['Foo', '2']] })).toEqual([]);
    expect(selected([newer, older], { fields: [['Foo', '1']] })).toEqual([newer]);
  });

  test('E06: nor what varied by another field', () => {
    const older = entry('Bar', [['Bar', '1']]);
    const newer = entry('Foo', [['Foo', '1']]);
    expect(
      selected([newer, older], {
        fields: [
          ['Foo', '2'],
          ['Bar', '1'],
        ],
      }),
    ).toEqual([]);
  });

  test('what varied by more still is', () => {
    const older = entry('Foo, Bar', [['Foo', '1']]);
    const newer = entry('Foo', [['Foo', '2']]);
    expect(selected([newer, older], { fields: [['Foo', '1']] })).toEqual([older]);
  });

  test('what does not vary any more is selected first', () => {
    const older = entry('Foo', [['Foo', '1']]);
    const newer = entry(undefined, []);
    expect(selected([newer, older], { fields: [['Foo', '1']] })[0]).toBe(newer);
    expect(selected([newer, older], { fields: [['Foo', '2']] })).toEqual([newer]);
  });
});

test('a request always selects what its equal has stored', () => {
  const value = fc.string({ unit: fc.constantFrom(...'aB1 ,;="\\q.0') });
  const name = fc.constantFrom('Foo', 'Accept-Language', 'Accept-Encoding', 'Cookie', 'User-Agent');
  const fields = fc.array(fc.tuple(name, value));
  fc.assert(
    fc.property(fields, (requestFields) => {
      const vary = 'Foo, Accept-Language, Accept-Encoding, Cookie, User-Agent';
      expect(matches(vary, requestFields, requestFields)).toBe(true);
    }),
  );
});

test('what was stored with a transform answers requests with the same, and no others', () => {
  const plain = entry(undefined, []);
  const [one, other] = ['a', 'b'].map((transformKey) => ({ stored: { ...plain.stored, transformKey } })) as [
    Entry,
    Entry,
  ];
  const all = [plain, one, other];
  expect(selected(all, { fields: [] })).toEqual([plain]);
  expect(selected(all, { fields: [], transformKey: 'a' })).toEqual([one]);
  expect(selected(all, { fields: [], transformKey: 'c' })).toEqual([]);
  expect(selected([one], { fields: [] })).toEqual([]);
});
