// Finds, reads and judges the configuration file, and says where in it a mistake stands.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { configMistakes } from '../../http/plan/mistakes.ts';
import { type Config, config } from '../../schemas/config.ts';
import { accessMistakes } from './access-mistakes.ts';
import { type Mistake, mistakeAt, mistakesOf, position } from './mistakes.ts';
import { pacMistakes } from './pac-mistakes.ts';
import type { Paths } from './paths.ts';
import { registrableDomain } from './registrable-domain.ts';

export type Loaded =
  | {
      readonly kind: 'loaded';
      readonly config: Config /** Nothing when there is no file and all is default. */;
      readonly path: string | undefined;
    }
  | { readonly kind: 'wrong'; readonly path: string; readonly mistakes: readonly Mistake[] };

/** The configuration file where none is named. */
export const fileName = 'edgehop.jsonc';

/** The configuration from the named file, else from the first found: working directory, then the user's folder. */
export function loadConfig(named: string | undefined, paths: Paths, workingDirectory: string): Loaded {
  if (named !== undefined) {
    const path = resolve(workingDirectory, named);
    const text = readIfThere(path);
    if (text === undefined)
      return { kind: 'wrong', path, mistakes: [{ line: 1, column: 1, message: 'There is no such file.' }] };
    return parseConfig(text, path);
  }
  for (const folder of [workingDirectory, paths.config]) {
    const path = join(folder, fileName);
    const text = readIfThere(path);
    if (text !== undefined) return parseConfig(text, path);
  }
  return { kind: 'loaded', config: config.parse({}), path: undefined };
}

/** The configuration that a text holds: JSON with comments and trailing commas. An empty text is all defaults. */
export function parseConfig(text: string, path: string): Loaded {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const [error] = errors;
  if (error !== undefined)
    return wrong(path, [
      { ...position(text, error.offset), message: `This is not JSON: ${inWords(printParseErrorCode(error.error))}.` },
    ]);
  const doubled = doubledKeys(tree, text);
  if (doubled.length > 0) return wrong(path, doubled);
  const parsed = config.safeParse(tree === undefined ? {} : getNodeValue(tree));
  if (!parsed.success) return wrong(path, mistakesOf(parsed.error.issues, { text, tree }));
  const mistakes = [
    ...configMistakes(parsed.data, { registrableDomain }),
    ...accessMistakes(parsed.data),
    ...pacMistakes(parsed.data),
  ];
  if (mistakes.length === 0) return { kind: 'loaded', config: parsed.data, path };
  return wrong(
    path,
    mistakes.map((mistake) => mistakeAt(asWritten(mistake.path, tree), mistake.message, { text, tree })),
  );
}

/** A list of one member may be written without its brackets: then the member stands where the list would. */
function asWritten(path: readonly (string | number)[], tree: Node | undefined): readonly (string | number)[] {
  const isThere = tree !== undefined && findNodeAtLocation(tree, [...path]) !== undefined;
  return isThere || path.at(-1) !== 0 ? path : path.slice(0, -1);
}

/** A key that an object has twice: some programs take the first, others the last. RFC 8259 4. */
function doubledKeys(node: Node | undefined, text: string): Mistake[] {
  const children = node?.children ?? [];
  const names = children.map((child) => (child.type === 'property' ? String(child.children?.[0]?.value) : undefined));
  return children.flatMap((child, at) => {
    const isDoubled = names[at] !== undefined && names.indexOf(names[at]) < at;
    const message = `The key "${names[at]}" stands twice: remove one of them.`;
    return [...(isDoubled ? [{ ...position(text, child.offset), message }] : []), ...doubledKeys(child, text)];
  });
}

function wrong(path: string, mistakes: readonly Mistake[]): Loaded {
  const inOrder = [...mistakes].sort((one, other) => one.line - other.line || one.column - other.column);
  return { kind: 'wrong', path, mistakes: inOrder };
}

function inWords(code: string): string {
  return code
    .replace(/([A-Z])/g, ' $1')
    .trim()
    .toLowerCase();
}

/** The text of a file; nothing where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, ''); // Windows editors begin a file with this mark
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
