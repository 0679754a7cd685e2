// What this edge is and can do, for an agent that has just met it.
import type { Context } from 'hono';
import type { Hello } from '../schemas/api.ts';
import { maxEnvelopeBytes, maxHeadBytes, relayVersion } from '../schemas/relay.ts';
import { storeOf } from './cache/choose-store.ts';
import { clock } from './clock.ts';
import type { Env } from './env.ts';
import type { Walk } from './walk.ts';

/** `GET /v1/hello`. */
export function hello(c: Context<{ Bindings: Env; Variables: Walk }>): Response {
  const colo = (c.req.raw.cf as { readonly colo?: string } | undefined)?.colo;
  const answer: Hello = {
    version: relayVersion,
    limits: { maxHeadBytes, maxEnvelopeBytes },
    ...(colo !== undefined && { colo }),
    cacheStore: storeOf(c.env, c.req.url)?.name ?? 'none',
    tunnels: false,
    edgeTimeMs: clock.now(),
  };
  return c.json(answer, 200, { 'cache-control': 'no-store' });
}
