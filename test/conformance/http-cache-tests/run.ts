// One run of the suite through one subject: origin, subject and client in processes of their own.
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Running, startProcess } from '../../../bench/process.ts';
import type { Arrivals } from './origin.ts';
import type { Results } from './score.ts';
import { type SubjectName, startSubject } from './subjects.ts';
import type { Suite } from './suite.ts';

export interface Run {
  /** Of the subject. */
  readonly version: string;
  readonly results: Results;
}

export interface RunOptions {
  /** One test only, with all that it sends and receives on stderr. */
  readonly only?: string;
  readonly scratch: string;
  readonly signal: AbortSignal;
}

const maxRunMs = 900_000;
const maxAnswerMs = 30_000;

/** Throws when the subject has ended, or the requests did not come by it: then the results mean nothing. */
export async function runSuite(
  { folder, tests }: Suite,
  name: SubjectName,
  { only, scratch, signal }: RunOptions,
): Promise<Run> {
  await using origin = await startScript('origin.ts', [folder], scratch);
  const { port } = await told<{ readonly port: number }>(origin, maxAnswerMs, signal);
  await using subject = await startSubject(name, scratch, signal);
  const { version, proxyPort } = subject;
  const base = `http://127.0.0.1:${port}`;
  const args = [folder, base, String(proxyPort ?? ''), ...(only === undefined ? [] : [only])];
  await using client = await startScript('client.ts', args, scratch);
  const results = await told<Results>(client, maxRunMs, signal);
  origin.child.send('how many requests?');
  const { proxied, direct } = await told<Arrivals>(origin, maxAnswerMs, signal);
  const [expected, strange] = proxyPort === undefined ? [direct, proxied] : [proxied, direct];
  const least = only === undefined ? tests.length : 1; // each test tells the origin at least what it is
  if (!subject.isRunning() || strange > 0 || expected < least) {
    throw new Error(`${name}: ${proxied} requests came by a proxy and ${direct} did not, at least ${least} expected`);
  }
  return { version, results };
}

function startScript(script: string, args: readonly string[], cwd: string): Promise<Running> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  return startProcess({ file: process.execPath, args: [file, ...args], cwd, stdout: 2, channel: true });
}

async function told<Message>({ child, ended }: Running, maxMs: number, signal: AbortSignal): Promise<Message> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(maxMs)]);
  const end = ended.then((how) => {
    throw new Error(`a child process ended: ${how}`);
  });
  const [message] = await Promise.race([once(child, 'message', { signal: deadline }), end]);
  return message as Message;
}
