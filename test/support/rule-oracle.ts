// What rules mean for one request, found out slowly and as docs/rules.md says it: the oracle of test/fuzz/rules.test.ts.
import type { ExchangeRequest } from '../../http/plan/facts.ts';
import type { Rule } from '../../schemas/rule.ts';
import { exchangeOf } from './rules.ts';

/** Lists that rules may name. */
export const lists = { ads: ['a.example', '127.0.0.1'], more: ['c.b.a.example'] };

/** The head of a response. */
export interface Head {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
}

/** By the clock of the machine: minutes from midnight, and days from Sunday. */
export interface Moment {
  readonly minute: number;
  readonly weekday: number;
}

/** What becomes of a request and of its response, by kinds. */
export interface Told {
  readonly answer: unknown;
  readonly [kind: string]: unknown;
}

/** Every rule is looked at, one after the other, by regular expressions: for short texts only. */
export function oracle(given: readonly Rule[], asked: ExchangeRequest, head: Head, moment: Moment): Told {
  const matching = given.filter((each) => each.enabled && matches(each, asked, moment));
  const now = matching.filter(({ when }) => when.response === undefined);
  const holding = matching.filter(({ when }) => when.response === undefined || holdsFor(when.response, head));
  const answerKind = ({ then }: Rule) =>
    (['block', 'respond', 'redirect'] as const).find((kind) => then[kind] !== undefined);
  const rewriting = now.find(({ then }) => then.rewrite !== undefined);
  const rewritten = rewriting === undefined ? undefined : filledIn(rewriting.then.rewrite?.to ?? '', asked);
  const answering = now.find((each) => answerKind(each) !== undefined);
  const log = (of: readonly Rule[]) => of.find(({ then }) => then.log !== undefined)?.name;
  if (answering !== undefined) {
    const kind = answerKind(answering);
    // With a rule that redirects all that is asked of its own target, the redirect is a circle.
    const failed = kind === 'redirect' && isCircle(given, answering, moment, asked) ? 'failed' : kind;
    return { answer: [answering.name, failed], log: failed === 'block' || failed === 'failed' ? undefined : log(now) };
  }
  if (rewriting !== undefined && rewritten === undefined) return { answer: [rewriting.name, 'failed'], log: undefined };
  const instead = holding.find((each) => answerKind(each) !== undefined);
  const kind = instead && answerKind(instead);
  const first = (key: 'route' | 'fallback' | 'upstream' | 'shape') =>
    now.find(({ then }) => then[key] !== undefined)?.name;
  const isToItself = kind === 'redirect' && asked.url === 'http://other.example/';
  return {
    answer: undefined,
    rewrite: rewritten === undefined || rewritten === asked.url ? undefined : [rewriting?.name, rewritten],
    request: edited(
      asked.fields,
      now.map(({ then }) => then.request),
    ),
    route: first('route'),
    fallback: first('fallback'),
    upstream: first('upstream'),
    shape: first('shape'),
    instead: instead && [instead.name, isToItself ? 'failed' : kind],
    response:
      instead === undefined
        ? edited(
            head.fields,
            holding.map(({ then }) => then.response),
          )
        : undefined,
    cache: holding.find(({ then }) => then.cache !== undefined)?.name,
    log: log(holding),
  };
}

function isCircle(given: readonly Rule[], answering: Rule, moment: Moment, asked: ExchangeRequest): boolean {
  const next = exchangeOf('http://other.example/', {
    method: asked.method === 'POST' ? 'GET' : asked.method, // Fetch 4.4: 302
    client: asked.client,
    fields: asked.fields,
  });
  const again = given.find(
    (each) =>
      each.enabled &&
      each.when.response === undefined &&
      (each.then.block ?? each.then.respond ?? each.then.redirect) !== undefined &&
      matches(each, next, moment),
  );
  return again?.then.redirect !== undefined && answering.then.redirect !== undefined;
}

/** Whether the conditions of a rule on the request hold. */
export function matches({ when }: Rule, asked: ExchangeRequest, moment: Moment): boolean {
  const { not, response: _later, ...own } = when;
  return allHold(own, asked, moment) && (not === undefined || !allHold(not, asked, moment));
}

function allHold(
  when: Omit<Rule['when'], 'not' | 'response'>,
  asked: ExchangeRequest,
  { minute, weekday }: Moment,
): boolean {
  const { pathname, search, searchParams } = new URL(asked.url);
  const isOneOf = <T>(given: readonly T[] | undefined, holds: (each: T) => boolean) =>
    given === undefined || given.some(holds);
  const valueHolds = (wanted: string | boolean, values: readonly string[]) =>
    typeof wanted === 'boolean' ? values.length > 0 === wanted : values.some((value) => glob(wanted, value));
  return (
    isOneOf(when.host, (each) => isHost(each, asked.host)) &&
    isOneOf(when.domain, (each) => asked.host === each || asked.host.endsWith(`.${each}`)) &&
    isOneOf(when.list, (each) => lists[each as 'ads'].includes(asked.host)) &&
    isOneOf(when.port, (each) => each === asked.port) &&
    isOneOf(when.scheme, (each) => each === asked.scheme) &&
    isOneOf(when.method, (each) => each === asked.method) &&
    isOneOf(when.url, (each) => isUrl(each, asked)) &&
    isOneOf(when.path, (each) => glob(each, pathname)) &&
    Object.entries(when.query ?? {}).every(([name, wanted]) =>
      valueHolds(wanted, search === '' ? [] : searchParams.getAll(name)),
    ) &&
    Object.entries(when.fields ?? {}).every(([name, wanted]) => {
      const lines = asked.fields.flatMap(([each, value]) => (each.toLowerCase() === name.toLowerCase() ? [value] : []));
      return valueHolds(
        wanted,
        lines.length > 1 ? [...lines, lines.join(name.toLowerCase() === 'cookie' ? '; ' : ', ')] : lines,
      );
    }) &&
    isOneOf(when.client, (each) => clients[each]?.includes(asked.client) === true) &&
    isOneOf(when.time, (each) => {
      const [from = 0, to = 0] = each.split('-').map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
      return from < to ? from <= minute && minute < to : minute >= from || minute < to;
    }) &&
    isOneOf(when.weekday, (each) => ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(each) === weekday)
  );
}

