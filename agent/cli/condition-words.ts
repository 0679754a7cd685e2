// The conditions of rules in English, each a clause.
import type { ResponseConditions, RuleConditions } from '../../schemas/rule.ts';
import { printable } from '../log/words.ts';

/** A condition by its key in `when`; those inside `not` and `response` as `not.path` and `response.status`. */
export interface ConditionInWords {
  readonly key: string;
  /** Such as `the path fits /api/*`. */
  readonly says: string;
}

type Clauses = readonly ConditionInWords[];

/** Every condition of a rule on the request. */
export function conditionsInWords({ not, response: _later, ...own }: RuleConditions): Clauses {
  const clauses = requestConditionsInWords(own);
  if (not === undefined) return clauses;
  const inside = requestConditionsInWords(not).map(({ says }) => says);
  const says = inside.length === 1 ? `it is not so that ${inside[0]}` : `it is not so that ${inside.join(' and ')}`;
  return [...clauses, { key: 'not', says }];
}

/** Every condition of a rule on the response. */
export function responseConditionsInWords({ status, type, size }: ResponseConditions): Clauses {
  const bounds = [
    ...(size?.minBytes === undefined ? [] : [`at least ${size.minBytes}`]),
    ...(size?.maxBytes === undefined ? [] : [`at most ${size.maxBytes}`]),
  ];
  return [
    ...clause('response.status', status, (each) => `the status is ${each}`),
    ...clause('response.type', type, (each) => `the media type fits ${each}`),
    ...(size === undefined
      ? []
      : [
          {
            key: 'response.size',
            says: `the response says that it has ${bounds.join(' and ') || 'some number of'} octets`,
          },
        ]),
  ];
}

function requestConditionsInWords(when: Omit<RuleConditions, 'not' | 'response'>): Clauses {
  const { host, domain, list, port, scheme, method, url, path, query, fields, client, time, weekday } = when;
  return [
    ...clause('host', host?.map(hostInWords), (each) => `the host is ${each}`),
    ...clause('domain', domain, (each) => `the host is ${each} or below it`),
    ...clause('list', list?.map(quoted), (each) => `the host is on the list ${each}`),
    ...clause('port', port, (each) => `the port is ${each}`),
    ...clause('scheme', scheme, (each) => `the scheme is ${each}`),
    ...clause('method', method, (each) => `the method is ${each}`),
    ...clause('url', url, (each) => `the URL fits ${each}`),
    ...clause('path', path, (each) => `the path fits ${each}`),
    ...valued('query', 'the parameter', query),
    ...valued('fields', 'the field', fields),
    ...clause('client', client, (each) => `the client is ${each}`),
    ...clause('time', time, (each) => `the time of day is ${each}`),
    ...clause('weekday', weekday, (each) => `the weekday is ${each}`),
  ];
}

const maxShown = 5;

/** Nothing where the condition is not given. */
function clause(
  key: string,
  values: readonly (string | number)[] | undefined,
  says: (values: string) => string,
): Clauses {
  if (values === undefined) return [];
  return [{ key, says: says(listed(values.map(String), 'or')) }];
}

function valued(key: string, what: string, values: Readonly<Record<string, string | boolean>> | undefined): Clauses {
  if (values === undefined) return [];
  const says = Object.entries(values).map(([name, value]) => {
    if (value === true) return `${what} ${printable(name)} is there`;
    return value === false
      ? `${what} ${printable(name)} is not there`
      : `${what} ${printable(name)} fits ${quoted(value)}`;
  });
  return [{ key, says: listed(says, 'and') }];
}

function hostInWords(host: string): string {
  if (host === '*') return 'any';
  return host.startsWith('*.') ? `below ${host.slice(2)}` : host;
}

/** `a, b or c`; of many the first few. */
export function listed(values: readonly string[], conjunction: 'and' | 'or'): string {
  const shown = values.slice(0, maxShown).map(printable);
  const more = values.length - shown.length;
  if (more > 0) return `${shown.join(', ')} ${conjunction} ${more} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} ${conjunction} ${shown.at(-1)}`;
}

/** A text from outside in quotation marks. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}
