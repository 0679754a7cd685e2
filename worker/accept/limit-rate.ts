// How much the bearer of a token may ask: as the platform's rate limit counts it, where one is bound. RFC 6585 4.
import type { MiddlewareHandler } from 'hono';
import type { Env } from '../env.ts';
import { problem } from '../finish/problem.ts';
import type { Walk } from '../walk.ts';

/** The longest period that the platform has. A worker is not told which one its binding has. */
const retryAfterSeconds = 60;

/** Lets a request pass that its token still may make; else 429, which the agent takes for a quota. */
export const limitRate: MiddlewareHandler<{ Bindings: Env; Variables: Walk }> = async (c, next) => {
  if (c.env.RATE_LIMIT === undefined || (await c.env.RATE_LIMIT.limit({ key: c.get('token') })).success) return next();
  return problem(429, 'The bearer of this token asks more often than this edge allows.', {
    advice: 'Wait, or raise the limit of [[ratelimits]] in wrangler.toml.',
    fields: { 'retry-after': String(retryAfterSeconds) },
  });
};
