// The table of rules is whole: whatever a rule can say is in it, holding and not, and what tunnels and upgrades make of it.
import { describe, expect, test } from 'vitest';
import { rule } from '../../../schemas/rule.ts';
import { rows } from './cases.ts';
import { placesIn, placesOf } from './places.ts';
import type { Row } from './row.ts';

/** What rules of the table use, with the rows that do. */
const used = new Map<string, Row[]>();
for (const row of rows) {
  for (const place of new Set(row.rules.flatMap((each) => placesIn(rule, each)))) {
    used.set(place, [...(used.get(place) ?? []), row]);
  }
}

const places = placesOf(rule);
const conditions = places.filter((place) => /^when\.[^.=]+$/.test(place));
const actions = places.filter((place) => /^then\.[^.=]+$/.test(place));
/** A condition by itself: what it does is not the doing of another. */
const alone = (place: string) =>
  rows.filter(({ rules: [only, ...others] }) => others.length === 0 && isAlone(only, place));

function isAlone(written: Row['rules'][number] | undefined, place: string): boolean {
  return written !== undefined && Object.keys(written.when ?? {}).join() === place.slice('when.'.length);
}

test('every key and every word of the schema is in a row', () => {
  expect(places.filter((place) => !used.has(place))).toEqual([]);
});

test('keys and words are found at any depth', () => {
  const deep = ['when.not.host', 'then.block=drop', 'then.shape.fault(reset).afterBytes', 'then.transform.html.set'];
  expect(places).toEqual(expect.arrayContaining(deep));
  expect(placesIn(rule, { then: { block: 'drop' } })).toEqual(['then', 'then.block', 'then.block=drop']);
});

describe.each(conditions)('%s', (place) => {
  test('holds by itself for a request, and does not for another', () => {
    const outcomes = alone(place).flatMap(({ expected }) =>
      expected === undefined ? [] : [expected.rules.length > 0],
    );
    expect(new Set(outcomes)).toEqual(new Set([true, false]));
  });

  test('has a row of what it is to a tunnel', () => {
    expect((used.get(place) ?? []).some(({ tunnel }) => tunnel !== undefined)).toBe(true);
  });
});

test.each(conditions.filter((place) => place !== 'when.response'))('%s has a row of an upgrade', (place) => {
  expect((used.get(place) ?? []).some(({ upgrade }) => upgrade !== undefined)).toBe(true);
});

describe.each(actions)('%s', (place) => {
  const withIt = used.get(place) ?? [];

  test('takes place in a row', () => {
    expect(withIt.some(({ expected }) => expected !== undefined && expected.rules.length > 0)).toBe(true);
  });

  test('has a row of what it is to a tunnel, and one of an upgrade', () => {
    expect(withIt.some(({ tunnel }) => tunnel !== undefined)).toBe(true);
    expect(withIt.some(({ upgrade }) => upgrade !== undefined)).toBe(true);
  });
});

test('a row that is otherwise by a way says where that is documented', () => {
  const reasons = rows.flatMap(({ unlike = {} }) => Object.values(unlike)).map(({ because }) => because);
  expect(reasons.length).toBeGreaterThan(0);
  for (const because of reasons) expect(because).toMatch(/docs\/[a-z]+\.md/);
});

test('titles are told apart', () => {
  const titles = rows.map(({ title }) => title);
  expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
});
