// What `edgehop edge` says of edges, for people.
import { styleText } from 'node:util';
import type { Hello } from '../../schemas/api.ts';
import type { EdgeGreeting, EdgeStatus } from '../../schemas/edge-status.ts';
import { printable } from '../log/words.ts';

type Style = (style: 'bold' | 'green' | 'red', text: string) => string;

/** All edges, with a star before the one in use. */
export function statusInWords(status: EdgeStatus, hasColour: boolean): string {
  const style: Style = (name, text) => (hasColour ? styleText(name, text, { validateStream: false }) : text);
  const { inUse, edges, agents } = status;
  const width = Math.max('embedded'.length, ...edges.map(({ name }) => name.length));
  const title = (name: string, text: string) =>
    `${name === inUse ? '*' : ' '} ${style('bold', name.padEnd(width))}  ${text}`;
  const indented = (line: string) => `  ${' '.repeat(width)}  ${line}`;
  return [
    title('embedded', 'workerd on this machine, a part of the agent'),
    ...edges.flatMap(({ name, url, greeting }) => [
      title(name, printable(url)),
      ...greetingLines(greeting, style).map(indented),
    ]),
    ...(inUse === 'none' ? ['* none: every exchange goes directly'] : []),
    '',
    ...(agents.length === 0 ? ['No agent is running.'] : agents.map(agentInWords)),
  ].join('\n');
}

/** What an edge says of itself, in one line. */
export function helloInWords({ version, colo, cacheStore, tunnels }: Hello): string {
  return [
    `version ${version}`,
    ...(colo === undefined ? [] : [`data centre ${printable(colo)}`]),
    cacheStore === 'none' ? 'no cache' : `cache in ${cacheStore}`,
    tunnels ? 'tunnels' : 'no tunnels',
  ].join(', ');
}

function greetingLines(greeting: EdgeGreeting, style: Style): readonly string[] {
  if (greeting.kind === 'unavailable') return [`${style('red', 'does not answer')}: ${printable(greeting.because)}`];
  const { roundTripMs, firstAnswerMs, clockOffsetMs, clockErrorMs } = greeting;
  const direction = clockOffsetMs < 0 ? 'behind' : 'ahead of';
  return [
    `${style('green', 'answers')}: ${helloInWords(greeting.hello)}`,
    `round trip ${ms(roundTripMs)}, first answer with connecting ${ms(firstAnswerMs)}`,
    `its clock is ${ms(Math.abs(clockOffsetMs))} ${direction} this machine's, give or take ${ms(clockErrorMs)}`,
  ];
}

function agentInWords({ port, edge }: EdgeStatus['agents'][number]): string {
  const words = {
    none: 'uses no edge',
    starting: 'waits for its edge to start',
    ready: 'says that its edge is ready',
    unavailable: 'says that its edge is not available',
    unknown: 'does not answer on its control port',
  } as const;
  return `The agent on port ${port} ${words[edge]}.`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
