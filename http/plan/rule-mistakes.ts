// Mistakes of one rule that its schema cannot see: conditions that never hold, targets that are no URL, edits that undo each other.
import type { Rule } from '../../schemas/rule.ts';
import { canonicalAddress, canonicalRange } from '../address.ts';
import { capturesOf } from './compiled-rule.ts';
import { canonicalHost } from './host-pattern.ts';
import type { RequestConditions } from './matchers.ts';
import type { ConfigMistake, MistakeChecks } from './mistakes.ts';
import { compileTarget } from './target.ts';
import { partsOfUrlPattern } from './url-pattern.ts';

type Path = readonly (string | number)[];

/** The mistakes of a rule that stands at this path. */
export function ruleMistakes({ when, then, name }: Rule, path: Path, checks: MistakeChecks): ConfigMistake[] {
  const inside = when.not;
  return [
    ...(name !== undefined && /\p{C}/u.test(name) ? [at([...path, 'name'], 'a name has no control characters')] : []),
    ...conditionMistakes(when, [...path, 'when'], checks),
    ...(inside === undefined ? [] : conditionMistakes(inside, [...path, 'when', 'not'], checks)),
    ...(inside !== undefined && Object.values(inside).every((each) => each === undefined)
      ? [at([...path, 'when', 'not'], 'without a condition inside, "not" never holds')]
      : []),
    ...(['redirect', 'rewrite'] as const).flatMap((kind) => {
      const to = then[kind]?.to;
      return to === undefined ? [] : targetMistakes(to, when, [...path, 'then', kind, 'to']);
    }),
    ...(['request', 'response'] as const).flatMap((kind) => editMistakes(then[kind], [...path, 'then', kind])),
  ];
}

function conditionMistakes(when: RequestConditions, path: Path, { registrableDomain }: MistakeChecks): ConfigMistake[] {
  return [
    ...each(when.host, path, 'host', (host) =>
      canonicalHost(host) === undefined ? 'it is neither a name nor an address' : undefined,
    ),
    ...each(when.domain, path, 'domain', (domain) => domainMistake(domain, registrableDomain)),
    ...each(when.method, path, 'method', (method) =>
      knownMethods.has(method.toUpperCase()) && method !== method.toUpperCase()
        ? `methods are compared letter by letter: write "${method.toUpperCase()}"`
        : undefined,
    ),
    ...each(when.url, path, 'url', urlMistake),
    ...each(when.path, path, 'path', pathMistake),
    ...each(when.client, path, 'client', (client) =>
      canonicalRange(client) === undefined
        ? 'it is no address and no range whose bits beyond the prefix are zero, such as 192.168.0.0/16'
        : undefined,
    ),
    ...each(when.time, path, 'time', (time) =>
      /24:(?!00)/.test(time) ? 'the last time of a day is 24:00' : undefined,
    ),
  ];
}

function each(
  values: readonly string[] | undefined,
  path: Path,
  key: string,
  mistakeOf: (value: string) => string | undefined,
): ConfigMistake[] {
  return (values ?? []).flatMap((value, index) => {
    const message = mistakeOf(value);
    return message === undefined ? [] : [at([...path, key, index], message)];
  });
}

function domainMistake(domain: string, registrableDomain: MistakeChecks['registrableDomain']): string | undefined {
  const host = canonicalHost(domain);
  if (host === undefined || host.startsWith('*') || canonicalAddress(host) !== undefined)
    return 'it is no domain: names with `*` and addresses belong to "host"';
  const registrable = registrableDomain(host);
  if (registrable === host) return undefined;
  const instead = `for "${host}" and all names below it write "host": ["${host}", "*.${host}"]`;
  return registrable === undefined
    ? `nobody can register it: ${instead}`
    : `the registrable domain in it is ${registrable}: ${instead}`;
}

function urlMistake(url: string): string | undefined {
  if (url.includes('#')) return 'a request has no fragment';
  const authority = /^(?:\*|https?):\/\/([^/?]*)/i.exec(url)?.[1];
  if (authority === undefined || authority === '*') return dotsMistake(url);
  if (authority === '') return 'the host is missing';
  if (authority.includes('@')) return 'userinfo is no part of the URL that is judged';
  const parts = partsOfUrlPattern(url);
  if (parts === undefined)
    return `it would hold for longer names, too, such as ${authority.replace(/\*+$/, '')}.elsewhere.example: write a slash ahead of the last *`;
  const host = parts.authority.replace(/:(?:\d+|\*)$/, '');
  if (!host.includes('*') && canonicalHost(host) === undefined) return 'its host is neither a name nor an address';
  return dotsMistake(parts.rest);
}

function pathMistake(path: string): string | undefined {
  if (path.includes('?')) return 'the path is without the query: use "query", or "url" for both';
  if (path.includes('#')) return 'a request has no fragment';
  return dotsMistake(path);
}

function dotsMistake(path: string): string | undefined {
  return /\/\.\.?(?:[/?]|$)/.test(path) ? 'no canonical URL has . or .. as a segment of its path' : undefined;
}

function targetMistakes(to: string, when: Rule['when'], path: Path): ConfigMistake[] {
  const compiled = compileTarget(to);
  if (compiled.kind === 'wrong') return [at(path, compiled.because)];
  const { captures, fill } = compiled.target;
  const { stars } = capturesOf(when);
  const fewest = Math.min(...stars);
  if (captures > fewest) {
    const has = fewest === 0 ? 'has no `*`' : `has ${fewest} \`*\``;
    const source = when.url !== undefined ? 'url' : when.path !== undefined ? 'path' : 'host';
    return [at(path, `there is nothing for {${captures}}: a pattern of "${source}" in "when" ${has}`)];
  }
  // What is wrong for the plainest of requests is wrong for all. A target that is a capture alone cannot be judged.
  if (/^\{[1-9]/.test(to)) return [];
  const filled = fill(plainRequest, stars.length === 0 ? [] : Array.from({ length: captures }, () => '1'));
  return filled.kind === 'url' ? [] : [at(path, `it makes no URL: ${filled.because}`)];
}

const plainRequest = {
  kind: 'exchange',
  method: 'GET',
  url: 'http://host.example/path?query',
  scheme: 'http',
  host: 'host.example',
  port: 80,
  path: '/path?query',
  fields: [],
  client: '127.0.0.1',
} as const;

function editMistakes(edits: Rule['then']['response'], path: Path): ConfigMistake[] {
  if (edits === undefined) return [];
  const twice = (['set', 'add'] as const).flatMap((kind) => {
    const names = Object.keys(edits[kind] ?? {});
    return names
      .filter((name, index) => names.findIndex((other) => isSame(other, name)) < index)
      .map((name) => at([...path, kind, name], `the field "${name}" stands there twice, in other letters`));
  });
  const set = Object.keys(edits.set ?? {});
  const undone = (edits.remove ?? []).flatMap((name, index) =>
    set.some((other) => isSame(other, name))
      ? [at([...path, 'remove', index], `"set" takes the place of "${name}" already: leave it out here`)]
      : [],
  );
  return [...twice, ...undone];
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);

function at(path: Path, message: string): ConfigMistake {
  return { path, message };
}
