// The report of `edgehop get` for people: request, response, content, round trip, stages, this machine.
import { styleText } from 'node:util';
import type { GetReport } from '../../schemas/api.ts';
import { type StageName, stageNames } from '../../schemas/stage.ts';
import {
  cacheInWords,
  poolInWords,
  printable,
  routeInWords,
  rulesInWords,
  socketInWords,
  transformInWords,
} from '../log/words.ts';

/** The report as text. `savedAs` names the file that the content went to. */
export function reportInWords(report: GetReport, savedAs: string | undefined, hasColour: boolean): string {
  const bold = (text: string) => (hasColour ? styleText('bold', text, { validateStream: false }) : text);
  const { machine, request, response, exchange } = report;
  return [
    `${bold('machine')}     ${machine.hostname}, ${machine.address ?? 'no address'}, MAC ${machine.mac ?? 'unknown'}${machine.card === undefined ? '' : ` (${machine.card}, ${machine.physical ? 'physical' : `not physical: ${machine.because}`})`}`,
    '',
    `${bold('request')}     ${request.method} ${printable(request.url)}`,
    `sent at     ${request.sentAt}`,
    ...request.fields.map(fieldLine),
    '',
    `${bold('response')}    HTTP/${response.httpVersion} ${response.status} ${printable(response.reason)}`,
    `received at ${response.receivedAt}`,
    ...response.fields.map(fieldLine),
    '',
    `${bold('content')}     ${contentInWords(report, savedAs)}`,
    ...(response.text === undefined ? [] : [screened(response.text)]),
    '',
    `${bold('round trip')}  ${report.roundTripMs.toFixed(3)} ms, from the request's first octet to the response's last`,
    ...(exchange === undefined
      ? []
      : [
          `${bold('route')}       ${routeInWords(exchange.route)}, exchange ${exchange.id}`,
          ...cacheInWords(exchange.cache).map((words) => `cache       ${words.replace(/^cache /, '')}`),
          ...(exchange.upstream === undefined ? [] : [`upstream    ${socketInWords(exchange.upstream)}`]),
          ...ruleLines(exchange),
          ...destinationLine(exchange),
          '',
          ...waterfall(report, bold),
        ]),
  ].join('\n');
}

function fieldLine([name, value]: readonly [string, string]): string {
  return `  ${printable(name)}: ${printable(value)}`;
}

/** What rules and pools made of it. */
function ruleLines({ rules, shape, rewrittenUrl, transform, pool }: NonNullable<GetReport['exchange']>): string[] {
  return [
    ...rulesInWords({ rules, shape: undefined }).map((words) => `by rule     ${words.replace(/^rules? /, '')}`),
    ...rulesInWords({ rules: undefined, shape }).map((words) => `network     ${words}`),
    ...(rewrittenUrl === undefined ? [] : [`asked for   ${printable(rewrittenUrl)}`]),
    ...transformInWords(transform).map((words) => `content     ${words}`),
    ...poolInWords(pool).map((words) => `pool        ${words.replace(/^pool /, '')}`),
  ];
}

function destinationLine({ destination, error }: NonNullable<GetReport['exchange']>): string[] {
  const lines =
    destination?.address === undefined
      ? []
      : [
          `destination ${destination.host}:${destination.port} at ${destination.address} (known by ${destination.knownBy})`,
        ];
  return error === undefined
    ? lines
    : [...lines, `error       ${error.type} (${error.source}): ${printable(error.message)}`];
}

function contentInWords({ response }: GetReport, savedAs: string | undefined): string {
  const octets = `${response.octets} octets`;
  if (savedAs !== undefined) return `${octets}, saved in ${savedAs}`;
  return response.text === undefined && response.octets > 0 ? `${octets}, not shown: save them with -o FILE` : octets;
}

/** Text of the content, without what could steer the terminal. */
function screened(text: string): string {
  return text
    .replace(/\n$/, '')
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => (character === '\r' ? '' : '?'));
}

const barWidth = 40;

/** One line a stage: when, how long after the first, and where that lies in the whole. */
function waterfall({ exchange }: GetReport, bold: (text: string) => string): string[] {
  if (exchange === undefined) return [];
  const at = (name: StageName) =>
    exchange.stages[name] === undefined ? undefined : microsecondsOf(exchange.stages[name]);
  const shown = stageNames
    .filter((name) => at(name) !== undefined)
    .sort((a, b) => (at(a) as number) - (at(b) as number) || stageNames.indexOf(a) - stageNames.indexOf(b));
  const start = Math.min(...shown.map((name) => at(name) as number));
  const whole = Math.max(1, ...shown.map((name) => (at(name) as number) - start));
  const lines = shown.map((name) => {
    const offset = (at(name) as number) - start;
    const bar = '·'
      .repeat(Math.round((offset / whole) * barWidth))
      .padEnd(barWidth, ' ')
      .replace(/^(·*) ?/, '$1▏');
    return `  ${name.padEnd(19)} ${exchange.stages[name]}  +${(offset / 1000).toFixed(3).padStart(9)} ms  ${bar.trimEnd()}`;
  });
  const error =
    exchange.clockErrorMs === undefined
      ? []
      : [
          `  the edge's clock is ${aheadInWords(exchange.clockOffsetMs ?? 0)} this machine's, give or take ${exchange.clockErrorMs.toFixed(3)} ms`,
        ];
  const way = exchange.edgeRoundTripMs;
  const round =
    way === undefined
      ? []
      : [
          `  the way to the edge and back takes ${way.latest.toFixed(3)} ms now, ${way.smoothed.toFixed(3)} ms smoothed, ${way.minimum.toFixed(3)} ms at least`,
        ];
  return [bold('stages'), ...lines, ...error, ...round];
}

function aheadInWords(offsetMs: number): string {
  return `${Math.abs(offsetMs).toFixed(3)} ms ${offsetMs < 0 ? 'behind' : 'ahead of'}`;
}

/** Microseconds since 1970. */
function microsecondsOf(iso: string): number {
  return Date.parse(`${iso.slice(0, 23)}Z`) * 1000 + Number(iso.slice(23, 26));
}
