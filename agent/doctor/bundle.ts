// Puts together what a bug report should have, and leaves out what nobody but the owner may see.
import type { AgentState, ConfigurationState, Readiness } from '../../schemas/api.ts';
import { type DoctorBundle, doctorBundle, type Finding, type ToldExchange } from '../../schemas/doctor.ts';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import {
  forStrangers,
  longest,
  namesSecret,
  parentWithoutSecrets,
  passwordsOfParent,
  secret,
  secretsOf,
  withoutKnown,
  withoutUserinfo,
} from '../config/secrets.ts';
import type { Situation } from './situation.ts';

/** What a running agent said of itself. */
export interface AgentAccount {
  readonly agent: AgentState;
  readonly readiness?: Readiness;
  readonly configuration?: ConfigurationState;
  readonly recent: readonly ExchangeRecord[];
  readonly problem?: string;
}

export interface BundleFacts {
  readonly situation: Situation;
  readonly findings: readonly Finding[];
  readonly accounts: readonly AgentAccount[];
  readonly writtenAt: string;
  readonly edgehop: string;
  readonly node: string;
  readonly platform: string;
  /** The home folder, whose path names a person. */
  readonly home: string;
}

/** The bundle, in which no text holds a secret that is known, from wherever the text comes, though the text be a word of the schema. */
export function bundleOf(facts: BundleFacts): DoctorBundle {
  const { situation, findings, accounts, writtenAt, edgehop, node, platform, home } = facts;
  const { read, config } = situation;
  const bundle = doctorBundle.parse({
    writtenAt,
    edgehop,
    node,
    platform,
    findings,
    configuration:
      read.kind === 'wrong'
        ? { kind: 'wrong', because: read.because }
        : {
            kind: 'right',
            ...(read.path !== undefined && { path: read.path }),
            inEffect: { ...forStrangers(config) },
          },
    environment: toldEnvironment(situation.env),
    agents: accounts.map(toldAgent),
  } satisfies DoctorBundle);
  const known = knownSecrets(situation);
  return everyText(bundle, (text) => withoutHome(withoutKnown(text, known), home)) as DoctorBundle;
}

/** Who has no home has `/`. */
function withoutHome(text: string, home: string): string {
  return home.length > 1 ? text.replaceAll(home, '~') : text;
}

/** The findings as they are printed: they, too, hold no secret, whatever a message quotes. */
export function withoutSecretsOf(findings: readonly Finding[], situation: Situation): readonly Finding[] {
  const known = knownSecrets(situation);
  return everyText(findings, (text) => withoutKnown(text, known)) as readonly Finding[];
}

/** All that this machine would not have others know, as far as edgehop knows it. */
export function knownSecrets({ config, env, agents, stale }: Situation): readonly string[] {
  const variables = Object.entries(env).flatMap(([name, text = '']) => {
    if (isOfProxy(name)) return passwordsOfParent(text);
    return isSecret(name) ? [text] : [];
  });
  return longest([
    ...secretsOf(config),
    ...variables,
    ...[...agents, ...stale].map(({ controlToken }) => controlToken),
  ]);
}

/** Variables that edgehop, Node or other programs read for proxies, issuers and the like. */
function toldEnvironment(env: Situation['env']): Record<string, string> {
  const told = Object.entries(env).flatMap(([name, text]) =>
    text === undefined || !isTold(name) ? [] : [[name, valueTold(name, text)] as const],
  );
  return Object.fromEntries(told.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function isTold(name: string): boolean {
  return (
    isOfProxy(name) ||
    /^(EDGEHOP_\w+|NODE_(OPTIONS|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED|USE_ENV_PROXY|USE_SYSTEM_CA)|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|GIT_SSL_CAINFO|NO_COLOR|LANG)$/i.test(
      name,
    )
  );
}

/** A desktop's session is none: its variables hold common words. */
function isSecret(variable: string): boolean {
  return namesSecret(variable) && !/session/i.test(variable);
}

function isOfProxy(name: string): boolean {
  return /_proxy$/i.test(name);
}

function valueTold(name: string, text: string): string {
  if (isSecret(name)) return secret;
  if (isOfProxy(name) && !/^no_/i.test(name)) return parentWithoutSecrets(text);
  if (/^NODE_OPTIONS$/i.test(name)) return optionsIn(text);
  return withoutUserinfo(text);
}

/** Their values may be anything: which options there are is enough. */
function optionsIn(text: string): string {
  const options = text.split(/\s+/).filter((each) => each.startsWith('-'));
  return options.map((each) => each.replace(/=.*$/s, `=${secret}`)).join(' ');
}

function toldAgent({ agent, readiness, configuration, recent, problem }: AgentAccount): DoctorBundle['agents'][number] {
  const { pid, host, port, controlPort, edgePid } = agent;
  return {
    pid,
    host,
    port,
    controlPort,
    ...(edgePid !== undefined && { edgePid }),
    ...(readiness !== undefined && { readiness }),
    ...(configuration !== undefined && { configuration }),
    recent: recent.map(toldExchange),
    ...(problem !== undefined && { problem }),
  };
}

/** Without addresses of clients and origins; of URLs without userinfo and query. */
export function toldExchange(record: ExchangeRecord): ToldExchange {
  const {
    client: _c,
    destination: _d,
    rewrittenUrl: _u,
    edgeRoundTripMs: _r,
    tunnel: _t,
    pool: _p,
    upstream,
    ...told
  } = record;
  const { method, url, httpVersion } = record.request;
  const { address: _a, ...reached } = upstream ?? {};
  return {
    ...told,
    request: { method, httpVersion, url: plainUrl(url) },
    ...(upstream !== undefined && { upstream: reached as typeof upstream }),
  };
}

function plainUrl(url: string): string {
  return withoutUserinfo(url).replace(/[?#].*$/s, '');
}

function everyText(value: unknown, show: (text: string) => string): unknown {
  if (typeof value === 'string') return show(value);
  if (Array.isArray(value)) return value.map((each) => everyText(each, show));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, everyText(each, show)]));
}
