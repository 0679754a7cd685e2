// `edgehop cache ls | stat | purge | explain`: what the running agent has stored, and why it answers as it does.
import { type Fields, isValidField, onlyValue } from '../../http/fields.ts';
import { endToEndRequestFields, endToEndResponseFields } from '../../http/hop-by-hop.ts';
import type { AgentState } from '../../schemas/api.ts';
import {
  type CachePurge,
  type CacheQuestion,
  type CacheReport,
  cacheEntries,
  cacheExplanation,
  cachePurged,
  cacheStatistics,
} from '../../schemas/cache-admin.ts';
import { machineClock } from '../clock.ts';
import { entriesInWords, explanationInWords, purgeInWords, statisticsInWords } from './cache-words.ts';
import { askAgent } from './control-client.ts';
import { Exit } from './exit.ts';
import { type Fetched, fetchOnce } from './get-request.ts';
import { addressOf, runningAgent, urlOfProxy } from './running-agent.ts';
import { urlOf } from './url-of.ts';

export interface CacheOptions {
  readonly port?: number;
  readonly json?: boolean;
}

export interface ListOptions extends CacheOptions {
  readonly host?: string;
  readonly limit: number;
}

export interface PurgeOptions extends CacheOptions {
  readonly prefix?: string;
  readonly host?: string;
  readonly all?: boolean;
}

export interface ExplainOptions extends CacheOptions {
  /** `Name: value`. */
  readonly header?: readonly string[];
}

/** Lists what is stored, the latest used first: all, or what a prefix or host names. */
export async function list(prefix: string | undefined, options: ListOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const { host, limit } = options;
  if (prefix !== undefined && host !== undefined) throw new Exit('usage', 'name a prefix or --host, not both.');
  const query = new URLSearchParams({
    limit: String(limit),
    ...(prefix !== undefined && { prefix: urlOf(prefix).href }),
    ...(host !== undefined && { host }),
  });
  const told = await askAgent(runningAgent(options.port, env), `/v1/cache/entries?${query}`, cacheEntries);
  if (options.json === true) return print(told);
  if (told.entries.length > 0) console.log(entriesInWords(told));
  if (told.entries.length === limit) console.error(`edgehop: these are the ${limit} that were used last: see --limit.`);
  else if (told.entries.length === 0) console.error('edgehop: nothing is stored.');
}

/** Prints how much is stored and how much may be. */
export async function stat(options: CacheOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const told = await askAgent(runningAgent(options.port, env), '/v1/cache', cacheStatistics);
  if (options.json === true) print(told);
  else console.log(statisticsInWords(told));
}

/** Takes away what is named: a URL, a prefix, a host or all. From the agent at once, from edges by the next request. */
export async function purge(url: string | undefined, options: PurgeOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const match = matchOf(url, options);
  const told = await askAgent(runningAgent(options.port, env), '/v1/cache/purge', cachePurged, match);
  if (options.json === true) print(told);
  else console.log(purgeInWords(told));
}

/** Says what would become of a GET now: from the cache or not, fresh until when, stored or not, and why. */
export async function explain(named: string, options: ExplainOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const { href: url, host } = urlOf(named);
  const agent = runningAgent(options.port, env);
  const extra = (options.header ?? []).map(fieldOf);
  const fields: Fields = [['Host', host], ...ownFields, ...extra];
  const question: CacheQuestion = { url, fields: endToEndRequestFields(fields) };
  const report = await reportOf(agent, question, extra);
  if (options.json === true) print(report);
  else console.log(explanationInWords(report));
}

/** Those that `fetchOnce` sends. */
const ownFields: Fields = [
  ['User-Agent', 'edgehop-get'],
  ['Accept', '*/*'],
];

/** Where nothing that is stored would answer, the origin is asked what it would say, and nothing of it is stored. */
async function reportOf(agent: AgentState, question: CacheQuestion, extra: Fields): Promise<CacheReport> {
  const told = await askAgent(agent, '/v1/cache/explain', cacheExplanation, question);
  if (told.answer.kind !== 'forward' && told.answer.kind !== 'off') return told;
  const fetched = await askedOrigin(agent, question.url, extra);
  const { status, reason } = fetched;
  const response = {
    status,
    reason,
    fields: endToEndResponseFields(fetched.fields),
    requestTime: fetched.sentAt,
    responseTime: fetched.receivedAt,
  };
  const judged = await askAgent(agent, '/v1/cache/explain', cacheExplanation, { ...question, response });
  return { ...told, storing: judged.storing, asked: { status, reason, fields: response.fields } };
}

async function askedOrigin(agent: AgentState, url: string, extra: Fields): Promise<Fetched> {
  const fetched = await fetchOnce({
    url,
    proxy: urlOfProxy(addressOf(agent)),
    clock: machineClock(),
    keepBytes: 0,
    output: undefined,
    fields: [...extra, ['Cache-Control', 'no-store']],
    headOnly: true,
  }).catch((cause: Error) => {
    throw new Exit('failed', `no response from ${url}: ${cause.message}`);
  });
  const status = onlyValue(fetched.fields, 'proxy-status') ?? '';
  const error = /^edgehop(?:-edge)?;error=([a-z_]+)(?:;details="([^"\\\\]*))?/.exec(status);
  if (error !== null) throw new Exit('failed', `the origin did not answer: ${error[2] ?? error[1]}`);
  return fetched;
}

function matchOf(url: string | undefined, { prefix, host, all }: PurgeOptions): CachePurge {
  const named: CachePurge[] = [
    ...(url === undefined ? [] : [{ kind: 'url', url: urlOf(url).href } as const]),
    ...(prefix === undefined ? [] : [{ kind: 'prefix', prefix: urlOf(prefix).href } as const]),
    ...(host === undefined ? [] : [{ kind: 'host', host } as const]),
    ...(all === true ? [{ kind: 'all' } as const] : []),
  ];
  const [match, ...more] = named;
  if (match === undefined || more.length > 0)
    throw new Exit('usage', 'name what to purge: one URL, --prefix URL, --host HOST or --all.');
  return match;
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  const field = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  if (colon < 1 || !isValidField(field)) throw new Exit('usage', `"${line}" is no field: write "Name: value".`);
  return field;
}

function print(told: unknown): void {
  console.log(JSON.stringify(told));
}
