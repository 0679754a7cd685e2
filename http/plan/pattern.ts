// Patterns of rules: `*` stands for any run of characters, everything else for itself, from the first character to the last.

/** Finds in one pass over the text: each piece between stars is looked for once, from where the one before it ended. */
export interface Pattern {
  /** How many `*` it has. */
  readonly stars: number;
  matches(text: string): boolean;
  /** What each `*` stands for, the earlier ones as short as can be; nothing where the text does not match. */
  captures(text: string): readonly string[] | undefined;
}

/** Reads a pattern. Every text is one. */
export function compilePattern(text: string): Pattern {
  const pieces = text.split('*');
  const head = pieces[0] as string;
  if (pieces.length === 1) {
    return { stars: 0, matches: (given) => given === text, captures: (given) => (given === text ? [] : undefined) };
  }
  const tail = pieces.at(-1) as string;
  const middle = pieces.slice(1, -1);
  const isFramed = (given: string) =>
    given.length >= head.length + tail.length && given.startsWith(head) && given.endsWith(tail);
  return {
    stars: pieces.length - 1,
    matches: (given) => isFramed(given) && holdsInOrder(given, middle, head.length, given.length - tail.length),
    captures: (given) =>
      isFramed(given) ? between(given, middle, head.length, given.length - tail.length) : undefined,
  };
}

/** Whether the pieces stand in the text one behind the other, within these bounds. Where any way fits, the leftmost does. */
function holdsInOrder(text: string, pieces: readonly string[], start: number, end: number): boolean {
  let at = start;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

function between(text: string, pieces: readonly string[], start: number, end: number): string[] | undefined {
  const runs: string[] = [];
  let at = start;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return undefined;
    runs.push(text.slice(at, found));
    at = found + piece.length;
  }
  return [...runs, text.slice(at, end)];
}
