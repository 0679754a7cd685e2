// The conditions that rules put on requests, each made ready once to be judged often.

import { type RuleConditions, weekdays } from '../../schemas/rule.ts';
import { canonicalRange, inRange } from '../address.ts';
import { remembered } from '../remembered.ts';
import type { Facts } from './facts.ts';
import { canonicalHost, isBelow } from './host-pattern.ts';
import { compilePattern, type Pattern } from './pattern.ts';
import { canonicalPathPattern, compileUrlPattern, type UrlParts, type UrlPattern } from './url-pattern.ts';

export type RequestConditions = Omit<RuleConditions, 'not' | 'response'>;

/** A condition by its key in `when`. */
export interface Condition {
  readonly key: keyof RequestConditions | 'not';
  holds(facts: Facts): boolean;
}

/** What a tunnel that is not intercepted shows of itself, and so the only conditions that can hold for one. */
export const tunnelConditions: ReadonlySet<Condition['key']> = new Set([
  'host',
  'domain',
  'list',
  'port',
  'client',
  'time',
  'weekday',
]);

/** The key of the first condition that no tunnel can fulfil, also inside `not`; nothing where there is none. */
export function unseenInTunnels({ not, response, ...conditions }: RuleConditions): string | undefined {
  const own = givenKeys(conditions).find((key) => !tunnelConditions.has(key));
  if (own !== undefined) return own;
  const inside = not === undefined ? undefined : givenKeys(not).find((key) => !tunnelConditions.has(key));
  if (inside !== undefined) return `not.${inside}`;
  return response === undefined ? undefined : 'response';
}

/** The conditions of a rule on the request, those that are quickly judged first. */
export function conditionsOf(when: RuleConditions): readonly Condition[] {
  const conditions = requestConditionsOf(when);
  if (when.not === undefined) return conditions;
  const inside = requestConditionsOf(when.not);
  return [...conditions, { key: 'not', holds: (facts) => !inside.every((each) => each.holds(facts)) }];
}

function requestConditionsOf(when: RequestConditions): readonly Condition[] {
  return order.flatMap((key): Condition[] => {
    const compiled = compilers[key](when);
    return compiled === undefined ? [] : [{ key, holds: compiled }];
  });
}

const maxRememberedClients = 16;

type Holds = (facts: Facts) => boolean;

const order = [
  'method',
  'scheme',
  'port',
  'host',
  'domain',
  'path',
  'url',
  'weekday',
  'time',
  'client',
  'fields',
  'query',
  'list',
] as const satisfies readonly (keyof RequestConditions)[];

const compilers: Readonly<Record<keyof RequestConditions, (when: RequestConditions) => Holds | undefined>> = {
  method: ({ method }) => method && ((facts) => method.includes(facts.exchange.method)),
  scheme: ({ scheme }) => scheme && ((facts) => scheme.includes(facts.exchange.scheme)),
  port: ({ port }) => port && ((facts) => port.includes(facts.request.port)),
  host: ({ host }) => {
    if (host === undefined || host.includes('*')) return host && (() => true);
    const exact = new Set<string>();
    const suffixes: string[] = [];
    for (const each of host) {
      const canonical = canonicalHost(each);
      if (canonical?.startsWith('*.')) suffixes.push(canonical.slice(1));
      else if (canonical !== undefined) exact.add(canonical);
    }
    return ({ request }) => exact.has(request.host) || suffixes.some((suffix) => isBelow(request.host, suffix));
  },
  domain: ({ domain }) => {
    const domains = domain?.flatMap((each) => canonicalHost(each) ?? []);
    return domains && (({ request: { host } }) => domains.some((each) => host === each || isBelow(host, `.${each}`)));
  },
  path: ({ path }) => {
    const patterns = path?.map((each) => compilePattern(canonicalPathPattern(each)));
    return patterns && ((facts) => oneMatches(patterns, facts.path));
  },
  url: ({ url }) => {
    const patterns = url?.map(compileUrlPattern);
    return patterns && ((facts) => urlMatches(patterns, facts.url));
  },
  weekday: ({ weekday }) => {
    const days = weekday?.map((each) => weekdays.indexOf(each));
    return days && ((facts) => days.includes(facts.time.weekday));
  },
  time: ({ time }) => {
    const spans = time?.map(spanOf);
    return spans && ((facts) => spans.some((span) => isWithin(facts.time.minute, span)));
  },
  client: ({ client }) => {
    const ranges = client?.flatMap((each) => canonicalRange(each) ?? []);
    if (ranges === undefined) return undefined;
    const isClient = remembered(maxRememberedClients, (address) => ranges.some((range) => inRange(address, range)));
    return (facts) => isClient(facts.client);
  },
  fields: ({ fields }) => {
    const wanted = fields && wantedOf(fields, (name) => name.toLowerCase());
    return wanted && ((facts) => holdFields(wanted, facts));
  },
  query: ({ query }) => {
    const wanted = query && wantedOf(query, (name) => name);
    return wanted && ((facts) => wanted.every((each) => holdsParameter(each, facts)));
  },
  list: ({ list }) => list && ((facts) => list.some((each) => facts.isListed(each))),
};

function urlMatches(patterns: readonly UrlPattern[], url: UrlParts): boolean {
  for (const pattern of patterns) if (pattern.matches(url)) return true;
  return false;
}

function oneMatches(patterns: readonly Pattern[], text: string): boolean {
  for (const pattern of patterns) if (pattern.matches(text)) return true;
  return false;
}

/** Minutes from midnight: from the first on, before the second. */
type Span = readonly [start: number, end: number];

function spanOf(text: string): Span {
  const [start = 0, end = 0] = text.split('-').map((each) => {
    const [hours = 0, minutes = 0] = each.split(':').map(Number);
    return hours * 60 + minutes;
  });
  return [start, end];
}

/** One whose end is not behind its start goes over midnight; from a time to the same time is all day. */
function isWithin(minute: number, [start, end]: Span): boolean {
  return start < end ? minute >= start && minute < end : minute >= start || minute < end;
}

interface Wanted {
  readonly name: string;
  /** True: any value; false: none. */
  readonly value: Pattern | boolean;
}

function wantedOf(values: Readonly<Record<string, string | boolean>>, named: (name: string) => string): Wanted[] {
  return Object.entries(values).map(([name, value]) => ({
    name: named(name),
    value: typeof value === 'string' ? compilePattern(value) : value,
  }));
}

function holdFields(wanted: readonly Wanted[], facts: Facts): boolean {
  for (const each of wanted) if (!holdsField(each, facts)) return false;
  return true;
}

/** One line of a field fits, or all its lines together as RFC 9110 5.2 joins them. */
function holdsField({ name, value }: Wanted, facts: Facts): boolean {
  const lines = facts.linesOf(name);
  if (typeof value === 'boolean') return lines.length > 0 === value;
  for (const line of lines) if (value.matches(line)) return true;
  return lines.length > 1 && value.matches(lines.join(name === 'cookie' ? '; ' : ', '));
}

function holdsParameter({ name, value }: Wanted, facts: Facts): boolean {
  const isGiven = (fits: (given: string) => boolean) =>
    facts.query.some(([candidate, given]) => candidate === name && fits(given));
  return typeof value === 'boolean' ? isGiven(() => true) === value : isGiven((given) => value.matches(given));
}

function givenKeys(conditions: RequestConditions): (keyof RequestConditions)[] {
  return (Object.keys(conditions) as (keyof RequestConditions)[]).filter((key) => conditions[key] !== undefined);
}
