// Starts edgehop as a person would, in a folder of its own, and reads the log that it writes.
import { createReadStream } from 'node:fs';
import { mkdtemp, open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readStates } from '../agent/control/state-file.ts';
import { processExists, processIsWorkerd } from '../agent/machine/processes.ts';
import { version } from '../agent/version.ts';
import { freePort, untilAnswered } from './probe.ts';
import { type Running, startProcess } from './process.ts';
import { isContent, proxied, type StartPorts, type Target, type TargetName } from './target.ts';

export interface StartedEdgehop extends Target {
  /** From the spawn until `GET /ready` on the control port was 200. */
  readonly readyAfterMs: number;
}

const command = fileURLToPath(new URL('../bin/edgehop.js', import.meta.url));
/** Often enough to time a start, seldom enough not to slow it. */
const readyPollMs = 5;
const logPollMs = 100;

/** Edge, log and cache of each target of ours. */
const kinds = {
  'edgehop-edge': { edge: 'embedded', form: 'json', cache: true },
  'edgehop-direct': { edge: 'none', form: 'json', cache: true },
  'edgehop-quiet': { edge: 'none', form: 'quiet', cache: false },
} as const satisfies Partial<Record<TargetName, object>>;

export type EdgehopName = keyof typeof kinds;

/** Starts an agent, everything else on. Throws when it does not become ready. `settings`: what its configuration says. */
export async function startEdgehop(
  name: EdgehopName,
  { folder, originPort, signal }: StartPorts,
  settings: object = {},
): Promise<StartedEdgehop> {
  const { edge, form, cache } = kinds[name];
  const home = await mkdtemp(join(folder, `${name}-`));
  const log = join(home, 'exchanges.jsonl');
  const [port, controlPort] = [await freePort(), await freePort()];
  await using descriptor = await open(log, 'a'); // appending: the file may be emptied meanwhile
  const config = join(home, 'edgehop.jsonc');
  await writeFile(config, JSON.stringify(cache ? settings : { cache: { agent: false, edge: 'off' }, ...settings }));
  const options = ['--config', config, '--edge', edge, '--port', String(port), '--control-port', String(controlPort)];
  signal.throwIfAborted();
  const startedAt = performance.now();
  const running = await startProcess({
    file: process.execPath,
    args: [command, 'start', '--log', form, '--allow-private', ...options],
    cwd: home,
    env: { ...process.env, EDGEHOP_HOME: home },
    stdout: descriptor.fd,
    channel: true,
  });
  const dispose = () => endEdgehop(running, join(home, 'state'));
  try {
    const ready = { port: controlPort, method: 'GET', target: '/ready', fields: {} } as const;
    await untilAnswered(ready, ({ status }) => status === 200, { running, pollMs: readyPollMs, signal });
    const readyAfterMs = performance.now() - startedAt;
    const request = proxied(port, originPort);
    await untilAnswered(request, isContent, { running, pollMs: readyPollMs, signal });
    const logged = (lines: number) => takeLines(log, lines);
    return {
      name,
      version: version(),
      request,
      processId: running.child.pid as number,
      ...(form === 'json' && { logged }),
      readyAfterMs,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (cause) {
    await dispose();
    throw cause;
  }
}

/** Ends the agent, which ends its workerd; had the agent to be killed, it could not. */
async function endEdgehop(running: Running, stateFolder: string): Promise<void> {
  await running[Symbol.asyncDispose]();
  for (const { edgePid } of readStates(stateFolder, processExists).stale) {
    if (edgePid !== undefined && processIsWorkerd(edgePid)) process.kill(edgePid, 'SIGKILL');
  }
}

/** Counts the lines once they are as many as expected or grow no more, then empties the file. */
async function takeLines(log: string, expected: number): Promise<number> {
  let [before, lines] = [-1, await countLines(log)];
  while (lines < expected && lines > before) {
    await sleep(logPollMs);
    [before, lines] = [lines, await countLines(log)];
  }
  await truncate(log);
  return lines;
}

async function countLines(file: string): Promise<number> {
  let lines = 0;
  for await (const piece of createReadStream(file)) {
    for (const octet of piece as Buffer) if (octet === 0x0a) lines++;
  }
  return lines;
}
