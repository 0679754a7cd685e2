// What of a configuration is secret: the one home of what is left out wherever a configuration or a text of it is shown.
import type { Config } from '../../schemas/config.ts';

/** What stands where a secret stood. */
export const secret = '(secret)';

/** The configuration for its owner's eyes: without tokens, hashes, userinfo of URLs, and values of fields that are credentials. */
export function withoutSecrets(config: Config): Config {
  return mapped(config, [], owners) as Config;
}

/** The configuration for strangers: also without the contents of rules (values of fields, texts, queries), which may hold anything. */
export function forStrangers(config: Config): Config {
  return mapped(config, [], (path, leaf) => {
    if (isContent(path)) return secret;
    const shown = owners(path, leaf);
    return typeof shown === 'string' ? withoutQuery(shown) : shown;
  }) as Config;
}

/** A text, in which all that looks like the userinfo of a URL is replaced. */
export function withoutUserinfo(text: string): string {
  return text.replace(userinfo, `$1${secret}@`);
}

/** A text, in which each known secret is replaced, and the userinfo of URLs. */
export function withoutKnown(text: string, known: readonly string[]): string {
  return known.reduce((rest, each) => rest.replaceAll(each, secret), withoutUserinfo(text));
}

/** The secrets of a configuration, as they stand there and decoded, longest first: what no other text may hold. */
export function secretsOf(config: Config): readonly string[] {
  const found: string[] = [];
  mapped(config, [], (path, leaf) => {
    if (isSecret(path)) found.push(String(leaf));
    else if (typeof leaf === 'string') found.push(...(isParent(path) ? passwordsOfParent(leaf) : passwordsIn(leaf)));
    return leaf;
  });
  return longest(found);
}

/** Those that a text may be searched for: a shorter one would be found everywhere. */
export function longest(secrets: readonly string[]): readonly string[] {
  const long = secrets.filter((each) => each.length >= minSearchedCharacters && each !== secret);
  return [...new Set(long)].sort((one, other) => other.length - one.length);
}

const minSearchedCharacters = 6;

/** The credentials in what names a parent proxy, which may lack its scheme and may hold any character. */
export function passwordsOfParent(text: string): string[] {
  const [, given] = /^(?:[a-z0-9]+:\/\/)?(.*)@/is.exec(text) ?? [];
  return given === undefined ? [] : passwordsOf(given);
}

/** What names a parent proxy, without its credentials. */
export function parentWithoutSecrets(text: string): string {
  return text.replace(/^([a-z0-9]+:\/\/)?.*@/is, `$1${secret}@`);
}

function passwordsIn(text: string): string[] {
  return [...text.matchAll(userinfo)].flatMap(([whole]) => passwordsOf(whole.slice(whole.indexOf('//') + 2, -1)));
}

function passwordsOf(given: string): string[] {
  const password = given.slice(given.indexOf(':') + 1);
  return [given, password, decoded(password)];
}

/** Whether a field, a parameter or a variable of this name holds a credential. */
export function namesSecret(name: string): boolean {
  return /authorization|cookie|token|secret|passw|credential|api-?_?key|session|signature/i.test(name);
}

type Path = readonly string[];
/** What is shown of a text, a number or a truth value. */
type Show = (path: Path, leaf: unknown) => unknown;

/** Of a URL in any text; up to the last @ before the path, as clients read it. */
const userinfo = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi;

function owners(path: Path, leaf: unknown): unknown {
  if (typeof leaf !== 'string') return leaf;
  if (isSecret(path)) return secret;
  return isParent(path) ? parentWithoutSecrets(leaf) : withoutUserinfo(leaf);
}

/** Paths that are secrets whole. `*` stands for any key or index. */
const secretPaths = ['edge.edges.*.token', 'admit.credentials.*.hash'].map((path) => path.split('.'));

function isSecret(path: Path): boolean {
  return secretPaths.some((each) => begins(path, each) && path.length === each.length) || isCredentialOfRule(path);
}

/** Values that rules set or look for, by the names of their fields and parameters. */
function isCredentialOfRule(path: Path): boolean {
  return fieldPaths.some((each) => begins(path, each) && namesSecret(path[each.length] ?? ''));
}

/** Records of a rule whose keys are names of fields, cookies or parameters. */
const fieldPaths = [
  'rules.*.when.fields',
  'rules.*.when.query',
  'rules.*.when.not.fields',
  'rules.*.when.not.query',
  'rules.*.then.request.set',
  'rules.*.then.request.add',
  'rules.*.then.response.set',
  'rules.*.then.response.add',
  'rules.*.then.respond.fields',
].map((path) => path.split('.'));

/** What rules put into messages or look for in them, whatever it is. */
const contentPaths = [
  'rules.*.then.respond.text',
  'rules.*.then.respond.json',
  'rules.*.then.block.message',
  'rules.*.then.transform.inject.script',
  'rules.*.then.transform.inject.style',
  'rules.*.then.transform.html.*.select',
  'rules.*.then.transform.html.*.replace',
  'rules.*.then.transform.html.*.append',
  'rules.*.then.transform.html.*.prepend',
  'rules.*.then.transform.html.*.set',
  'rules.*.then.transform.replace.*.find',
  'rules.*.then.transform.replace.*.with',
].map((path) => path.split('.'));

function isContent(path: Path): boolean {
  return [...contentPaths, ...fieldPaths].some((each) => begins(path, each));
}

function isParent(path: Path): boolean {
  return path[0] === 'parents' && path[1] !== 'use';
}

function begins(path: Path, pattern: Path): boolean {
  return path.length >= pattern.length && pattern.every((part, at) => part === '*' || part === path[at]);
}

/** A query may be a credential: the URL of a list, or what a rule rewrites to. */
function withoutQuery(text: string): string {
  return text.replace(/^((?:[a-z][a-z0-9+.-]*:\/\/|[/{*])[^?\s]*)\?.*$/is, `$1?${secret}`);
}

function mapped(value: unknown, path: Path, show: Show): unknown {
  if (Array.isArray(value)) return value.map((each, index) => mapped(each, [...path, String(index)], show));
  if (typeof value !== 'object' || value === null) return show(path, value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapped(each, [...path, key], show)]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
