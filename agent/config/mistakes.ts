// Mistakes of a configuration file as people are told them: where they stand, what is wrong, and what was probably meant.
import { findNodeAtLocation, type Node } from 'jsonc-parser';
import type { config } from '../../schemas/config.ts';
import { keysAt } from './json-schema.ts';
import { nearest } from './nearest.ts';

export interface Mistake {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Names the key, says what is wrong and what would be right. */
  readonly message: string;
}

type Issue = NonNullable<ReturnType<typeof config.safeParse>['error']>['issues'][number];

type Path = readonly (string | number)[];

/** The text of a file with what the parser made of it. */
export interface Source {
  readonly text: string;
  readonly tree: Node | undefined;
}

/** What the issues of the schema come to. */
export function mistakesOf(issues: readonly Issue[], source: Source): readonly Mistake[] {
  const mistyped = issues.flatMap(({ code, path }) => (code === 'unrecognized_keys' ? [nameOf(pathOf(path))] : []));
  // Where a key is mistyped, what the object is said to lack is most often just that.
  const told = issues.filter(({ code, path }) => code !== 'custom' || !mistyped.includes(nameOf(pathOf(path))));
  return told.flatMap((issue) => mistakesOfOne(issue, source));
}

/** A union is told by the alternative that was probably meant. */
function mistakesOfOne(issue: Issue, source: Source): readonly Mistake[] {
  const path = pathOf(issue.path);
  if (issue.code === 'invalid_union') return unionMistakes(issue, path, source);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...positionOf([...path, key], source),
      message: `Unknown key "${nameOf([...path, key])}".${suggestedKey(key, path)}`,
    }));
  }
  if (issue.code === 'invalid_value')
    return [mistakeAt(path, withWord(issue.message, issue.values, path, source), source)];
  // What is wrong with a name of one's own choice is said of the name.
  if (issue.code === 'invalid_key') return [mistakeAt(path, issue.issues[0]?.message ?? issue.message, source)];
  if (issue.code === 'invalid_type' && path.length > 0 && nodeAt(path, source) === undefined) {
    const message = `"${nameOf(path)}" is missing: it is ${article(issue.expected)}.`;
    return [{ ...positionOf(path, source), message }];
  }
  return [mistakeAt(path, issue.message, source)];
}

/** A mistake in what stands at a path, or in what should stand there. `message` is a fragment without its full stop. */
export function mistakeAt(path: Path, message: string, source: Source): Mistake {
  const subject = path.length === 0 ? 'The file' : `"${nameOf(path)}"`;
  return { ...positionOf(path, source), message: `${subject}: ${message}${/[.?]$/.test(message) ? '' : '.'}` };
}

/** A place in a text, by its offset. */
export function position(text: string, offset: number): Omit<Mistake, 'message'> {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** `rules[3].when.host`. */
export function nameOf(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');
}

type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** Who writes an object means an object of the choice, who writes a text a text. */
function unionMistakes(issue: UnionIssue, path: Path, source: Source): readonly Mistake[] {
  if (issue.errors.length === 0) {
    const { options = [] } = issue as { readonly options?: readonly unknown[] }; // of a discriminator
    return [mistakeAt(path, withWord(oneOf(options), options, path, source), source)];
  }
  const fitting = issue.errors.filter((issues) => !issues.some(isOfAnotherKind));
  const within = (issues: readonly Issue[]) =>
    issues.flatMap((each) => mistakesOfOne({ ...each, path: [...issue.path, ...each.path] } as Issue, source));
  const unknownToAll = commonUnknownKeys(fitting);
  if (fitting.length > 0 && unknownToAll.length > 0) {
    return within([{ code: 'unrecognized_keys', keys: unknownToAll, path: [], message: '' } as unknown as Issue]);
  }
  const fewest = Math.min(...fitting.map(({ length }) => length));
  const [meant, ...others] = fitting.filter(({ length }) => length === fewest);
  if (meant !== undefined && others.length === 0) return within(meant);
  const { words, kinds } = wanted(issue.errors);
  const own = issue.message === 'Invalid input' ? undefined : issue.message;
  const message = own ?? (words.length > 0 ? oneOf(words) : `Invalid input: expected ${kinds.join(' or ')}`);
  return [mistakeAt(path, withWord(message, words, path, source), source)];
}

/** Whether an alternative of a union takes other values altogether: it says so of the whole value. */
function isOfAnotherKind({ code, path }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

function commonUnknownKeys(alternatives: readonly (readonly Issue[])[]): readonly string[] {
  const [first = [], ...others] = alternatives.map((issues) =>
    issues.flatMap((each) => (each.code === 'unrecognized_keys' && each.path.length === 0 ? each.keys : [])),
  );
  return others.length === 0 ? [] : first.filter((key) => others.every((keys) => keys.includes(key)));
}

/** What the alternatives of a union would take. */
function wanted(alternatives: readonly (readonly Issue[])[]) {
  const issues = alternatives.flat().filter(isOfAnotherKind);
  return {
    words: issues.flatMap((each) => (each.code === 'invalid_value' ? each.values : [])) as readonly unknown[],
    kinds: issues.flatMap((each) => (each.code === 'invalid_type' ? [each.expected] : [])),
  };
}

function oneOf(words: readonly unknown[]): string {
  return `Invalid option: expected one of ${words.map((each) => JSON.stringify(each)).join('|')}`;
}

function withWord(message: string, words: readonly unknown[], path: Path, source: Source): string {
  const given: unknown = nodeAt(path, source)?.value;
  const known = words.filter((each) => typeof each === 'string');
  const word = typeof given === 'string' ? nearest(given, known) : undefined;
  return word === undefined ? message : `${message}. Did you mean "${word}"?`;
}

/** The key of the same object that is spelled most alike, if any is. */
function suggestedKey(key: string, path: Path): string {
  const known = keysAt(path);
  const name = nearest(key, known);
  if (name !== undefined) return ` Did you mean "${name}"?`;
  return known.length > 0 ? ` Known here: ${known.join(', ')}.` : '';
}

function article(kind: string): string {
  return /^[aeio]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

function pathOf(path: readonly PropertyKey[]): Path {
  return path.map((part) => (typeof part === 'number' ? part : String(part)));
}

function nodeAt(path: Path, { tree }: Source): Node | undefined {
  return tree === undefined ? undefined : findNodeAtLocation(tree, [...path]);
}

function positionOf(path: Path, source: Source): Omit<Mistake, 'message'> {
  const node = nodeAt(path, source);
  // A key that is missing is told where the object that lacks it stands.
  if (node === undefined && path.length > 0) return positionOf(path.slice(0, -1), source);
  return position(source.text, (node?.parent?.type === 'property' ? node.parent : node)?.offset ?? 0);
}
