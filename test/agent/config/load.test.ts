// Every mistake in a configuration file is told with its line, its column and what would be right.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Loaded, loadConfig, parseConfig } from '../../../agent/config/load.ts';
import { config } from '../../../schemas/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgehop-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('what is right', () => {
  test.each([
    ['an empty file', ''],
    ['white space', ' \r\n'],
    ['a comment', '// nothing yet\n'],
    ['an empty object', '{}'],
  ])('%s is all defaults', (_, text) => {
    expect(parseConfig(text, 'f')).toEqual({ kind: 'loaded', config: config.parse({}), path: 'f' });
  });

  test.each([
    ['comments', '{ /* here */ "log": "json" // there\n}'],
    ['trailing commas', '{ "admit": { "destinations": { "allow": ["a.example",], }, }, "log": "json", }'],
    ['the line ends of Windows', '{\r\n"log": "json"\r\n}'],
  ])('a file may have %s', (_, text) => {
    expect(parseConfig(text, 'f')).toMatchObject({ kind: 'loaded', config: { log: 'json' } });
  });
});

describe('what is wrong', () => {
  test.each([
    ['text after the end', '{}\n{}', 2, 1, 'This is not JSON: end of file expected.'],
    ['a missing comma', '{\n  "log": "json"\n  "annotate": true\n}', 3, 3, 'This is not JSON: comma expected.'],
    ['an end too early', '{ "log": "json"', 1, 16, 'This is not JSON: close brace expected.'],
    ['single quotes', "{ 'log': 1 }", 1, 3, 'This is not JSON: invalid symbol.'],
    ['a list', '[]', 1, 1, 'The file: Invalid input: expected object, received array.'],
    ['null', 'null', 1, 1, 'The file: Invalid input: expected object, received null.'],
    [
      'a value of the wrong kind',
      '{\n  "listen": {\n    "port": "8080"\n  }\n}',
      3,
      5,
      '"listen.port": Invalid input: expected number, received string.',
    ],
    [
      'a value that is too large',
      '{ "listen": { "port": 65536 } }',
      1,
      15,
      '"listen.port": Too big: expected number to be <=65535.',
    ],
    [
      'a word that is not known',
      '{\n\n"log": "xml" }',
      3,
      1,
      '"log": Invalid option: expected one of "pretty"|"json"|"quiet".',
    ],
    ['none of several kinds', '{ "cache": { "agent": true } }', 1, 14, '"cache.agent": it is false, or a section.'],
    [
      'an unknown key of a section that could be something else',
      '{ "cache": { "agent": { "memorybytes": 1 } } }',
      1,
      25,
      'Unknown key "cache.agent.memorybytes". Did you mean "memoryBytes"?',
    ],
    [
      'a wrong value there',
      '{ "cache": { "agent": { "memoryBytes": 0 } } }',
      1,
      25,
      '"cache.agent.memoryBytes": Too small: expected number to be >0.',
    ],
    ['an unknown key, almost right', '{\n  "lsiten": {}\n}', 2, 3, 'Unknown key "lsiten". Did you mean "listen"?'],
    [
      'an unknown key below',
      '{\n  "limits": { "maxheadbytes": 1 } }',
      2,
      15,
      'Unknown key "limits.maxheadbytes". Did you mean "maxHeadBytes"?',
    ],
    [
      'an unknown key like no other',
      '{ "listen": { "nonsense": 1 } }',
      1,
      15,
      'Unknown key "listen.nonsense". Known here: host, port, controlPort.',
    ],
    [
      'a value in a list',
      '{ "admit": { "destinations": { "allow": [\n"a.example",\n  7] } } }',
      3,
      3,
      '"admit.destinations.allow[1]": Invalid input: expected string, received number.',
    ],
    [
      'an unknown key in a list',
      '{ "edge": { "edges": [ {\n"name": "a", "url": "https://a.example", "token": "0123456789abcdef", "secret": 1 } ] } }',
      2,
      71,
      'Unknown key "edge.edges[0].secret". Known here: name, url, token.',
    ],
    [
      'a key that is known though it has no default',
      '{ "parents": { "htps": "http://proxy.example:3128" } }',
      1,
      16,
      'Unknown key "parents.htps". Did you mean "https"?',
    ],
    [
      'an edge with a path',
      '{ "edge": { "edges": [ {\n"name": "a",\n"url": "https://a.example/v1", "token": "0123456789abcdef" } ] } }',
      3,
      1,
      '"edge.edges[0].url": an edge has a scheme, a host and perhaps a port, no path and no userinfo: put its token in "token".',
    ],
    [
      'a key that stands twice',
      '{\n"log": "json",\n"log": "quiet"\n}',
      3,
      1,
      'The key "log" stands twice: remove one of them.',
    ],
    [
      'a section that stands twice',
      '{ "listen": { "port": 1 },\n  "listen": {} }',
      2,
      3,
      'The key "listen" stands twice: remove one of them.',
    ],
    [
      'a key that stands twice in a list, whatever else is wrong',
      '{ "edge": { "edges": [ {\n"name": 1, "name": "a" } ] } }',
      2,
      12,
      'The key "name" stands twice: remove one of them.',
    ],
    [
      'a missing key',
      '{ "edge": { "edges": [\n { "name": "a", "url": "https://a.example" } ] } }',
      2,
      2,
      '"edge.edges[0].token" is missing: it is a string.',
    ],
  ])('%s', (_, text, line, column, message) => {
    expect(parseConfig(text, 'f')).toEqual({ kind: 'wrong', path: 'f', mistakes: [{ line, column, message }] });
  });

  test('every mistake is told, not only the first', () => {
    const text = '{\n"log": 1,\n"anotate": true,\n"listen": { "port": -1 }\n}';
    expect(placesOf(parseConfig(text, 'f'))).toEqual(['2:1', '3:1', '4:13']);
  });
});

