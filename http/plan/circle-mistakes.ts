// Redirects of rules that lead in a circle, found before any request by following a sample of each rule.
import { type Rule, weekdays } from '../../schemas/rule.ts';
import { parseRequestTarget } from '../request-target.ts';
import { nameOf } from './compiled-rule.ts';
import type { ExchangeRequest } from './facts.ts';
import { canonicalHost } from './host-pattern.ts';
import type { ConfigMistake } from './mistakes.ts';
import type { RuleWorld } from './plan.ts';
import { isAskedAlways } from './rule-index.ts';
import { compileRules } from './rules.ts';
import { partsOfUrlPattern } from './url-pattern.ts';

/** Rules that samples are held against when a configuration is read: it waits for them, and so does who reloads it. */
const maxJudgements = 1_000_000;

/**
 * The rules whose redirect of a sample request leads in a circle. Circles that only other requests go, and those of so
 * many rules that it would take long to find them, are refused as they come.
 */
export function circularRedirects(rules: readonly Rule[]): ConfigMistake[] {
  const compiled = compileRules(rules);
  const askedEachTime = rules.filter(({ when }) => isAskedAlways(when)).length;
  let samplesLeft = Math.ceil(maxJudgements / (askedEachTime + 1));
  return rules.flatMap((rule, index): ConfigMistake[] => {
    if (rule.then.redirect === undefined || !rule.enabled) return [];
    for (const sample of samplesOf(rule)) {
      if (samplesLeft-- <= 0) return [];
      const answer = compiled.plan(sample, sampleWorld(rule))?.answer;
      if (answer?.rule !== nameOf(rule, index) || answer.action.kind !== 'failed') continue;
      const { type, message, advice } = answer.action.error;
      if (type !== 'proxy_loop_detected') continue;
      const sentence = `${message.slice(0, 1).toLowerCase()}${message.slice(1, -1)}`;
      const example = `for instance from ${sample.url}. ${advice}`.replace(/\.$/, '');
      return [{ path: ['rules', index, 'then', 'redirect'], message: `${sentence}, ${example}` }];
    }
    return [];
  });
}

/** It is the time that the rule names, and every list is empty: what a list will have is not known. */
function sampleWorld({ when }: Rule): RuleWorld {
  const [hours = 0, minutes = 0] = (when.time?.[0] ?? '00:00-00:00').slice(0, 5).split(':').map(Number);
  const weekday = weekdays.indexOf(when.weekday?.[0] ?? 'sun');
  return { isListed: () => false, localTime: () => ({ weekday, minute: hours * 60 + minutes }) };
}

/** Requests that are likely to fulfil the conditions of a rule, http and https, with something for each `*`. */
function samplesOf({ when }: Rule): ExchangeRequest[] {
  const host = plain(canonicalHost(when.host?.[0] ?? when.domain?.[0] ?? 'sample.example') ?? 'sample.example');
  const port = when.port?.[0];
  const urls = (when.url ?? ['*']).map(partsOfUrlPattern).flatMap((parts) =>
    (when.scheme ?? ['http', 'https']).map((scheme) => {
      const authority = parts === undefined || parts.authority === '*' ? withPort(host, port) : plain(parts.authority);
      const named = parts === undefined || parts.scheme === '*' ? scheme : parts.scheme;
      const path = when.path === undefined ? (parts?.rest ?? '/') : (when.path[0] as string);
      return `${named}://${authority}${plain(path.startsWith('/') ? path : `/${path}`)}${queryOf(when)}`;
    }),
  );
  return urls.flatMap((text) => {
    const target = URL.canParse(text) ? parseRequestTarget('GET', new URL(text).href) : undefined;
    if (target?.kind !== 'absolute') return [];
    const { url, scheme, host: canonical, port: actual, path } = target;
    const fields = Object.entries(when.fields ?? {}).flatMap(([name, value]) =>
      value === false ? [] : [[name, value === true ? 'x' : plain(value)] as const],
    );
    const method = when.method?.[0] ?? 'GET';
    const client = (when.client?.[0] ?? '127.0.0.1').split('/', 1)[0] as string;
    return [{ kind: 'exchange', method, url, scheme, host: canonical, port: actual, path, fields, client }];
  });
}

function withPort(host: string, port: number | undefined): string {
  return port === undefined ? host : `${host}:${port}`;
}

function queryOf({ query }: Rule['when']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== false);
  const pairs = given.map(([name, value]) => {
    const text = value === true ? 'x' : plain(String(value));
    return `${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
  });
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function plain(pattern: string): string {
  return pattern.replace(/\*+/g, 'x');
}
