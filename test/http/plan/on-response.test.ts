// Every condition on a response, and which of several actions is taken.
import { describe, expect, test } from 'vitest';
import {
  beforeResponse,
  chosen,
  editsFor,
  failingCondition,
  holdsForResponse,
} from '../../../http/plan/on-response.ts';
import { responseConditions } from '../../../schemas/rule.ts';

const page = {
  status: 200,
  fields: [
    ['Content-Type', 'Text/HTML; charset=utf-8'],
    ['Content-Length', '1000'],
  ],
} as const;

describe('conditions', () => {
  test.each([
    [{}, true],
    [{ status: 200 }, true],
    [{ status: 404 }, false],
    [{ status: [404, '2xx'] }, true],
    [{ status: '5xx' }, false],
    [{ status: '200-204' }, true],
    [{ status: '201-204' }, false],
    [{ type: 'text/html' }, true],
    [{ type: 'TEXT/html' }, true],
    [{ type: 'text/*' }, true],
    [{ type: ['image/*', '*'] }, true],
    [{ type: 'text/html; charset=utf-8' }, false],
    [{ type: 'image/*' }, false],
    [{ size: {} }, true],
    [{ size: { minBytes: 1000 } }, true],
    [{ size: { minBytes: 1001 } }, false],
    [{ size: { maxBytes: 1000 } }, true],
    [{ size: { maxBytes: 999 } }, false],
    [{ status: 200, type: 'text/*', size: { minBytes: 1, maxBytes: 2000 } }, true],
    [{ status: 200, type: 'image/*' }, false],
  ])('%j: %s', (when, expected) => {
    expect(holdsForResponse(responseConditions.parse(when), page)).toBe(expected);
  });

  test.each([
    [{ type: '*' }, 'type'],
    [{ size: {} }, 'size'],
    [{ size: { maxBytes: 10 } }, 'size'],
  ])('a response that does not say it fails %j by its %s', (when, key) => {
    expect(failingCondition(responseConditions.parse(when), { status: 200, fields: [] })).toBe(key);
  });

  test.each(['10, 10', '-1', '1e3', ''])('a length of %j is none', (length) => {
    const head = { status: 200, fields: [['Content-Length', length]] } as const;
    expect(holdsForResponse({ size: {} }, head)).toBe(false);
  });
});

describe('which action', () => {
  const candidates = [
    { rule: 'missing', when: { status: [404] }, action: 1 },
    { rule: 'broken', when: { status: ['5xx'] }, action: 2 },
    { rule: 'else', action: 3 },
  ];

  test.each([
    [404, 'missing'],
    [503, 'broken'],
    [200, 'else'],
  ])('of status %i the first that holds: %s', (status, rule) => {
    expect(chosen(candidates, { status, fields: [] })?.rule).toBe(rule);
  });

  test('none, where none holds or there is none', () => {
    expect(chosen(candidates.slice(0, 2), page)).toBeUndefined();
    expect(chosen(undefined, page)).toBeUndefined();
  });

  test('before a response the one that waits for none', () => {
    expect(beforeResponse(candidates)?.rule).toBe('else');
    expect(beforeResponse(candidates.slice(0, 2))).toBeUndefined();
  });
});

test('edits: for each name those of the first rule whose conditions hold', () => {
  const set = (name: string, value: string) => ({ kind: 'set', name, value }) as const;
  const candidates = [
    { rule: 'one', when: { status: [404] }, action: [set('a', '1'), set('b', '1')] },
    { rule: 'two', action: [set('a', '2'), { kind: 'add', name: 'a', value: '3' } as const] },
    { rule: 'three', action: [set('a', '4'), set('c', '4')] },
  ];
  const taken = (status: number) =>
    editsFor(candidates, { status, fields: [] }).map(({ rule, action }) => `${rule} ${action.kind} ${action.name}`);
  expect(taken(404)).toEqual(['one set a', 'one set b', 'three set c']);
  expect(taken(200)).toEqual(['two set a', 'two add a', 'three set c']);
  expect(editsFor(undefined, page)).toEqual([]);
});
