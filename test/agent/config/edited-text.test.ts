// A changed text keeps its comments, its manner, and every line that is not meant.
import { describe, expect, test } from 'vitest';
import { type Edit, editedText } from '../../../agent/config/edited-text.ts';
import { parseConfig } from '../../../agent/config/load.ts';

const quiet: Edit = { path: ['log'], value: 'quiet' };
const allow = (value: string): Edit => ({ path: ['admit', 'destinations', 'allow', -1], value });

const commented = `// before
{
  // of the log
  "log": "json", /* behind it */
  "admit": { // of admit
    "destinations": {
      "allow": [
        "a.example", // the first
        // the last
        "b.example", // with a comma
      ],
    },
  },
  // at the end
}
// after
`;

const commentsOf = (text: string) => text.match(/\/\/[^\r\n]*|\/\*[^*]*\*\//g);

describe('a text', () => {
  test.each([
    ['a value', quiet, (text: string) => text.replace('"json"', '"quiet"')],
    [
      'a member of a list',
      { path: ['admit', 'destinations', 'allow', 0], value: 'c.example' },
      (text: string) => text.replace('a.example', 'c.example'),
    ],
  ] as const)('keeps everything but %s', (_, edit, expected) => {
    expect(editedText(commented, [edit])).toBe(expected(commented));
  });

  test.each([
    ['a new key', { path: ['annotate'], value: false }, { annotate: false }],
    ['a new section', { path: ['listen', 'port'], value: 1 }, { listen: { port: 1 } }],
    [
      'one more member of a list',
      allow('c.example'),
      { admit: { destinations: { allow: ['a.example', 'b.example', 'c.example'] } } },
    ],
    [
      'a list that is not there yet',
      { path: ['admit', 'clients', 'deny', -1], value: '192.0.2.7' },
      { admit: { clients: { deny: ['192.0.2.7'] } } },
    ],
  ] as const)('with %s keeps its comments, and is right', (_, edit, config) => {
    const edited = editedText(commented, [edit]);
    expect(parseConfig(edited, 'f')).toMatchObject({ kind: 'loaded', config });
    expect(commentsOf(edited)).toEqual(commentsOf(commented));
    const lines = commented.split('\n').filter((line) => !line.includes('"log"') && !line.includes('"b.example"'));
    for (const line of lines) expect(edited).toContain(line.replace(/,$/, ''));
  });

  test('without a key loses the comments on that key only', () => {
    const edited = editedText(commented, [{ path: ['log'], value: undefined }]);
    expect(parseConfig(edited, 'f')).toMatchObject({ kind: 'loaded', config: { log: 'pretty' } });
    const others = commentsOf(commented)?.filter((comment) => !/of the log|behind it/.test(comment));
    expect(commentsOf(edited)).toEqual(others);
  });

  test('keeps the line ends of Windows', () => {
    const edited = editedText(commented.replaceAll('\n', '\r\n'), [
      quiet,
      allow('c.example'),
      { path: ['annotate'], value: true },
    ]);
    expect(edited).not.toMatch(/[^\r]\n/);
    expect(parseConfig(edited, 'f').kind).toBe('loaded');
  });

  test('keeps its indentation by tabs', () => {
    const text = '{\n\t"log": "json",\n\t"admit": {\n\t\t"destinations": {}\n\t}\n}\n';
    expect(editedText(text, [allow('a.example')])).toBe(
      '{\n\t"log": "json",\n\t"admit": {\n\t\t"destinations": {\n\t\t\t"allow": [\n\t\t\t\t"a.example"\n\t\t\t]\n\t\t}\n\t}\n}\n',
    );
  });

  test('keeps its indentation by four spaces, and the mark of Windows editors', () => {
    expect(editedText('\ufeff{\n    "annotate": true\n}', [quiet])).toBe(
      '\ufeff{\n    "annotate": true,\n    "log": "quiet"\n}',
    );
  });

  test.each([
    ['an empty file', '', '{\n  "log": "quiet"\n}\n'],
    ['a file of comments', '// nothing yet', '// nothing yet\n{\n  "log": "quiet"\n}\n'],
    ['an empty object', '{}', '{\n  "log": "quiet"\n}'],
  ])('%s gets what it lacks', (_, text, expected) => {
    expect(editedText(text, [quiet])).toBe(expected);
  });
});

describe('what stands beside the edit stays as it is written', () => {
  const entry = { name: 'a', hash: 'b' };
  test.each([
    [
      'a section in one line',
      '{\n  "reverse": [{ "host": "*", "pool": "app" }],\n  "pools": {}\n}',
      { path: ['admit', 'credentials', -1], value: entry },
      '{\n  "reverse": [{ "host": "*", "pool": "app" }],\n  "pools": {},\n  "admit": {\n    "credentials": [\n      {\n        "name": "a",\n        "hash": "b"\n      }\n    ]\n  }\n}',
    ],
    [
      'a file in one line',
      '{ "log": "json" }',
      { path: ['annotate'], value: true },
      '{ "log": "json", "annotate": true }',
    ],
    [
      'a list in one line',
      '{ "a": [1, 2] }',
      { path: ['a', -1], value: entry },
      '{ "a": [1, 2, { "name": "a", "hash": "b" }] }',
    ],
    [
      'an entry in one line',
      '{ "a": [{ "name": "a" }] }',
      { path: ['a', 0], value: entry },
      '{ "a": [{ "name": "a", "hash": "b" }] }',
    ],
    ['a comma at the end', '{\n  "a": 1,\n}', { path: ['b'], value: 2 }, '{\n  "a": 1,\n  "b": 2,\n}'],
    [
      'a comment behind the last',
      '{\n  "a": 1 // one\n}',
      { path: ['b'], value: 2 },
      '{\n  "a": 1, // one\n  "b": 2\n}',
    ],
    [
      'a comment behind its comma',
      '{\n  "a": 1, // one\n}',
      { path: ['b'], value: 2 },
      '{\n  "a": 1, // one\n  "b": 2,\n}',
    ],
    [
      'a comment at the end',
      '{\n  "a": 1\n  // end\n}',
      { path: ['b'], value: 2 },
      '{\n  "a": 1,\n  "b": 2\n  // end\n}',
    ],
    ['a comment alone', '{\n  // none\n}', { path: ['b'], value: 2 }, '{\n  // none\n  "b": 2\n}'],
    [
      'an empty section',
      '{\n  "a": {},\n  "c": 1\n}',
      { path: ['a', 'b'], value: 2 },
      '{\n  "a": {\n    "b": 2\n  },\n  "c": 1\n}',
    ],
    [
      'a comma on a line of its own',
      '{\n  "a": 1\n  ,\n}',
      { path: ['b'], value: 2 },
      '{\n  "a": 1\n  ,\n  "b": 2,\n}',
    ],
    [
      'odd indentation',
      '{\n   "a": {\n      "b": 1 }\n}',
      { path: ['a', 'c'], value: 2 },
      '{\n   "a": {\n      "b": 1,\n      "c": 2 }\n}',
    ],
  ] as const)('%s', (_, text, edit, expected) => {
    expect(editedText(text, [edit])).toBe(expected);
  });

  test('comments in every place', () => {
    const text =
      '/*1*/{/*2*/"log"/*3*/:/*4*/"json"/*5*/,/*6*/"admit"/*7*/:/*8*/{/*9*/"destinations":{"allow":/*10*/[/*11*/"a"/*12*/]/*13*/}}/*14*/}/*15*/';
    const edits: Edit[] = [
      quiet,
      allow('b'),
      { path: ['annotate'], value: false },
      { path: ['listen', 'port'], value: 1 },
    ];
    const edited = editedText(text, edits);
    expect(commentsOf(edited)).toEqual(commentsOf(text));
    expect(parseConfig(edited, 'f')).toMatchObject({
      config: { log: 'quiet', annotate: false, listen: { port: 1 }, admit: { destinations: { allow: ['a', 'b'] } } },
    });
  });
});
