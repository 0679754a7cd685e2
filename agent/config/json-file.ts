// Reads a JSON file with comments by a schema, and says where in it a mistake stands.
import { getNodeValue, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type * as z from 'zod';
import { readIfThere } from './load.ts';
import { type Mistake, mistakeAt, position } from './mistakes.ts';

export type JsonFile<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'wrong'; readonly mistakes: readonly Mistake[] };

/** The value that a file holds. */
export function readJsonFile<T extends z.ZodType>(path: string, schema: T): JsonFile<z.output<T>> {
  const text = readIfThere(path);
  if (text === undefined) return wrong({ line: 1, column: 1, message: 'There is no such file.' });
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const words = printParseErrorCode(error.error).replace(/([A-Z])/g, ' $1');
    return wrong({
      ...position(text, error.offset),
      message: `This is not JSON: ${words.trim().toLowerCase()}.`,
    });
  }
  const parsed = schema.safeParse(tree === undefined ? undefined : getNodeValue(tree));
  if (parsed.success) return { kind: 'read', value: parsed.data };
  const mistakes = parsed.error.issues.map(({ path: at, message }) =>
    mistakeAt(
      at.map((part) => (typeof part === 'number' ? part : String(part))),
      message,
      { text, tree },
    ),
  );
  return wrong(...mistakes);
}

function wrong(...mistakes: readonly Mistake[]): { readonly kind: 'wrong'; readonly mistakes: readonly Mistake[] } {
  return { kind: 'wrong', mistakes };
}
