// The configuration file is edited as a careful person would: comments stay where they are, and nobody ever reads half of it.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { editConfigFile } from '../../../agent/config/edit.ts';
import type { Edit } from '../../../agent/config/edited-text.ts';

const root = mkdtempSync(join(tmpdir(), 'edgehop-edit-'));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(root, String(++count));
  mkdirSync(folder);
});

const inFolder = (name: string) => join(folder, name);
const quiet: Edit = { path: ['log'], value: 'quiet' };

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

describe('a file', () => {
  test('is replaced, with its mode, and nothing is left beside it', () => {
    writeFileSync(inFolder('a.jsonc'), commented);
    chmodSync(inFolder('a.jsonc'), 0o640);
    expect(editConfigFile(inFolder('a.jsonc'), [quiet])).toEqual({
      kind: 'written',
      path: inFolder('a.jsonc'),
      isNew: false,
    });
    expect(readFileSync(inFolder('a.jsonc'), 'utf8')).toBe(commented.replace('"json"', '"quiet"'));
    expect(statSync(inFolder('a.jsonc')).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['a.jsonc']);
  });

  test('that is not there is made, with its folder, for its owner only', () => {
    const path = inFolder('new/b.jsonc');
    expect(editConfigFile(path, [quiet])).toMatchObject({ kind: 'written', isNew: true });
    expect(readFileSync(path, 'utf8')).toBe('{\n  "log": "quiet"\n}\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['that is there', true],
    ['that is not there yet', false],
  ])('%s behind a symbolic link is edited, and the link stays', (_, isThere) => {
    mkdirSync(inFolder('real'));
    if (isThere) writeFileSync(inFolder('real/c.jsonc'), '{}');
    symlinkSync('real/c.jsonc', inFolder('link.jsonc'));
    expect(editConfigFile(inFolder('link.jsonc'), [quiet])).toMatchObject({ kind: 'written', isNew: !isThere });
    expect(lstatSync(inFolder('link.jsonc')).isSymbolicLink()).toBe(true);
    expect(readFileSync(inFolder('real/c.jsonc'), 'utf8')).toContain('quiet');
  });

  test('that would not be right is left as it is', () => {
    writeFileSync(inFolder('a.jsonc'), commented);
    const refused = editConfigFile(inFolder('a.jsonc'), [{ path: ['listen', 'port'], value: 65536 }]);
    expect(refused).toMatchObject({
      kind: 'refused',
      because: 'after',
      mistakes: [{ message: expect.stringContaining('listen.port') }],
    });
    expect(readFileSync(inFolder('a.jsonc'), 'utf8')).toBe(commented);
    expect(readdirSync(folder)).toEqual(['a.jsonc']);
  });

  test.each(['{ "log": "json"', '{ "lgo": "json" }', '{ "log": "json", "log": "json" }'])(
    'that is not right already, %s, is left as it is',
    (text) => {
      writeFileSync(inFolder('a.jsonc'), text);
      expect(editConfigFile(inFolder('a.jsonc'), [quiet])).toMatchObject({ kind: 'refused', because: 'before' });
      expect(readFileSync(inFolder('a.jsonc'), 'utf8')).toBe(text);
    },
  );

  test('that cannot be written is told by the system', () => {
    writeFileSync(inFolder('plain'), '');
    expect(() => editConfigFile(inFolder('plain/a.jsonc'), [quiet])).toThrow(/ENOTDIR|EEXIST/);
    expect(existsSync(inFolder('plain/a.jsonc'))).toBe(false);
  });
});
