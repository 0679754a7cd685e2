// Files of JSON with comments, read by a schema.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as z from 'zod';
import { readJsonFile } from '../../../agent/config/json-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgehop-json-'));
afterAll(() => rmSync(folder, { recursive: true }));

const schema = z.array(z.strictObject({ a: z.number() }));

function read(text: string) {
  const path = join(folder, 'f.jsonc');
  writeFileSync(path, text);
  return readJsonFile(path, schema);
}

test('comments and trailing commas are read over', () => {
  expect(read('[ // one\n { "a": 1, }, ]')).toEqual({ kind: 'read', value: [{ a: 1 }] });
});

test.each([
  ['[\n {"a": "x"}]', 2, 3, '"[0].a": Invalid input: expected number, received string.'],
  ['[\n {"a": 1, "b": 2}]', 2, 2, '"[0]": Unrecognized key: "b".'],
  ['[\n {"a" 1}]', 2, 7, 'This is not JSON: colon expected.'],
  ['', 1, 1, 'This is not JSON: value expected.'],
])('%j is wrong at line %i, column %i', (text, line, column, message) => {
  expect(read(text)).toEqual({ kind: 'wrong', mistakes: [{ line, column, message }] });
});

test('a file that is not there is said to be so', () => {
  expect(readJsonFile(join(folder, 'nothing'), schema)).toMatchObject({
    mistakes: [{ line: 1, column: 1, message: 'There is no such file.' }],
  });
});
