// Which known word a mistyped one was probably meant to be.

/** The known word that is spelled most alike, or that goes on or leaves off where the other does not; nothing where none is near. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const word = given.toLowerCase();
  const [best] = known
    .map((name) => ({ name, distance: distanceTo(word, name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance);
  return best !== undefined && best.distance <= Math.max(2, given.length / 3) && best.distance < best.name.length
    ? best.name
    : undefined;
}

const leastInCommon = 3;

function distanceTo(word: string, name: string): number {
  const isBeginning =
    Math.min(word.length, name.length) >= leastInCommon && (word.startsWith(name) || name.startsWith(word));
  const distance = editDistance(word, name);
  return isBeginning ? Math.min(distance, 2) : distance;
}

/** Characters to insert, remove, replace, or to swap with their neighbour: optimal string alignment. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
