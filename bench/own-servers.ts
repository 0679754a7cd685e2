// Starts our own servers that are no proxies: the origin server, and the worker alone.
import { randomBytes } from 'node:crypto';
import { processIsWorkerd } from '../agent/machine/processes.ts';
import { version } from '../agent/version.ts';
import { packEnvelope } from '../http/envelope.ts';
import { hopName, viaMember } from '../http/via.ts';
import { type RequestEnvelope, requestEnvelope } from '../schemas/relay.ts';
import type { LoadRequest } from './load.ts';
import { untilAnswered } from './probe.ts';
import { startScript, told } from './process.ts';
import { isContent, type StartPorts, type Target } from './target.ts';

export interface Origin extends Target {
  readonly port: number;
  /** How many requests have come in all. */
  requests(): Promise<number>;
}

interface WorkerPlace {
  readonly port: number;
  readonly workerdPid: number;
}

const pollMs = 20;

export async function startOrigin(folder: string, signal: AbortSignal): Promise<Origin> {
  const { running, message } = await startScript<{ port: number }>('origin.ts', [], folder, signal);
  const { port } = message;
  const request: LoadRequest = { port, method: 'GET', target: '/', fields: {} };
  await untilAnswered(request, isContent, { running, pollMs, signal });
  return {
    name: 'origin',
    version: `node ${process.versions.node}`,
    request,
    processId: running.child.pid as number,
    port,
    requests: async () => {
      running.child.send('how many requests?');
      return (await told<{ requests: number }>(running, signal)).requests;
    },
    [Symbol.asyncDispose]: running[Symbol.asyncDispose],
  };
}

/** The embedded edge as the agent starts it, asked as the agent asks it. */
export async function startWorkerAlone({ folder, originPort, signal }: StartPorts): Promise<Target> {
  const token = randomBytes(32).toString('base64url');
  const { running, message } = await startScript<WorkerPlace>('worker-alone.ts', [token], folder, signal);
  const { port, workerdPid } = message;
  const request: LoadRequest = {
    port,
    method: 'POST',
    target: '/v1/exchange',
    fields: { connection: 'keep-alive', authorization: `Bearer ${token}`, ...envelopeFields(originPort) },
  };
  await untilAnswered(request, isContent, { running, pollMs, signal });
  return {
    name: 'worker-alone',
    version: version(),
    request,
    processId: workerdPid,
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      if (processIsWorkerd(workerdPid)) process.kill(workerdPid, 'SIGKILL');
    },
  };
}

/** What the agent sends for wrk's request; RFC 9110 7.6.3 makes the one field that it adds. */
function envelopeFields(originPort: number): Record<string, string> {
  const envelope: RequestEnvelope = {
    id: '1a2b3c4d-1',
    method: 'GET',
    url: `http://127.0.0.1:${originPort}/`,
    fields: [['Via', viaMember('1.1', `${hopName}-1a2b3c4d`)]],
    content: false,
    upstream: 'fetch',
    addresses: ['127.0.0.1'],
    limits: {
      connectTimeoutMs: 10_000,
      idleTimeoutMs: 300_000,
      maxHeadBytes: 65_536,
      maxFields: 1_000,
      maxInterimResponses: 10,
    },
    headDeadlineMs: 60_000,
  };
  const text = Buffer.from(JSON.stringify(requestEnvelope.parse(envelope))).toString('base64url');
  const packed = packEnvelope(text);
  if (packed.kind === 'too-large') throw new Error('the envelope is too large');
  return Object.fromEntries(packed.fields);
}
