// The log for people: what happened when, told as it happens, and what an exchange came to.
import { styleText } from 'node:util';
import { isoMicroseconds } from '../clock.ts';
import type { Clock, Instant, Observer, Trace } from '../proxy/ports.ts';
import { roundTripMs, tunnelDurationMs } from '../proxy/trace.ts';
import type { LineSink } from './sink.ts';
import {
  cacheInWords,
  closeInWords,
  poolInWords,
  printable,
  routeInWords,
  rulesInWords,
  socketInWords,
  transformInWords,
} from './words.ts';

/** Prints the story of every connection and exchange, each event with its exact time (UTC). */
export function prettyLog(sink: LineSink, clock: Clock, hasColour: boolean): Observer {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    hasColour ? styleText(format, text, { validateStream: false }) : text;
  const time = (at: Instant | undefined) => style('dim', isoMicroseconds(clock.wallTime(at ?? clock.now())).slice(11));
  const line = (at: Instant | undefined, subject: string, event: string) =>
    sink.write(`${time(at)}  ${subject.padEnd(6)} ${event}`);
  const exchange = (trace: Trace) => `#${shortId(trace)}`;
  return {
    connectionAccepted: ({ number, address, port, acceptedAt }, active) =>
      line(acceptedAt, `(${number})`, `connection accepted from ${address}:${port}, ${active} active`),
    connectionClosed: ({ number }, closedAt, active) =>
      line(closedAt, `(${number})`, `connection closed, ${active} active`),
    requestReceived: (trace) =>
      line(
        trace.stamps['request-received'],
        exchange(trace),
        `request received   ${style('bold', `${trace.method} ${printable(trace.url)}`)}${addressInWords(trace)}`,
      ),
    requestRelayed: (trace) =>
      line(
        trace.stamps['request-relayed'],
        exchange(trace),
        `request forwarded  ${routeInWords(trace.route)}${rewriteInWords(trace)}`,
      ),
    responseReceived: (trace) =>
      line(
        trace.stamps['response-received'],
        exchange(trace),
        trace.kind === 'tunnel' ? `tunnel open        ${printable(authorityOf(trace))}` : 'response received',
      ),
    serverNamed: (trace) => {
      const name = trace.tunnel?.tls?.serverName;
      if (name === undefined || name === trace.host) return;
      line(undefined, exchange(trace), `TLS server name    ${printable(name)}`);
    },
    finished: (trace) => {
      for (const [at, event] of endings(trace, clock, style)) line(at, exchange(trace), event);
    },
  };
}

type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

function endings(trace: Trace, clock: Clock, style: Style): [Instant | undefined, string][] {
  const { stamps, failure, response, fromClient, toClient, retries } = trace;
  const lines: [Instant | undefined, string][] = [];
  if (trace.tunnel?.state.kind === 'closed') {
    const { at, close } = trace.tunnel.state;
    const parts = [
      `tunnel closed      ${fromClient} octets up, ${toClient} down`,
      `open for ${inMilliseconds(tunnelDurationMs(trace, clock))}`,
      closeInWords(close),
      routeInWords(trace.route),
      ...poolInWords(trace.pool),
      ...rulesInWords(trace),
    ];
    return [[at, parts.join(' · ')]];
  }
  if (failure !== undefined) {
    const { error, source } = failure;
    lines.push([
      undefined,
      `${style('red', `failed             ${error.type}`)} (${source}): ${printable([error.message, error.advice ?? ''].join(' ').trimEnd())}`,
    ]);
  }
  if (stamps['response-sent'] === undefined) return lines;
  lines.push([
    stamps['response-sent'],
    `response sent      ${response === undefined ? '-' : answerOf(trace, response)}, ${toClient} octets`,
  ]);
  const cache = cacheInWords(trace.cache);
  const parts = [
    `round trip ${inMilliseconds(roundTripMs(trace))}`,
    ...cache,
    ...(trace.route === undefined && cache.length > 0 ? [] : [routeInWords(trace.route)]),
    ...edgeInWords(trace),
    ...transformInWords(trace.transform),
    ...poolInWords(trace.pool),
    ...rulesInWords(trace),
  ];
  if (retries > 0) parts.push(`${retries} retry`);
  lines.push([stamps['response-sent'], style('green', parts.join(' · '))]);
  return lines;
}

/** SOCKS has codes of its own. */
function answerOf({ method }: Trace, { status, reason }: NonNullable<Trace['response']>): string {
  return method === 'SOCKS5' ? printable(reason) : String(status);
}

/** What only the edge saw, with how far its clock may be mistaken. */
function edgeInWords({ edge }: Trace): string[] {
  if (edge === undefined) return [];
  const { stages, upstream, errorMs, roundTrip } = edge;
  const requested = stages['upstream-requested'];
  const responded = stages['upstream-responded'];
  const words: string[] = [];
  if (requested !== undefined && responded !== undefined) words.push(`origin ${inMilliseconds(responded - requested)}`);
  if (upstream !== undefined) words.push(socketInWords(upstream));
  if (roundTrip !== undefined) words.push(`way to the edge and back ${inMilliseconds(roundTrip.latestMs)}`);
  words.push(`edge clock ±${inMilliseconds(errorMs)}`);
  return words;
}

function authorityOf({ host, port }: Trace): string {
  return `${host}:${port}`;
}

function addressInWords({ host, address }: Trace): string {
  return address === undefined || address === host || `[${address}]` === host ? '' : ` (${address})`;
}

function rewriteInWords({ rewrittenUrl }: Trace): string {
  return rewrittenUrl === undefined ? '' : ` to ${printable(rewrittenUrl)}`;
}

function inMilliseconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '-' : `${milliseconds.toFixed(3)} ms`;
}

function shortId({ id }: Trace): string {
  return id.slice(id.indexOf('-') + 1);
}
