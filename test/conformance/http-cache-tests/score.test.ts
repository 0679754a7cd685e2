// What counts as passed, and what the page says of it.
import { describe, expect, test } from 'vitest';
import { conformancePage, type Section, surprises } from './page.ts';
import { judge, type Results, score } from './score.ts';
import type { Kind, SuiteTest } from './suite.ts';

const tests = [one('first'), one('second', ['first']), one('third', ['second']), one('asked', [], 'check')];
const wrong = ['Assertion', 'Response 2 comes from cache'] as const;

describe('a test', () => {
  test('whose dependency did not pass has not passed, nor has what depends on it', () => {
    const verdicts = judge(tests, { first: wrong, second: true, third: true, asked: true });
    expect(Object.fromEntries(verdicts)).toEqual({
      first: { kind: 'failed', because: 'Response 2 comes from cache' },
      second: { kind: 'dependency', on: 'first' },
      third: { kind: 'dependency', on: 'second' },
      asked: { kind: 'passed' },
    });
  });

  test('that was not asked is no failure, and no pass either', () => {
    const verdicts = judge(tests, { first: ['Setup', 'retry'], second: true, third: true, asked: wrong });
    expect(verdicts.get('first')).toEqual({ kind: 'not-asked', because: 'retry' });
    expect(score(tests, verdicts, 'required')).toEqual({ passed: 0, of: 3 });
    expect(score(tests, verdicts, 'check')).toEqual({ passed: 0, of: 1 });
  });

  test('without a result is no result at all', () => {
    expect(() => judge(tests, { first: true })).toThrow('no result of second');
  });
});

test('the page has the scores, what we fail with its reason, and the tests that some cache fails', () => {
  const page = conformancePage([section({ first: true, second: wrong, third: true, asked: true })]);
  expect(page).toContain('| edgehop 1.0 | 1 of 3 | 0 of 0 | 1 of 1 |');
  expect(page).toContain('- `second` (required): Response 2 comes from cache. **Not explained.**\n');
  expect(page).toContain('- `third` (required): depends on `second`. **Not explained.**\n');
  expect(page).toContain('| `second` | required | ✗ | the sentence of second |');
  expect(page).not.toContain('`first` | required');
});

test('a required test that we fail without an explanation is told', () => {
  expect(surprises(section({ first: true, second: true, third: wrong, asked: wrong }))).toEqual([
    'edgehop: third: Response 2 comes from cache',
  ]);
});

describe('an explanation', () => {
  const suite = [one('headers-store-Set-Cookie')];

  test('stands on the page instead of what happened', () => {
    const refused = section({ 'headers-store-Set-Cookie': wrong }, suite);
    expect(conformancePage([refused])).toContain('- `headers-store-Set-Cookie` (required): Refused (ATTACKS.md E04)');
    expect(surprises(refused)).toEqual([]);
  });

  test('of what passes is told', () => {
    const [surprise] = surprises(section({ 'headers-store-Set-Cookie': true }, suite));
    expect(surprise).toBe('edgehop: headers-store-Set-Cookie passes, yet is explained');
  });
});

function one(id: string, dependsOn: readonly string[] = [], kind: Kind = 'required'): SuiteTest {
  return { id, kind, name: `the sentence of ${id}`, group: 'group', dependsOn };
}

function section(results: Results, all: readonly SuiteTest[] = tests): Section {
  return {
    suite: { folder: '', kind: 'newer', edition: 'an edition', tests: all },
    judged: [{ subject: 'both', version: '1.0', verdicts: judge(all, results) }],
  };
}
