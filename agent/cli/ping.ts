// `edgehop ping`: how long it takes to reach a host, by route, over several attempts.
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalAddress } from '../../http/address.ts';
import type { PingReport, PingRoute } from '../../schemas/api.ts';
import { config } from '../../schemas/config.ts';
import { type Clock, machineClock } from '../clock.ts';
import { createResolver, systemLookup } from '../proxy/admit/resolver.ts';
import { Exit } from './exit.ts';
import { type Attempt, attempt, type PingRouteChoice, type PingTarget } from './ping-attempt.ts';
import { pingRouteOf } from './ping-report.ts';
import { pingInWords, timesInWords } from './ping-words.ts';
import { addressOf, namedProxy, type ProxyOptions, runningAgent } from './running-agent.ts';
import { onAskedToEnd } from './signals.ts';
import { hostOfUrl, portOfUrl, urlOf } from './url-of.ts';

export interface PingOptions extends ProxyOptions {
  readonly direct?: boolean;
  /** By both routes in turn. */
  readonly compare?: boolean;
  readonly tls?: boolean;
  readonly http?: boolean;
  readonly method: 'HEAD' | 'GET';
  readonly count: number;
  /** Milliseconds between the end of an attempt and the next one. */
  readonly interval: number;
  /** Milliseconds for one attempt. */
  readonly timeout: number;
  readonly json?: boolean;
}

/** Makes the attempts and prints the report: words, or one JSON object. Progress goes to stderr. */
export async function ping(named: string, options: PingOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const clock = machineClock();
  const target = targetOf(named, options);
  const series = await Promise.all(routesOf(target, options, env, clock));
  const given = new AbortController();
  onAskedToEnd(() => given.abort());
  await measure(target, series, options, clock, given.signal);
  const report: PingReport = {
    target: target.authority,
    tls: target.tls,
    ...(target.http !== undefined && { http: target.http }),
    routes: series.map(({ route, name, lookupMs, attempts }) => pingRouteOf(route.kind, name, attempts, lookupMs)),
  };
  console.log(
    options.json === true
      ? JSON.stringify(report)
      : pingInWords(report, process.stdout.isTTY === true && !env['NO_COLOR']),
  );
  if (given.signal.aborted) throw new Exit('interrupted', 'interrupted before the last attempt.');
  const dead = report.routes.find(({ phases }) => phases.total === undefined);
  if (dead !== undefined) throw new Exit('failed', `no attempt ${dead.name} came through.`);
}

function targetOf(named: string, { tls, http, method }: PingOptions): PingTarget {
  const url = urlOf(named, tls === true ? 'https' : 'http');
  const port = portOfUrl(url);
  return {
    host: hostOfUrl(url),
    port,
    authority: `${url.hostname}:${port}`,
    tls: tls === true || url.protocol === 'https:',
    http: http === true ? { method, path: `${url.pathname}${url.search}` } : undefined,
  };
}

interface Series {
  readonly route: PingRouteChoice;
  readonly name: PingRoute['name'];
  readonly lookupMs: number | undefined;
  readonly attempts: Attempt[];
}

function routesOf(
  target: PingTarget,
  { port, proxy, direct, compare }: PingOptions,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): (Series | Promise<Series>)[] {
  const series: (Series | Promise<Series>)[] = [];
  if (direct !== true) {
    const through =
      proxy === undefined
        ? addressOf(runningAgent(port, env, ', or measure without one with --direct'))
        : namedProxy(proxy);
    const route = { kind: 'proxy', proxy: through } as const;
    series.push({ route, name: `through ${through.name}`, lookupMs: undefined, attempts: [] });
  }
  if (direct === true || compare === true) series.push(directly(target.host, clock));
  return series;
}

/** The name is looked up once, so that it is in no attempt's time. */
async function directly(host: string, clock: Clock): Promise<Series> {
  const startedAt = clock.now();
  const literal = canonicalAddress(host);
  if (literal !== undefined) return { ...direct([literal]), lookupMs: undefined };
  const found = await createResolver(systemLookup, clock, config.parse({}).limits)(host);
  if (found.kind === 'failed') throw new Exit('failed', `${host}: ${found.error.message}`);
  return { ...direct(found.addresses), lookupMs: clock.now() - startedAt };
}

function direct(addresses: readonly string[]): Omit<Series, 'lookupMs'> {
  return { route: { kind: 'direct', addresses }, name: 'directly', attempts: [] };
}

/**
 * One attempt by each route in turn, so that what changes over time changes for all of them. Those of number 0 count for
 * nothing: in them this program runs each of its lines for the first time.
 */
async function measure(
  target: PingTarget,
  series: readonly Series[],
  { count, interval, timeout }: PingOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (let number = 0; number <= count; number++) {
    for (const { route, name, attempts } of series) {
      const made = await attempt(target, route, { clock, timeoutMs: timeout, signal });
      if (signal.aborted) return;
      if (made.kind === 'refused') throw new Exit('failed', `${target.authority} is refused: ${made.because}`);
      if (number > 0) attempts.push(made);
      const outcome = made.kind === 'measured' ? timesInWords(made.times) : `failed in ${made.phase}: ${made.because}`;
      console.error(`edgehop: ${number === 0 ? 'not counted' : number}, ${name}: ${outcome}`);
    }
    if (number < count) await sleep(interval, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}
