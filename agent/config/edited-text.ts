// A configuration's text with changed values: comments stay, and no line is written anew that is not meant.
import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  modify,
  type Node,
  parseTree,
  type Edit as TextEdit,
} from 'jsonc-parser';

/** A value put at a path; `undefined` removes what is there. A number in the path is an index; -1 goes on a list's end. */
export interface Edit {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** How a text indents and ends its lines. */
interface Manner {
  readonly unit: string;
  readonly eol: string;
}

/** The text with its edits, one after the other, in its own manner. The text has to be right. */
export function editedText(text: string, edits: readonly Edit[]): string {
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const manner: Manner = {
    unit: /\n([ \t]+)["}]/.exec(text)?.[1] ?? '  ',
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
  return mark + edits.reduce((edited, edit) => withEdit(edited, edit, manner), text.slice(mark.length));
}

function withEdit(given: string, { path, value }: Edit, manner: Manner): string {
  const text = withRoot(given, manner.eol);
  const tree = parseTree(text, [], { allowTrailingComma: true }) as Node;
  if (value === undefined) return without(text, path, manner);
  const there = path.at(-1) === -1 ? undefined : findNodeAtLocation(tree, [...path]);
  if (there !== undefined) return applyEdits(text, [replaced(text, there, value, manner)]);
  // What is not there yet begins below the deepest that is.
  let depth = path.length - 1;
  while (depth > 0 && !isContainer(findNodeAtLocation(tree, path.slice(0, depth)))) depth--;
  const container = findNodeAtLocation(tree, path.slice(0, depth)) as Node;
  const content = path.slice(depth + 1).reduceRight<unknown>(wrapped, value);
  const key = path[depth];
  return applyEdits(text, inserted(text, container, typeof key === 'string' ? key : undefined, content, manner));
}

/** A text of white space and comments gets an object behind them. */
function withRoot(text: string, eol: string): string {
  if (parseTree(text, [], { allowEmptyContent: true, allowTrailingComma: true }) !== undefined) return text;
  return `${text}${text === '' || text.endsWith('\n') ? '' : eol}{}${eol}`;
}

function without(text: string, path: Edit['path'], { unit, eol }: Manner): string {
  const insertSpaces = !unit.startsWith('\t');
  const formattingOptions = { insertSpaces, tabSize: insertSpaces ? unit.length : 1, eol };
  return applyEdits(text, modify(text, [...path], undefined, { formattingOptions }));
}

function isContainer(node: Node | undefined): boolean {
  return node?.type === 'object' || node?.type === 'array';
}

function wrapped(value: unknown, key: string | number): unknown {
  return typeof key === 'number' ? [value] : { [key]: value };
}

function replaced(text: string, node: Node, value: unknown, { unit, eol }: Manner): TextEdit {
  const isOneLine = node.children !== undefined && !textOf(text, node).includes('\n');
  const content = isOneLine ? onOneLine(value) : onLines(value, indentationAt(text, node.offset), unit, eol);
  return { offset: node.offset, length: node.length, content };
}

/** One more member behind the others, in the manner of the container: in its line, or on a line of its own. */
function inserted(
  text: string,
  container: Node,
  key: string | undefined,
  value: unknown,
  { unit, eol }: Manner,
): TextEdit[] {
  const last = container.children?.at(-1);
  const outer = indentationAt(text, container.offset);
  const isOneLine = last !== undefined && !textOf(text, container).includes('\n');
  const indentation = last === undefined ? outer + unit : (ownIndentation(text, last.offset) ?? outer + unit);
  const named = key === undefined ? '' : `${JSON.stringify(key)}: `;
  const member = named + (isOneLine ? onOneLine(value) : onLines(value, indentation, unit, eol));
  if (last === undefined) {
    const inner = text.slice(container.offset + 1, container.offset + container.length - 1);
    const kept = inner.trimEnd();
    const content = `${eol}${indentation}${member}${eol}${outer}`;
    return [{ offset: container.offset + 1 + kept.length, length: inner.length - kept.length, content }];
  }
  const separator = isOneLine ? ' ' : eol + indentation;
  const { at, hasComma } = behind(text, last);
  if (hasComma) return [{ offset: at, length: 0, content: `${separator}${member},` }];
  return [
    { offset: last.offset + last.length, length: 0, content: ',' },
    { offset: at, length: 0, content: separator + member },
  ];
}

/** Where something may stand behind the last member: behind the comma that may follow it, and the comments in its line. */
function behind(text: string, last: Node): { readonly at: number; readonly hasComma: boolean } {
  const scanner = createScanner(text);
  scanner.setPosition(last.offset + last.length);
  let [at, hasComma, isSameLine] = [last.offset + last.length, false, true];
  for (;;) {
    scanner.scan();
    const [begin, end] = [scanner.getTokenOffset(), scanner.getTokenOffset() + scanner.getTokenLength()];
    const token = text.slice(begin, end);
    const isComment = /^\/[/*]/.test(token);
    const isComma = token === ',' && !hasComma;
    if (isComma) hasComma = true;
    if (isComma || (isComment && isSameLine)) at = end;
    if (/^[\r\n]/.test(token)) isSameLine = false;
    else if (!isComma && !isComment && !/^[ \t]/.test(token)) return { at, hasComma };
  }
}

function textOf(text: string, { offset, length }: Node): string {
  return text.slice(offset, offset + length);
}

/** The white space at the beginning of the line. */
function indentationAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

/** The same where nothing else stands before the place in its line. */
function ownIndentation(text: string, offset: number): string | undefined {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return before.trim() === '' ? before : undefined;
}

function onLines(value: unknown, indentation: string, unit: string, eol: string): string {
  return JSON.stringify(value, undefined, unit).replaceAll('\n', eol + indentation);
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${onOneLine(each)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