describe('where it is looked for', () => {
  const paths = { config: join(folder, 'home'), state: join(folder, 'state'), cache: join(folder, 'cache') };
  const here = join(folder, 'here');
  mkdirSync(here);
  mkdirSync(paths.config);

  test('without a file all is default', () => {
    expect(loadConfig(undefined, paths, here)).toEqual({ kind: 'loaded', config: config.parse({}), path: undefined });
  });

  test('the working directory comes before the user’s folder', () => {
    writeFileSync(join(paths.config, 'edgehop.jsonc'), '{ "log": "quiet" }');
    expect(loadConfig(undefined, paths, here)).toMatchObject({ config: { log: 'quiet' } });
    writeFileSync(join(here, 'edgehop.jsonc'), '{ "log": "json" }');
    expect(loadConfig(undefined, paths, here)).toMatchObject({ config: { log: 'json' } });
  });

  test('a file may begin with the mark that Windows editors put there', () => {
    writeFileSync(join(here, 'windows.jsonc'), '\ufeff{ "log": "json" }');
    expect(loadConfig('windows.jsonc', paths, here)).toMatchObject({ kind: 'loaded', config: { log: 'json' } });
  });

  test('a named file is read from the working directory, and must be there', () => {
    writeFileSync(join(here, 'mine.jsonc'), '{ "annotate": false }');
    expect(loadConfig('mine.jsonc', paths, here)).toMatchObject({ config: { annotate: false, log: 'pretty' } });
    expect(loadConfig('yours.jsonc', paths, here)).toEqual({
      kind: 'wrong',
      path: join(here, 'yours.jsonc'),
      mistakes: [{ line: 1, column: 1, message: 'There is no such file.' }],
    });
  });
});

function placesOf(loaded: Loaded): string[] {
  return loaded.kind === 'wrong' ? loaded.mistakes.map(({ line, column }) => `${line}:${column}`).sort() : [];
}

describe('what is wrong only as a whole', () => {
  test.each([
    [
      'a condition written without brackets',
      '{ "rules": [\n  { "when": { "domain": "co.uk" }, "then": { "block": "drop" } }\n] }',
      [2, 15, '"rules[0].when.domain": nobody can register it'],
    ],
    [
      'one of several',
      '{ "rules": [\n  { "when": { "client": ["::1",\n   "10.0.0.1/8"] }, "then": { "block": "drop" } }\n] }',
      [3, 4, '"rules[0].when.client[1]": it is no address and no range'],
    ],
    [
      'a name that leads nowhere',
      '{ "reverse": [{ "host": "a",\n  "pool": "app" }] }',
      [2, 3, '"reverse[0].pool": there is no pool "app"'],
    ],
    [
      'a redirect that leads in a circle',
      '{ "rules": [{ "then": { "redirect":\n { "to": "{url}" } } }] }',
      [
        1,
        25,
        '"rules[0].then.redirect": the redirects of the rule "rule 1" lead in a circle, for instance from http://',
      ],
    ],
  ] as const)('%s', (_, text, [line, column, words]) => {
    const loaded = parseConfig(text, 'f'); // configMistakes has a test of its own
    expect(loaded.kind === 'wrong' ? loaded.mistakes : []).toEqual([
      { line, column, message: expect.stringContaining(words) },
    ]);
  });
});
