// Finds a free port, and asks a server on this machine until it answers as it must.
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadRequest } from './load.ts';
import type { Running } from './process.ts';

export interface Answer {
  readonly status: number;
  readonly octets: number;
}

const answerTimeoutMs = 5_000;
const startTimeoutMs = 60_000;

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks every `pollMs` until an answer satisfies. Throws, having ended the server, when none does in time. */
export async function untilAnswered(
  asked: LoadRequest,
  satisfies: (answer: Answer) => boolean,
  { running, pollMs, signal }: { readonly running: Running; readonly pollMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
  const { child, ended } = running;
  let last = 'no answer';
  while (child.exitCode === null && child.signalCode === null && !deadline.aborted) {
    try {
      const answer = await ask(asked, deadline);
      if (satisfies(answer)) return;
      last = `status ${answer.status} with ${answer.octets} octets`;
    } catch (cause) {
      last = cause instanceof Error ? cause.message : String(cause);
    }
    await sleep(pollMs);
  }
  await running[Symbol.asyncDispose]();
  signal.throwIfAborted();
  throw new Error(`${last}, until it ended: ${await ended}`);
}

/** One request on a connection of its own. */
function ask({ port, method, target, fields }: LoadRequest, deadline: AbortSignal): Promise<Answer> {
  const signal = AbortSignal.any([deadline, AbortSignal.timeout(answerTimeoutMs)]);
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path: target, headers: fields, agent: false, signal }, (response) => {
      let octets = 0;
      response.on('data', (piece: Buffer) => {
        octets += piece.length;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, octets }));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}
