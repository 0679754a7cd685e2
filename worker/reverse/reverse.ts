// Reverse routes of a deployed worker: public, to targets of its owner, by host and path.
import type { MiddlewareHandler } from 'hono';
import { parseHostField } from '../../http/authority.ts';
import { reverseRouteOf } from '../../http/reverse-route.ts';
import { policyOf } from '../admit/admit.ts';
import { networkOf } from '../dial/network.ts';
import type { Env } from '../env.ts';
import { problem } from '../finish/problem.ts';
import type { Walk } from '../walk.ts';
import { carry } from './carry.ts';
import { type Configured, configuredReverse } from './configured.ts';

/** Answers a request that a route fits; lets all others pass. */
export const reverse: MiddlewareHandler<{ Bindings: Env; Variables: Walk }> = async (c, next) => {
  const configured = reverseOf(c.env);
  if (configured.kind === 'none' || isOwnPath(c.req.path)) return next();
  if (configured.kind === 'wrong') return problem(503, 'This service is not set up.');
  const url = new URL(c.req.url);
  const host = parseHostField(url.host);
  const path = url.href.slice(url.origin.length);
  const route = host.kind === 'authority' ? reverseRouteOf(configured.routes, host.host, path) : undefined;
  const pool = route && configured.pools[route.pool];
  if (route === undefined || pool === undefined) return next();
  return carry(c, { route, pool, url, path });
};

/** What is the worker's own is nobody's route, however it is spelt. */
function isOwnPath(path: string): boolean {
  return /^\/v1(?:\/|$)/i.test(path);
}

let known: { readonly text: string | undefined; readonly configured: Configured } | undefined;

/** Read once in an isolate, as long as the variable is the same. Plain data, so it may cross requests. */
function reverseOf(env: Env): Configured {
  const text = env.EDGEHOP_REVERSE;
  if (known === undefined || known.text !== text) {
    const judging = { policy: policyOf(env.EDGEHOP_EMBEDDED), fetchesAddresses: networkOf(env).isEmbedded };
    known = { text, configured: configuredReverse(text, judging) };
    if (known.configured.kind === 'wrong') console.error(known.configured.because);
  }
  return known.configured;
}
