// Of each rule, whether it holds, and the first condition that does not.
import { expect, test } from 'vitest';
import { judgedRules } from '../../../http/plan/explain.ts';
import type { RuleRequest } from '../../../http/plan/plan.ts';
import { compileRules } from '../../../http/plan/rules.ts';
import { exchangeOf, rulesOf, tunnelOf, type WrittenRule, worldOf } from '../../support/rules.ts';

function verdicts(request: RuleRequest, ...written: WrittenRule[]) {
  const rules = rulesOf(...written);
  const plan = compileRules(rules).plan(request, worldOf());
  return judgedRules(rules, request, worldOf(), plan).map(({ name, verdict }) => [name, verdict]);
}

const then = { route: 'direct' } as const;

test('of an exchange', () => {
  expect(
    verdicts(
      exchangeOf('http://a.example/x'),
      { name: 'first', when: { host: 'a.example' }, then },
      { name: 'second', then },
      { name: 'other host', when: { host: 'b.example', method: 'GET' }, then },
      { name: 'other method', when: { host: 'a.example', method: 'POST', path: '/y' }, then },
      { name: 'not', when: { host: 'a.example', not: { path: '/x' } }, then },
      { name: 'later', when: { response: { status: 404 } }, then: { cache: 'bypass' } },
      { enabled: false, then },
    ),
  ).toEqual([
    ['first', { kind: 'takes-part' }],
    ['second', { kind: 'outdone' }],
    ['other host', { kind: 'fails', condition: 'host' }],
    ['other method', { kind: 'fails', condition: 'method' }],
    ['not', { kind: 'fails', condition: 'not' }],
    ['later', { kind: 'takes-part' }],
    ['rule 7', { kind: 'disabled' }],
  ]);
});

test('of a tunnel', () => {
  expect(
    verdicts(
      tunnelOf('a.example'),
      { name: 'host', when: { host: 'a.example' }, then },
      { name: 'path', when: { host: 'a.example', path: '/x' }, then },
      { name: 'other path', when: { host: 'b.example', path: '/x' }, then },
      { name: 'not', when: { not: { method: 'GET' } }, then },
      { name: 'later', when: { response: { status: 404 } }, then: { log: 'off' } },
      { name: 'fields', then: { request: { remove: 'cookie' } } },
    ),
  ).toEqual([
    ['host', { kind: 'takes-part' }],
    ['path', { kind: 'unseen', condition: 'path' }],
    ['other path', { kind: 'fails', condition: 'host' }],
    ['not', { kind: 'unseen', condition: 'not.method' }],
    ['later', { kind: 'unseen', condition: 'response' }],
    ['fields', { kind: 'outdone' }],
  ]);
});
