// Work that goes on when the reply has been given, or the agent has left.
import type { ExchangeContext } from './reply.ts';

/** Asks the platform to let it end: it does for some 30 s. The work never rejects, and bounds itself. */
export function inBackground(c: ExchangeContext, work: Promise<unknown>): void {
  c.executionCtx.waitUntil(work);
}
