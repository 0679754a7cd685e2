// `edgehop get`: one request, with every time that can be known of it.
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { GetReport } from '../../schemas/api.ts';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import { isoMicroseconds, machineClock } from '../clock.ts';
import { describeMachine } from '../machine/machine.ts';
import { recordOfClient } from './control-client.ts';
import { Exit } from './exit.ts';
import { type Fetched, fetchOnce } from './get-request.ts';
import { reportInWords } from './get-words.ts';
import { addressOf, namedProxy, runningAgent, urlOfProxy } from './running-agent.ts';
import { urlOf } from './url-of.ts';

export interface GetOptions {
  readonly port?: number;
  readonly proxy?: string;
  readonly direct?: boolean;
  readonly json?: boolean;
  readonly output?: string;
}

/** The most content that is kept in memory to be shown; what is saved has no bound. */
const maxShownBytes = 1024 * 1024;

/** Gets a URL and prints the report: words, or one JSON object. */
export async function get(named: string | undefined, options: GetOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const url = urlOf(named ?? (await asked())).href;
  const agent =
    options.proxy === undefined && options.direct !== true
      ? runningAgent(options.port, env, ', or measure without one with --direct')
      : undefined;
  const proxy =
    options.proxy === undefined ? agent && urlOfProxy(addressOf(agent)) : urlOfProxy(namedProxy(options.proxy));
  const output = options.output === undefined ? undefined : createWriteStream(options.output);
  const [machine, fetched] = await Promise.all([
    describeMachine(),
    fetchOnce({ url, proxy, clock: machineClock(), keepBytes: maxShownBytes, output }),
  ]).catch((cause: Error) => {
    throw new Exit('failed', `no response from ${url}: ${cause.message || (cause as NodeJS.ErrnoException).code}`);
  });
  await closed(output, options.output);
  const record = agent === undefined ? undefined : await recordOfClient(agent, fetched);
  const report = reportOf(url, machine, fetched, record, options.output);
  console.log(
    options.json === true
      ? JSON.stringify(report)
      : reportInWords(report, options.output, process.stdout.isTTY === true && !env['NO_COLOR']),
  );
  if (fetched.isCut) throw new Exit('failed', 'the content stopped before its end.');
}

/** Asks for the URL: with a prompt in a terminal, else the first line of stdin. */
async function asked(): Promise<string> {
  if (process.stdin.isTTY === true) {
    const { isCancel, text } = await import('@clack/prompts');
    const answer = await text({
      message: 'URL, host or IP to get',
      placeholder: 'example.com',
      validate: (value) => (value ? undefined : 'Type a URL, a host or an IP address.'),
    });
    if (isCancel(answer)) throw new Exit('interrupted', 'nothing was asked for.');
    return answer;
  }
  for await (const line of createInterface({ input: process.stdin })) return line;
  throw new Exit('usage', 'name a URL, host or IP address: edgehop get example.com');
}

function reportOf(
  url: string,
  { hostname, card }: Awaited<ReturnType<typeof describeMachine>>,
  fetched: Fetched,
  record: ExchangeRecord | undefined,
  output: string | undefined,
): GetReport {
  const text = output === undefined ? fetched.text : undefined;
  return {
    machine:
      card.kind === 'none'
        ? { hostname, physical: false, because: card.because }
        : {
            hostname,
            ...(card.address !== undefined && { address: card.address }),
            mac: card.mac,
            card: card.name,
            physical: card.physical,
            because: card.physical ? card.because : card.reason,
          },
    request: { method: 'GET', url, fields: fetched.requestFields, sentAt: isoMicroseconds(fetched.sentAt) },
    response: {
      status: fetched.status,
      reason: fetched.reason,
      httpVersion: fetched.httpVersion,
      fields: fetched.fields,
      receivedAt: isoMicroseconds(fetched.receivedAt),
      endedAt: isoMicroseconds(fetched.endedAt),
      octets: fetched.octets,
      ...(text !== undefined && { text }),
    },
    roundTripMs: Math.round((fetched.endedAt - fetched.sentAt) * 1000) / 1000,
    ...(record !== undefined && { exchange: record }),
  };
}

async function closed(output: Writable | undefined, name: string | undefined): Promise<void> {
  if (output === undefined) return;
  output.end();
  await finished(output).catch((cause: Error) => {
    throw new Exit('failed', `the content cannot be saved in ${name}: ${cause.message}`);
  });
}
