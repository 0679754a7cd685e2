// A sentence of an error as a part of another one.

/** Without its full stop, and with a small letter first, but for names such as TLS. */
export function fragment(sentence: string): string {
  const first = /^[A-Z][a-z]*\b/.test(sentence) ? sentence.slice(0, 1).toLowerCase() : sentence.slice(0, 1);
  return `${first}${sentence.slice(1)}`.replace(/\.$/, '');
}
