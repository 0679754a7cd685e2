// Finds the rules that a request can fulfil at all, so that it does not ask thousands of rules for other hosts and paths.
import type { RuleConditions } from '../../schemas/rule.ts';
import { remembered } from '../remembered.ts';
import { canonicalHost } from './host-pattern.ts';
import { compilePattern } from './pattern.ts';
import { canonicalPathPattern, hostOfUrlPattern } from './url-pattern.ts';

export interface Indexed {
  /** Its place in the configuration. */
  readonly index: number;
  readonly when: RuleConditions;
}

/** What of a request the index goes by. It asks for no more than the host where rules name nothing else, as those for tunnels do. */
export interface IndexedBy {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  /** The lines of a field; `name` is lower case. */
  linesOf(name: string): readonly string[];
}

/** Gives the rules that may hold, in their order. */
export type Candidates<R> = (request: IndexedBy) => readonly R[];

const maxRememberedHosts = 1_024;

/** Of all remembered hosts together, eight octets each. */
const maxRememberedRules = 1_000_000;

/** More methods than there are in use have no index of their own. */
const maxIndexedMethods = 16;

/** Values of one field for which the rules that they fit are remembered: few programs say much that is new. */
const maxRememberedValues = 64;

/** The rules that may hold for a request: all that do, and those others that an index cannot tell from them. */
export function indexed<R extends Indexed>(rules: readonly R[]): Candidates<R> {
  const methods = new Set(rules.flatMap(({ when }) => when.method ?? []));
  if (methods.size === 0 || methods.size > maxIndexedMethods) return indexedForMethod(rules);
  const forOthers = indexedForMethod(rules.filter(({ when }) => when.method === undefined));
  const byMethod = new Map(
    [...methods].map((method) => [
      method,
      indexedForMethod(rules.filter(({ when }) => when.method === undefined || when.method.includes(method))),
    ]),
  );
  return (request) => (byMethod.get(request.method) ?? forOthers)(request);
}

/** Where no rule is for the beginning of the path, nor for a field, nothing is made for the answer. */
function indexedForMethod<R extends Indexed>(rules: readonly R[]): Candidates<R> {
  const byHost = indexByHost(rules.filter(({ when }) => segmentsOf(when) === undefined && fieldOf(when) === undefined));
  const bySegment = new Map<string, R[]>();
  for (const rule of rules) for (const segment of segmentsOf(rule.when) ?? []) enter(bySegment, segment, rule);
  const byField = fieldIndexes(rules);
  if (bySegment.size === 0 && byField.length === 0) return ({ host }) => byHost(host);
  return (request) => {
    let found = byHost(request.host);
    const ofPath = bySegment.size === 0 ? undefined : bySegment.get(firstSegment(request.path));
    if (ofPath !== undefined) found = inOrder([...found, ...ofPath]);
    for (const { name, fitting } of byField) {
      const ofField = fitting(request.linesOf(name));
      if (ofField.length > 0) found = inOrder([...found, ...ofField]);
    }
    return found;
  };
}

interface FieldIndex<R> {
  readonly name: string;
  /** The rules that these lines of the field may fit. */
  readonly fitting: (lines: readonly string[]) => readonly R[];
}

/** The rules that name neither host nor path, by the first field that they name. */
function fieldIndexes<R extends Indexed>(rules: readonly R[]): FieldIndex<R>[] {
  const byName = new Map<string, { readonly rule: R; readonly fits: (line: string | undefined) => boolean }[]>();
  for (const rule of rules) {
    const field = fieldOf(rule.when);
    if (field === undefined) continue;
    const [name, value] = field;
    const pattern = typeof value === 'string' ? compilePattern(value) : undefined;
    const fits = (line: string | undefined) =>
      line === undefined ? value === false : (pattern?.matches(line) ?? value);
    enter(byName, name.toLowerCase(), { rule, fits: fits as (line: string | undefined) => boolean });
  }
  return [...byName].map(([name, entries]) => {
    const those = (line: string | undefined) => entries.filter(({ fits }) => fits(line)).map(({ rule }) => rule);
    const absent = those(undefined);
    const fitting = remembered(maxRememberedValues, those);
    const all = entries.map(({ rule }) => rule);
    return {
      name,
      fitting: ([line, ...more]) => (line === undefined ? absent : more.length > 0 ? all : fitting(line)),
    };
  });
}

/** The first field that the conditions name, where they name neither host nor path. */
function fieldOf(when: RuleConditions): readonly [name: string, value: string | boolean] | undefined {
  if (when.fields === undefined || hostsOf(when) !== undefined || segmentsOf(when) !== undefined) return undefined;
  return Object.entries(when.fields)[0];
}

function indexByHost<R extends Indexed>(rules: readonly R[]): (host: string) => readonly R[] {
  const exact = new Map<string, R[]>();
  const below = new Map<string, R[]>();
  const others: R[] = [];
  for (const rule of rules) {
    const hosts = hostsOf(rule.when);
    if (hosts === undefined) others.push(rule);
    for (const host of hosts ?? []) {
      if (host.startsWith('*.')) enter(below, host.slice(2), rule);
      else enter(exact, host, rule);
    }
  }
  const maxHosts = Math.max(1, Math.min(maxRememberedHosts, Math.floor(maxRememberedRules / rules.length)));
  return remembered(maxHosts, (host) => {
    const found = new Set(exact.get(host));
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1))
      for (const rule of below.get(host.slice(dot + 1)) ?? []) found.add(rule);
    return found.size === 0 ? others : inOrder([...others, ...found]);
  });
}

function enter<T>(map: Map<string, T[]>, key: string, rule: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [rule]);
  else if (known.at(-1) !== rule) known.push(rule);
}

function inOrder<R extends Indexed>(rules: R[]): readonly R[] {
  return rules.sort((a, b) => a.index - b.index);
}

/** The hosts that the conditions name, canonical; nothing where they name none, or any. */
function hostsOf({ host, domain, url }: RuleConditions): readonly string[] | undefined {
  if (host !== undefined && !host.includes('*')) return host.flatMap((each) => canonicalHost(each) ?? []);
  if (domain !== undefined)
    return domain.flatMap((each) => canonicalHost(each) ?? []).flatMap((each) => [each, `*.${each}`]);
  const ofUrls = url?.map(hostOfUrlPattern);
  return ofUrls?.every((each) => each !== undefined) ? ofUrls : undefined;
}

/** Whether a rule is asked whatever host and path are. */
export function isAskedAlways(when: RuleConditions): boolean {
  return hostsOf(when) === undefined && segmentsOf(when) === undefined;
}

/** The first segments of the paths that the conditions name, where they name no host; nothing where one may be any. */
function segmentsOf(when: RuleConditions): readonly string[] | undefined {
  if (when.path === undefined || hostsOf(when) !== undefined) return undefined;
  const segments = when.path.map((each) => firstSegment(canonicalPathPattern(each)));
  return segments.some((segment) => segment.includes('*')) ? undefined : segments;
}

/** Up to the second slash or the query: `/assets` of `/assets/a.js`. */
function firstSegment(path: string): string {
  for (let at = 1; at < path.length; at++) {
    const character = path.charCodeAt(at);
    if (character === slash || character === questionMark) return path.slice(0, at);
  }
  return path;
}

const slash = 0x2f;
const questionMark = 0x3f;