/** Which of the clients each range has. */
const clients: Readonly<Record<string, readonly string[]>> = {
  '127.0.0.0/8': ['127.0.0.1'],
  '192.168.1.7': ['192.168.1.7', '::ffff:192.168.1.7'],
  '::ffff:192.168.1.0/120': ['192.168.1.7', '::ffff:192.168.1.7'],
  '2001:db8::/32': ['2001:db8::1'],
};

function isHost(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  const name = pattern.toLowerCase().replace(/\.$/, '').replace('bücher', 'xn--bcher-kva');
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) && host !== name.slice(2) : host === name;
}

function isUrl(pattern: string, { url }: ExchangeRequest): boolean {
  const [, scheme, authority, rest] = /^([^:]*):\/\/([^/]*)(.*)$/.exec(pattern) ?? [];
  if (scheme === undefined || authority === undefined || rest === undefined) return glob(pattern, url);
  const [, ofUrl = '', at = '', behind = ''] = /^([^:]*):\/\/([^/]*)(.*)$/.exec(url) ?? [];
  return glob(scheme, ofUrl) && glob(authority, at) && glob(rest, behind);
}

function glob(pattern: string, text: string): boolean {
  const source = pattern
    .split('*')
    .map((piece) => piece.replace(/[^\w]/g, '\\$&'))
    .join('[^]*');
  return new RegExp(`^${source}$`).test(text);
}

function filledIn(to: string, { scheme, host, port, url }: ExchangeRequest): string | undefined {
  const { pathname, search } = new URL(url);
  const text = to
    .replace('{scheme}', scheme)
    .replace('{host}', host)
    .replace('{port}', String(port))
    .replace('{path}', pathname)
    .replace('{query}', search || (url.endsWith('?') ? '?' : ''))
    .replace('={url}', `=${encodeURIComponent(url)}`)
    .replace('{url}', url);
  return URL.canParse(text) ? new URL(text).href : undefined;
}

function holdsFor({ status, type, size }: NonNullable<Rule['when']['response']>, head: Head): boolean {
  const fieldOf = (name: string) => head.fields.find(([each]) => each.toLowerCase() === name)?.[1];
  const media = fieldOf('content-type')?.split(';')[0]?.trim().toLowerCase();
  const octets = fieldOf('content-length');
  const isStatus = (each: string | number) => {
    if (typeof each === 'number') return each === head.status;
    const [from = '', to = from] = each.replace('xx', '00').split('-');
    return head.status >= Number(from) && head.status <= (each.endsWith('xx') ? Number(from) + 99 : Number(to));
  };
  return (
    (status === undefined || status.some(isStatus)) &&
    (type === undefined || (media !== undefined && type.some((each) => glob(each.toLowerCase(), media)))) &&
    (size === undefined ||
      (octets !== undefined &&
        Number(octets) >= (size.minBytes ?? 0) &&
        Number(octets) <= (size.maxBytes ?? Number.POSITIVE_INFINITY)))
  );
}

/** For each name the first rule that names it: removed, set, added. */
function edited(
  fields: ExchangeRequest['fields'],
  changes: readonly Rule['then']['request'][],
): (readonly [string, string])[] {
  let now = [...fields];
  const taken = new Set<string>();
  for (const { remove = [], set = {}, add = {} } of changes.filter((each) => each !== undefined)) {
    const mine = (name: string) => !taken.has(name.toLowerCase());
    const is =
      (name: string) =>
      ([each]: readonly [string, string]) =>
        each.toLowerCase() === name.toLowerCase();
    for (const name of remove.filter(mine)) now = now.filter((field) => !is(name)(field));
    for (const [name, value] of Object.entries(set).filter(([name]) => mine(name))) {
      const at = now.findIndex(is(name));
      const spelt = now[at]?.[0] ?? name.toLowerCase();
      now = now.filter((field, index) => index === at || !is(name)(field));
      if (at < 0) now.push([spelt, value]);
      else now[at] = [spelt, value];
    }
    for (const [name, value] of Object.entries(add).filter(([name]) => mine(name)))
      now.push([name.toLowerCase(), value]);
    for (const name of [...remove, ...Object.keys(set), ...Object.keys(add)]) taken.add(name.toLowerCase());
  }
  return now;
}
