// Remembers what a pure function said of the texts it was asked about lately: hosts and addresses come over and over.

const maxKeyCharacters = 256;

/** The function with a memory of at most `maxEntries` answers, the oldest of which go first. Long texts are not kept. */
export function remembered<T>(maxEntries: number, compute: (text: string) => T): (text: string) => T {
  const answers = new Map<string, { readonly answer: T }>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known.answer;
    const answer = compute(text);
    if (text.length <= maxKeyCharacters) {
      if (answers.size >= maxEntries) answers.delete(answers.keys().next().value as string);
      answers.set(text, { answer });
    }
    return answer;
  };
}
