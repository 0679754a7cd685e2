// Finds the rules that a request can fulfil at all, so that it does not ask thousands of rules for other hosts and paths.
import type { RuleConditions } from '../../schemas/rule.ts';
import { remembered } from '../remembered.ts';
import { canonicalHost } from './host-pattern.ts';
import { canonicalPathPattern, hostOfUrlPattern } from './url-pattern.ts';

export interface Indexed {
  /** Its place in the configuration. */
  readonly index: number;
  readonly when: RuleConditions;
}

const maxRememberedHosts = 1_024;

/** Of all remembered hosts together, eight octets each. */
const maxRememberedRules = 1_000_000;

/**
 * The rules that may hold for a host, and for a path where there is one, in their order: all that do, and of the others
 * those that name neither. Where no rule is for the beginning of the path, nothing is made for the answer.
 */
export function indexed<R extends Indexed>(
  rules: readonly R[],
): (host: string, path: string | undefined) => readonly R[] {
  const byHost = indexByHost(rules.filter(({ when }) => segmentsOf(when) === undefined));
  const bySegment = new Map<string, R[]>();
  for (const rule of rules) for (const segment of segmentsOf(rule.when) ?? []) enter(bySegment, segment, rule);
  if (bySegment.size === 0) return byHost;
  return (host, path) => {
    const ofHost = byHost(host);
    const ofPath = path === undefined ? undefined : bySegment.get(firstSegment(path));
    return ofPath === undefined ? ofHost : inOrder([...ofHost, ...ofPath]);
  };
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

function enter<R>(map: Map<string, R[]>, key: string, rule: R): void {
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

/** Whether no index leaves a rule out: each request asks it. */
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
