// Puts one target under load with wrk, and reads what wrk has counted.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { searchEnvironment } from './process.ts';

/** The request that is sent over and over, in printable ASCII. HTTP/1.1 keeps the connection without being asked. */
export interface LoadRequest {
  readonly port: number;
  readonly method: 'GET' | 'POST';
  /** As it stands in the request line; absolute to a proxy. */
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What wrk counted. `octets` are of whole messages; `status` counts what is 400 or above; `timeout` what took longer than two seconds. */
const counted = z.strictObject({
  requests: z.int(),
  durationUs: z.number().positive(),
  octets: z.int(),
  errors: z.strictObject({ connect: z.int(), read: z.int(), write: z.int(), status: z.int(), timeout: z.int() }),
  p50Us: z.number(),
  p99Us: z.number(),
});

export type Load = z.infer<typeof counted>;

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Where the script for wrk is written. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Begins the line in wrk's output that our script writes. */
const mark = 'edgehop-bench ';

/** The version of wrk, or undefined when it is not installed. */
export async function wrkVersion(): Promise<string | undefined> {
  // It prints its usage and ends with 1.
  const { stdout, code } = await run(['-v']).catch((cause: { stdout?: string; code?: string | number }) => cause);
  return code === 'ENOENT' ? undefined : (/^wrk (\S+)/.exec(stdout ?? '')?.[1] ?? 'of unknown version');
}

/** Sends a request over and over, a new one as soon as one is answered. Rejects with what wrk says when it cannot. */
export async function applyLoad(request: LoadRequest, options: LoadOptions): Promise<Load> {
  const script = join(options.folder, `${request.port}.lua`);
  await writeFile(script, wrkScript(request));
  // One thread keeps up with all targets and leaves the other processors to them.
  const args = ['-t1', `-c${options.connections}`, `-d${options.seconds}s`, '-s', script];
  const { stdout } = await run([...args, `http://127.0.0.1:${request.port}/`], options.signal);
  return parseWrk(stdout);
}

/** A script without a `request` function: wrk then sends octets prepared once, and Lua takes no part in the load. */
export function wrkScript({ method, target, fields }: LoadRequest): string {
  return [
    `wrk.method = ${quoted(method)}`,
    `wrk.path = ${quoted(target)}`,
    ...Object.entries(fields).map(([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`),
    ...(method === 'POST' ? ['wrk.body = ""'] : []), // wrk then says Content-Length: 0, as the agent does
    'done = function(summary, latency, requests)',
    '  local errors = summary.errors',
    '  io.write(string.format(',
    `    '${mark}{"requests":%d,"durationUs":%d,"octets":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},"p50Us":%.0f,"p99Us":%.0f}\\n',`,
    '    summary.requests, summary.duration, summary.bytes,',
    '    errors.connect, errors.read, errors.write, errors.status, errors.timeout,',
    '    latency:percentile(50), latency:percentile(99)))',
    'end',
    '',
  ].join('\n');
}

/** What wrk counted, out of all that it prints. Throws when that is missing or malformed. */
export function parseWrk(output: string): Load {
  const line = output.split('\n').find((candidate) => candidate.startsWith(mark));
  if (line === undefined) throw new Error(`wrk has counted nothing. It said:\n${output}`);
  return counted.parse(JSON.parse(line.slice(mark.length)));
}

function quoted(text: string): string {
  return JSON.stringify(text); // for printable ASCII a Lua string literal as well
}

function run(args: readonly string[], signal?: AbortSignal): Promise<{ stdout: string; code?: string | number }> {
  return promisify(execFile)('wrk', args, { env: searchEnvironment(), ...(signal !== undefined && { signal }) });
}
