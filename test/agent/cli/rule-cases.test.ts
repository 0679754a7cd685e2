// Cases against rules: each key that may be expected can be wrong, too.
import { describe, expect, test } from 'vitest';
import { caseResult } from '../../../agent/cli/rule-cases.ts';
import { compileRules } from '../../../http/plan/rules.ts';
import { ruleCase } from '../../../schemas/rule-case.ts';
import { rulesOf } from '../../support/rules.ts';

const rules = compileRules(
  rulesOf(
    { name: 'drop', when: { path: '/drop' }, then: { block: 'drop' } },
    { name: 'block', when: { path: '/block' }, then: { block: { status: 451 } } },
    { name: 'redirect', when: { path: '/redirect' }, then: { redirect: { to: 'http://b.example/' } } },
    { name: 'fails', when: { path: '/fails' }, then: { redirect: { to: '{url}' } } },
    {
      name: 'all',
      when: { path: '/all' },
      then: {
        rewrite: { to: 'http://b.example/' },
        request: { set: { a: '1' } },
        response: { set: { b: '2' } },
        cache: { freshnessSeconds: 5 },
        route: { edge: 'far' },
        fallback: 'fail',
        upstream: 'socket',
        shape: '4g',
        transform: { compress: true },
        log: 'off',
      },
    },
    { name: 'missing', when: { response: { status: 404 } }, then: { respond: {} } },
    { name: 'listed', when: { list: 'l' }, then: { block: {} } },
  ),
);

function differences(path: string, expected: object, rest: object = {}): readonly string[] {
  const given = ruleCase.parse({ request: { url: `http://a.example${path}` }, expect: expected, ...rest });
  return caseResult(rules, (list, host) => list === 'l' && host === 'listed.example', given).differences;
}

describe('what is expected', () => {
  test.each([
    ['/drop', { answer: 'drop', status: 5 }, ['status: expected 5, and it is nothing']],
    ['/block', { answer: 'block', status: 451, url: 'x' }, ['url: expected "x", and it is nothing']],
    ['/redirect', { answer: 'redirect', status: 302, location: 'http://b.example/' }, []],
    [
      '/redirect',
      { location: 'http://c.example/' },
      ['location: expected "http://c.example/", and it is "http://b.example/"'],
    ],
    ['/fails', { answer: 'failed', status: 502 }, []],
    [
      '/',
      {
        answer: null,
        rules: ['missing'],
        route: null,
        url: 'http://a.example/',
        shape: null,
        transform: null,
        log: null,
        cache: null,
        fallback: null,
        upstream: null,
      },
      ['rules: expected ["missing"], and it is []'],
    ],
    [
      '/all',
      {
        rules: ['all'],
        url: 'http://b.example/',
        cache: { freshnessSeconds: 5 },
        route: { edge: 'far' },
        fallback: 'fail',
        upstream: 'socket',
        shape: '4g',
        transform: ['compress'],
        log: 'off',
      },
      [],
    ],
    ['/all', { shape: 'all' }, []],
    ['/all', { shape: 'edge' }, ['shape: expected "edge", and it is "4g"']],
    ['/all', { shape: null }, ['shape: expected nothing, and it is "4g"']],
    ['/all', { request: { a: '1', x: null }, response: { B: '2' } }, []],
    ['/all', { request: { a: '2' } }, ['request: expected {"a":"2"}, and it is {"a":"1"}']],
  ])('%s: %j', (path, expected, told) => {
    expect(differences(path, expected)).toEqual(told);
  });
});

test('a response that is supposed is judged', () => {
  expect(differences('/', { answer: 'respond' }, { response: { status: 404 } })).toEqual([]);
  expect(differences('/', { answer: 'respond' }, { response: {} })).not.toEqual([]);
});

test('rules that wait have a part where the response that is supposed fulfils what they wait for', () => {
  expect(differences('/', { rules: ['missing'] }, { response: { status: 404 } })).toEqual([]);
  expect(differences('/', { rules: [] }, { response: { status: 200 } })).toEqual([]);
  expect(differences('/all', { rules: ['all', 'missing'] }, { response: { status: 404 } })).toEqual([]);
  expect(differences('/block', { rules: ['block'] }, { response: { status: 404 } })).toEqual([]);
});

test('lists are asked', () => {
  const given = ruleCase.parse({ request: { url: 'listed.example:443' }, expect: { answer: 'block' } });
  const result = caseResult(rules, (list, host) => list === 'l' && host === 'listed.example', given);
  expect(result).toEqual({ name: 'tunnel to listed.example:443', differences: [] });
});

test('a URL that is none differs from everything', () => {
  const given = ruleCase.parse({ name: 'n', request: { url: 'a b' }, expect: {} });
  expect(caseResult(rules, () => false, given)).toEqual({ name: 'n', differences: [expect.stringContaining('"a b"')] });
});
