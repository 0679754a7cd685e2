// Mistakes within rules, lists and pools: each is told where it stands, by the alternative that was meant, with a suggestion.
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../agent/config/load.ts';
import { nameOf } from '../../../agent/config/mistakes.ts';

/** Line, column and words of every mistake of a file. */
function told(text: string): readonly string[] {
  const loaded = parseConfig(text, 'f');
  if (loaded.kind === 'loaded') return [];
  return loaded.mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** Those of a rule that stands alone on the second line. */
const ofRule = (rule: string) => told(`{ "rules": [\n${rule}] }`);

test('what is right has none', () => {
  const rule = '{ "when": { "host": ["a.example", "*.b.example"] }, "then": { "block": "drop" } }';
  expect(ofRule(rule)).toEqual([]);
});

describe('a key of a rule', () => {
  test.each([
    ['when', '{ "when": { "hots": "a" }, "then": { "block": "drop" } }', '2:13', 'rules[0].when.hots', 'host'],
    [
      'not',
      '{ "when": { "not": { "metod": "GET" } }, "then": { "block": "drop" } }',
      '2:22',
      'rules[0].when.not.metod',
      'method',
    ],
    ['then', '{ "then": { "blok": "drop" } }', '2:13', 'rules[0].then.blok', 'block'],
    ['block', '{ "then": { "block": { "stauts": 403 } } }', '2:24', 'rules[0].then.block.stauts', 'status'],
    [
      'route',
      '{ "then": { "block": "drop", "route": { "edge": "a", "egde": 1 } } }',
      '2:54',
      'rules[0].then.route.egde',
      'edge',
    ],
    ['shape', '{ "then": { "shape": { "latencyms": 1 } } }', '2:24', 'rules[0].then.shape.latencyms', 'latencyMs'],
    [
      'a fault',
      '{ "then": { "shape": { "fault": { "kind": "reset", "afterbytes": 1 } } } }',
      '2:52',
      'rules[0].then.shape.fault.afterbytes',
      'afterBytes',
    ],
    [
      'a change of elements',
      '{ "then": { "transform": { "html": [{ "select": "a", "remov": true }] } } }',
      '2:54',
      'rules[0].then.transform.html[0].remov',
      'remove',
    ],
  ])('of %s, mistyped, is suggested', (_, rule, place, name, suggestion) => {
    expect(ofRule(rule)).toEqual([`${place} Unknown key "${name}". Did you mean "${suggestion}"?`]);
  });

  test.each([
    [
      'pools',
      '{ "pools": { "app": { "targets": [{ "url": "http://a.example" }], "balnce": "weighted" } } }',
      'pools.app.balnce',
      'balance',
    ],
    ['lists', '{ "lists": { "ads": { "fil": "ads.txt", "url": "http://a.example/" } } }', 'lists.ads.fil', 'file'],
    ['reverse', '{ "reverse": [{ "host": "*", "pol": "app", "pool": "app" }], "pools": {} }', 'reverse[0].pol', 'pool'],
  ])('of %s, too', (_, text, name, suggestion) => {
    expect(told(text)).toContainEqual(expect.stringContaining(`Unknown key "${name}". Did you mean "${suggestion}"?`));
  });
});

test('a name of one’s own that is not allowed is told why', () => {
  expect(ofRule('{ "then": { "response": { "set": { "content-length": "5" } } } }')).toEqual([
    expect.stringMatching(
      /^2:36 "rules\[0\]\.then\.response\.set\.content-length": this field frames the message .*\.$/,
    ),
  ]);
});

describe('a word', () => {
  test.each([
    [
      '{ "then": { "shape": "slow3g" } }',
      'shape',
      'it is one of edge, slow-3g, fast-3g, 4g, satellite, offline, or a section',
      'slow-3g',
    ],
    ['{ "then": { "block": "dorp" } }', 'block', 'it is "drop", or a section with a status', 'drop'],
    [
      '{ "then": { "cache": "bypas" } }',
      'cache',
      'it is "bypass", "validate", or a section with freshnessSeconds',
      'bypass',
    ],
    ['{ "then": { "log": "error" } }', 'log', 'Invalid option: expected one of "usual"|"errors"|"off"', 'errors'],
    [
      '{ "then": { "shape": { "fault": { "kind": "rest" } } } }',
      'shape.fault.kind',
      'Invalid option: expected one of "reset"|"timeout"|"truncate"|"slow-close"',
      'reset',
    ],
  ])('%s is suggested', (rule, name, what, suggestion) => {
    const [mistake, ...others] = ofRule(rule);
    expect(others).toEqual([]);
    expect(mistake).toContain(`"rules[0].then.${name}": ${what}. Did you mean "${suggestion}"?`);
  });

  test('within a list, and alone in its place', () => {
    const days = '"sun"|"mon"|"tue"|"wed"|"thu"|"fri"|"sat"';
    expect(ofRule('{ "when": { "weekday": ["sat", "sonday"] }, "then": { "block": "drop" } }')).toEqual([
      `2:32 "rules[0].when.weekday[1]": Invalid option: expected one of ${days}.`,
    ]);
    expect(ofRule('{ "when": { "weekday": "monday" }, "then": { "block": "drop" } }')).toEqual([
      `2:13 "rules[0].when.weekday": Invalid option: expected one of ${days}. Did you mean "mon"?`,
    ]);
  });
});

describe('a choice', () => {
  test.each([
    [
      'of which none fits',
      '{ "then": { "block": 3 } }',
      '"rules[0].then.block": it is "drop", or a section with a status.',
    ],
    [
      'of numbers',
      '{ "then": { "redirect": { "to": "http://a.example/", "status": 305 } } }',
      '"rules[0].then.redirect.status": Invalid option: expected one of 301|302|303|307|308.',
    ],
    [
      'of kinds of values',
      '{ "when": { "query": { "a": 3 } }, "then": { "block": "drop" } }',
      '"rules[0].when.query.a": Invalid input: expected boolean or string.',
    ],
    [
      'of patterns',
      '{ "when": { "response": { "status": "6xx" } }, "then": { "block": "drop" } }',
      '"rules[0].when.response.status": a status is a number, a class such as 5xx, or a range such as 500-504.',
    ],
    [
      'of objects between which nothing decides',
      '{ "then": { "transform": { "html": [{ "select": "a" }] } } }',
      '"rules[0].then.transform.html[0]": a change of elements has "select" and one of "remove", "replace", "append", "prepend" and "set".',
    ],
    [
      'of objects, of which one was meant',
      '{ "then": { "transform": { "html": [{ "select": "a", "replace": 4 }] } } }',
      '"rules[0].then.transform.html[0].replace": Invalid input: expected string, received number.',
    ],
  ])('%s', (_, rule, message) => {
    expect(ofRule(rule).map((each) => each.replace(/^\S+ /, ''))).toEqual([message]);
  });

  test('every member of a list is told by itself, in the order of the file', () => {
    expect(ofRule('{ "when": { "host": ["a b",\n 3] }, "then": { "block": { "status": 1 } } }')).toEqual([
      '2:22 "rules[0].when.host[0]": a host is a name, an address, or *.name, without a port.',
      '3:2 "rules[0].when.host[1]": Invalid input: expected string, received number.',
      '3:29 "rules[0].then.block.status": Too small: expected number to be >=400.',
    ]);
  });
});

test('what is missing is told where it is missed', () => {
  expect(ofRule('{ "name": "a" }')).toEqual(['2:1 "rules[0].then" is missing: it is an object.']);
});

test('a path is named as one would write it', () => {
  expect(nameOf(['rules', 3, 'when', 'host', 0])).toBe('rules[3].when.host[0]');
});
