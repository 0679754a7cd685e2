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
import { type Config, config } from '../../schemas/config.ts';
import { keysAt } from './json-schema.ts';
import type { Paths } from './paths.ts';

export type Loaded =
  | {
      readonly kind: 'loaded';
      readonly config: Config /** Nothing when there is no file and all is default. */;
      readonly path: string | undefined;
    }
  | { readonly kind: 'wrong'; readonly path: string; readonly mistakes: readonly Mistake[] };

export interface Mistake {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Names the key, says what is wrong and what would be right. */
  readonly message: string;
}

const fileName = 'edgehop.jsonc';

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
  if (parsed.success) return { kind: 'loaded', config: parsed.data, path };
  return wrong(
    path,
    parsed.error.issues.flatMap((issue) => mistakesOf(issue, text, tree)),
  );
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
  return { kind: 'wrong', path, mistakes };
}

type Issue = NonNullable<ReturnType<typeof config.safeParse>['error']>['issues'][number];

function mistakesOf(issue: Issue, text: string, tree: Node | undefined): Mistake[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'invalid_union' && isObjectAt(path, tree)) {
    // Who writes an object means the object of the choice.
    const inner = issue.errors.find((issues) => issues.some((each) => each.code !== 'invalid_value'));
    return (inner ?? []).flatMap((each) =>
      mistakesOf({ ...each, path: [...issue.path, ...each.path] } as Issue, text, tree),
    );
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...positionOf([...path, key], text, tree),
      message: `Unknown key "${[...path, key].join('.')}".${suggestion(key, path)}`,
    }));
  }
  return [
    {
      ...positionOf(path, text, tree),
      message: `${path.length === 0 ? 'The file' : `"${path.join('.')}"`}: ${issue.message}.`,
    },
  ];
}

function isObjectAt(path: (string | number)[], tree: Node | undefined): boolean {
  return tree !== undefined && findNodeAtLocation(tree, path)?.type === 'object';
}

function positionOf(path: (string | number)[], text: string, tree: Node | undefined): Omit<Mistake, 'message'> {
  const node = tree === undefined ? undefined : findNodeAtLocation(tree, path);
  // A key that is missing is told where the object that lacks it stands.
  if (node === undefined && path.length > 0) return positionOf(path.slice(0, -1), text, tree);
  return position(text, (node?.parent?.type === 'property' ? node.parent : node)?.offset ?? 0);
}

function position(text: string, offset: number): Omit<Mistake, 'message'> {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The key of the same object that is spelled most alike, if any is. */
function suggestion(key: string, path: readonly (string | number)[]): string {
  const known = keysAt(path);
  const nearest = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined && nearest.distance <= Math.max(2, key.length / 3))
    return ` Did you mean "${nearest.name}"?`;
  return known.length > 0 ? ` Known here: ${known.join(', ')}.` : '';
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row.at(-1) as number;
}

function inWords(code: string): string {
  return code
    .replace(/([A-Z])/g, ' $1')
    .trim()
    .toLowerCase();
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, ''); // Windows editors begin a file with this mark
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
