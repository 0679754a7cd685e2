// The table of what rules mean together: each sentence of docs/rules.md about their order.
import type { RuleInput as WrittenRule } from '../../support/rules.ts';
import type { Ask, Expected, Row } from './row.ts';

const ask: Ask = { url: 'http://a.test/x' };
const tunnel = { to: 'a.test:ORIGIN' };
type Then = WrittenRule['then'];

/** Rules in this order. Without conditions they hold always. */
function rulesOf(
  given: Readonly<Record<string, Then | { readonly when: WrittenRule['when']; readonly then: Then }>>,
): readonly WrittenRule[] {
  return Object.entries(given).map(([name, each]) => ('then' in each ? { name, ...each } : { name, then: each }));
}

function seen(client: Expected['client'], origin: Expected['origin'], ...rules: readonly string[]): Expected {
  return { client, origin, rules };
}

export const orderRows: readonly Row[] = [
  {
    title: 'of two answers the first is given, whatever kind it is',
    rules: rulesOf({
      one: { respond: { text: 'one' } },
      two: { block: {} },
      three: { redirect: { to: 'http://b.test/' } },
    }),
    ask,
    expected: seen({ status: 200, content: 'one' }, null, 'one'),
    upgrade: seen({ status: 200, content: 'one' }, null, 'one'),
    tunnel: { ...tunnel, outcome: 403, rules: ['two'] },
  },
  {
    title: 'the first of a kind, though the second is narrower',
    rules: rulesOf({ wide: { block: { status: 451 } }, narrow: { when: { host: 'a.test' }, then: { block: {} } } }),
    ask,
    expected: seen({ status: 451 }, null, 'wide'),
    tunnel: { ...tunnel, outcome: 451, rules: ['wide'] },
  },
  {
    title: 'a rule may be first in one kind and outdone in another',
    rules: rulesOf({
      one: { request: { set: { 'x-one': '1' } } },
      two: { request: { set: { 'x-one': '2' } }, response: { set: { 'x-two': '2' } } },
    }),
    ask,
    expected: seen({ status: 200, fields: { 'x-two': '2' } }, { fields: { 'x-one': '1' } }, 'one', 'two'),
    upgrade: seen({ status: 101, fields: { 'x-two': '2' } }, { fields: { 'x-one': '1' } }, 'one', 'two'),
  },
  {
    title: 'each field is a kind of its own, in any case of its name',
    rules: rulesOf({
      one: { request: { set: { 'X-A': '1' } } },
      two: { request: { set: { 'x-a': '2', 'x-b': '2' }, remove: 'x-c' } },
      three: { request: { set: { 'x-c': '3' } }, response: { set: { 'x-a': '3' } } },
    }),
    ask: { ...ask, fields: ['X-C: 0'] },
    expected: seen(
      { status: 200, fields: { 'x-a': '3' } },
      { fields: { 'x-a': '1', 'x-b': '2', 'x-c': null } },
      'one',
      'two',
      'three',
    ),
  },
  {
    title: 'all changes of a name come from one rule: removed, set, added',
    rules: rulesOf({
      one: { request: { remove: 'x-a', add: { 'x-a': '3' }, set: { 'x-a': '2' } } },
      two: { request: { add: { 'x-a': '4' } } },
    }),
    ask: { ...ask, fields: ['X-A: 0'] },
    expected: seen({ status: 200 }, { fields: { 'x-a': '2, 3' } }, 'one'),
  },
  {
    title: 'what answers at once does so also behind a rule that waits for the response',
    rules: rulesOf({
      waits: { when: { response: { status: 200 } }, then: { block: { status: 410 } } },
      'at once': { respond: { text: 'now' } },
    }),
    ask,
    expected: seen({ status: 200, content: 'now' }, null, 'at once'),
  },
  {
    title: 'conditions are judged by the request as it came: not by changed fields',
    rules: rulesOf({
      sets: { request: { set: { 'x-a': '1' }, remove: 'x-b' } },
      'sees new': { when: { fields: { 'x-a': true } }, then: { block: {} } },
      'sees old': { when: { fields: { 'x-b': true } }, then: { response: { set: { 'x-seen': 'old' } } } },
    }),
    ask: { ...ask, fields: ['X-B: 1'] },
    expected: seen(
      { status: 200, fields: { 'x-seen': 'old' } },
      { fields: { 'x-a': '1', 'x-b': null } },
      'sets',
      'sees old',
    ),
    upgrade: seen(
      { status: 101, fields: { 'x-seen': 'old' } },
      { fields: { 'x-a': '1', 'x-b': null } },
      'sets',
      'sees old',
    ),
  },
  {
    title: 'conditions are judged by the request as it came: not by another URL',
    rules: rulesOf({
      moves: { when: { path: '/x' }, then: { rewrite: { to: 'http://ORIGIN/y' } } },
      again: { when: { path: '/y' }, then: { rewrite: { to: 'http://ORIGIN/z' } } },
      'sees new': { when: { path: '/y' }, then: { block: {} } },
      'sees old': { when: { host: 'a.test' }, then: { response: { set: { 'x-seen': 'old' } } } },
    }),
    ask,
    expected: seen({ status: 200, fields: { 'x-seen': 'old' } }, { target: '/y' }, 'moves', 'sees old'),
    upgrade: seen({ status: 101, fields: { 'x-seen': 'old' } }, { target: '/y' }, 'moves', 'sees old'),
  },
  {
    title: 'of the rules that wait the first whose conditions hold is taken, for each field',
    rules: rulesOf({
      none: { when: { response: { status: 404 } }, then: { response: { set: { 'x-a': '1' } } } },
      first: { when: { response: { status: '2xx' } }, then: { response: { set: { 'x-a': '2' } } } },
      second: { response: { set: { 'x-a': '3', 'x-b': '3' } } },
    }),
    ask,
    expected: seen({ status: 200, fields: { 'x-a': '2', 'x-b': '3' } }, {}, 'first', 'second'),
    upgrade: seen({ status: 101, fields: { 'x-a': '3', 'x-b': '3' } }, {}, 'second'),
  },
  {
    title: 'conditions on the response are judged by it as it came, not by changed fields',
    rules: rulesOf({
      sets: { response: { set: { 'content-type': 'text/html' } } },
      sees: { when: { response: { type: 'text/html' } }, then: { response: { set: { 'x-a': '1' } } } },
    }),
    ask,
    expected: seen({ status: 200, fields: { 'content-type': 'text/html', 'x-a': null } }, {}, 'sets'),
  },
  {
    title: 'answers of rules have the fields that they are given, and no others are changed',
    rules: rulesOf({
      answers: { respond: { text: 'own' } },
      edits: { response: { set: { 'x-a': '1' } }, request: { set: { 'x-b': '1' } } },
    }),
    ask,
    expected: seen({ status: 200, content: 'own', fields: { 'x-a': null } }, null, 'answers'),
  },
  {
    title: 'nor those of an answer in the place of a response',
    rules: rulesOf({
      answers: { when: { response: { status: 200 } }, then: { respond: { text: 'own' } } },
      edits: { response: { set: { 'x-a': '1' } } },
    }),
    ask,
    expected: seen({ status: 200, content: 'own', fields: { 'x-a': null } }, {}, 'answers'),
  },
  {
    title: 'beside an answer nothing counts but the log',
    rules: rulesOf({
      answers: { block: {} },
      quiet: { log: 'off' },
      other: { shape: 'offline', rewrite: { to: 'http://ORIGIN/other' }, cache: 'bypass', route: 'direct' },
    }),
    ask,
    expected: { ...seen({ status: 403 }, null), record: null },
    upgrade: { ...seen({ status: 403 }, null), record: null },
    tunnel: { ...tunnel, outcome: 403, rules: [], record: null },
  },
  {
    title: 'route, fallback and upstream are kinds of their own',
    rules: rulesOf({
      one: { upstream: 'socket' },
      two: { route: 'direct', upstream: 'fetch' },
      three: { route: 'edge', fallback: 'fail' },
    }),
    ask,
    expected: {
      ...seen({ status: 200 }, {}, 'one', 'two', 'three'),
      record: { route: { kind: 'direct', because: 'rule' } },
    },
    tunnel: { ...tunnel, outcome: 'open', rules: ['two', 'three'], record: { route: { kind: 'direct' } } },
  },
  {
    title: 'a tunnel heeds the rules that it can match, also behind others that come first',
    rules: rulesOf({
      deep: { when: { host: 'a.test', path: '/*' }, then: { block: {} } },
      inside: { when: { not: { method: 'GET' } }, then: { block: { status: 410 } } },
      both: { when: { host: 'a.test', port: [80, 443] }, then: { block: { status: 451 } } },
    }),
    ask,
    expected: seen({ status: 403 }, null, 'deep'),
    tunnel: { to: 'a.test:443', outcome: 451, rules: ['both'] },
  },
];
