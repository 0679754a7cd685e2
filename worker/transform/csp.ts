// Allows what is injected into a page in its Content-Security-Policy, and nothing else. CSP 3.
import type { Field, Fields } from '../../http/fields.ts';

/** What is injected, as the hash-source that names it: `'sha256-…'`. */
export interface InjectedHashes {
  readonly script?: string | undefined;
  readonly style?: string | undefined;
}

/** The hash-source of the text of an element. The parser of a page takes every end of line for one LF. */
export async function hashSource(text: string): Promise<string> {
  const octets = new TextEncoder().encode(text.replace(/\r\n?/g, '\n'));
  return `'sha256-${new Uint8Array(await crypto.subtle.digest('SHA-256', octets)).toBase64()}'`;
}

/** The fields with the hashes allowed in every policy, enforced or only reported. */
export function allowedInFields(fields: Fields, hashes: InjectedHashes): Field[] {
  return fields.map(([name, value]) =>
    /^content-security-policy(?:-report-only)?$/i.test(name)
      ? ([
          name,
          value
            .split(',')
            .map((policy) => allowedInPolicy(policy, hashes))
            .join(','),
        ] as const)
      : ([name, value] as const),
  );
}

/** One serialized policy with the hashes allowed. What allows them already, or speaks of neither, stays as it is. */
export function allowedInPolicy(policy: string, { script, style }: InjectedHashes): string {
  let directives = policy.split(';');
  if (script !== undefined) directives = allowed(directives, ['script-src-elem', 'script-src'], script);
  if (style !== undefined) directives = allowed(directives, ['style-src-elem', 'style-src'], style);
  return directives.join(';');
}

/** `names`: the directives that decide about an inline element, the first that is there; behind them stands default-src. */
function allowed(directives: readonly string[], names: readonly [string, string], hash: string): string[] {
  const at = [...names, 'default-src'].map((name) => directives.findIndex((text) => nameOf(text) === name));
  const deciding = at.find((index) => index !== -1);
  if (deciding === undefined) return [...directives];
  const directive = directives[deciding] as string;
  const sources = directive
    .trim()
    .split(/[\t\n\f\r ]+/)
    .slice(1);
  if (allowsInline(sources)) return [...directives];
  const added = [...sources.filter((source) => source.toLowerCase() !== "'none'"), hash].join(' ');
  // What default-src says of the rest stays true: only its copy for these elements allows one more.
  if (nameOf(directive) === 'default-src') return [...directives, ` ${names[1]} ${added}`];
  return directives.map((text, index) => (index === deciding ? ` ${nameOf(text)} ${added}` : text));
}

/** Directive names are the same in any case; of two alike the first counts, which is the one that is found. */
function nameOf(directive: string): string {
  return (directive.trim().split(/[\t\n\f\r ]/, 1)[0] as string).toLowerCase();
}

/** Beside a nonce, a hash or strict-dynamic, 'unsafe-inline' means nothing: a hash added to it would take away what it allows. */
function allowsInline(sources: readonly string[]): boolean {
  const lower = sources.map((source) => source.toLowerCase());
  const isOverruled = lower.some((source) => /^'(?:nonce-|sha(?:256|384|512)-|strict-dynamic')/.test(source));
  return lower.includes("'unsafe-inline'") && !isOverruled;
}
