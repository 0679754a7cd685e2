// Asks the targets of a pool now and then whether they are well: one check of a target at a time, the next after its end.
import { hopName } from '../../http/via.ts';
import type { Pool } from '../../schemas/pool.ts';
import type { UpstreamClient } from '../proxy/ports.ts';
import { noteCheck } from './health.ts';
import type { LivePool, LiveTarget } from './pool.ts';

export type Check = NonNullable<Pool['check']>;

/** Octets of an answer that are held until it is known whether it is well; its content is not wanted. */
const maxOctetsHeld = 16 * 1024;

/** Begins to check every target at once, and again after each interval. Gives what ends it. */
export function checkTargets(pool: LivePool, check: Check, client: UpstreamClient): () => void {
  let isOver = false;
  const running = new Set<() => void>();
  const timers = new Map<LiveTarget, NodeJS.Timeout>();
  const again = async (target: LiveTarget): Promise<void> => {
    const failure = await checked(target.name, check, client, (cancel) => {
      running.add(cancel);
      return () => running.delete(cancel);
    });
    if (isOver) return;
    noteCheck(target.health, failure, check);
    const timer = setTimeout(() => void again(target), check.intervalMs);
    timer.unref();
    timers.set(target, timer);
  };
  for (const target of pool.targets) void again(target);
  return () => {
    isOver = true;
    for (const timer of timers.values()) clearTimeout(timer);
    for (const cancel of running) cancel();
  };
}

/** Why a target is not well, if it is not: a fragment for people. */
async function checked(
  origin: string,
  { path, timeoutMs }: Check,
  client: UpstreamClient,
  begin: (cancel: () => void) => () => void,
): Promise<string | undefined> {
  const cancels: (() => void)[] = [];
  const cancel = () => {
    for (const each of cancels) each();
  };
  const end = begin(cancel);
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    cancel();
  }, timeoutMs);
  const answer = await client.send({
    origin,
    method: 'GET',
    path,
    fields: [
      ['Host', new URL(origin).host],
      ['User-Agent', `${hopName}-check`],
      ['Connection', 'close'],
    ],
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    maxOctetsHeld,
    onLeave: (leave) => cancels.push(leave),
  });
  clearTimeout(deadline);
  end();
  if (answer.kind === 'failed') {
    return isLate ? `a check was not answered within ${timeoutMs} ms` : `a check failed: ${answer.error.type}`;
  }
  answer.content.cancel();
  return answer.status < 400 ? undefined : `a check was answered with ${answer.status}`;
}
