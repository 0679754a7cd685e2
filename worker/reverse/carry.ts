// Carries a request to a target of a pool, and to the next one where the first fails and it may be sent again.
import type { Context } from 'hono';
import { byChance } from '../../http/balance/by-chance.ts';
import { candidates } from '../../http/balance/candidates.ts';
import { rendezvous } from '../../http/balance/rendezvous.ts';
import { isIdempotent } from '../../http/methods.ts';
import { reverseLocation, strippedPath } from '../../http/reverse-route.ts';
import type { EdgeReverse } from '../../schemas/pool.ts';
import { bearsToken } from '../accept/authenticate.ts';
import { clock } from '../clock.ts';
import { networkOf } from '../dial/network.ts';
import type { Env } from '../env.ts';
import type { Walk } from '../walk.ts';
import { askTarget, clientResponse, fieldsOf, type TargetAnswer } from './ask-target.ts';
import { createEjections } from './ejected.ts';
import { clientFields, hasPassedReverse, targetFields } from './fields.ts';
import { isOwnTarget, notCarried, nothingUp, targetFailed } from './refusals.ts';

type Pool = EdgeReverse['pools'][string];

export interface Carried {
  readonly route: EdgeReverse['routes'][number];
  readonly pool: Pool;
  /** By which the route was asked. */
  readonly url: URL;
  /** Path and query of it. */
  readonly path: string;
}

/** Those of this isolate: others learn of a target that fails by themselves. */
const ejections = createEjections();

export async function carry(
  c: Context<{ Bindings: Env; Variables: Walk }>,
  { route, pool, url, path }: Carried,
): Promise<Response> {
  const request = c.req.raw;
  const { method, headers, body } = request;
  const fields = [...headers];
  const refusal = notCarried(method, body !== null, hasPassedReverse(fields));
  if (refusal !== undefined) return refusal;
  const client = headers.get('cf-connecting-ip') ?? undefined;
  const asked = targetFields(fields, {
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    host: url.host,
    httpVersion: (request.cf as { readonly httpProtocol?: string } | undefined)?.httpProtocol,
    client,
    hasOwnToken: await bearsToken(headers.get('authorization'), c.env),
    isWebSocket: headers.get('upgrade')?.toLowerCase() === 'websocket',
  });
  const network = networkOf(c.env);
  const mayRepeat = body === null && isIdempotent(method); // RFC 9110 9.2.2
  const key = pool.balance === 'hash-client' ? (client ?? '') : url.href;
  const tried: string[] = [];
  const doubtful: string[] = [];
  for (;;) {
    const target = chosen(pool, tried, key);
    if (target === undefined) return nothingUp(waitMs(pool));
    const origin = new URL(target);
    if (origin.host === url.host) return isOwnTarget();
    tried.push(target);
    const answer = await askTarget(network, {
      url: origin.origin + strippedPath(route, path),
      method,
      fields: asked,
      request,
    });
    const isFailed = note(target, pool, answer, doubtful);
    if (isFailed && mayRepeat && tried.length < pool.maxTries && chosen(pool, tried, key) !== undefined) {
      if (answer.kind === 'response') void answer.response.body?.cancel();
      continue;
    }
    const name = origin.host;
    if (answer.kind === 'failed') return targetFailed(answer.error, name);
    const { response } = answer;
    const hop = { targetOrigin: origin.origin, clientOrigin: url.origin, route };
    const located = fieldsOf(response.headers).map(([field, value]): [string, string] => [
      field,
      /^(?:content-)?location$/i.test(field) ? reverseLocation(value, hop) : value,
    ]);
    return clientResponse(method, response, clientFields(located, name), (work) => c.executionCtx.waitUntil(work));
  }
}

/** The target to be asked next, if one is left. */
function chosen(pool: Pool, tried: readonly string[], key: string): string | undefined {
  const now = clock.now();
  const targets = pool.targets.map(({ url, weight }) => ({ name: url, weight, isUp: ejections.isUp(url, now) }));
  const left = candidates(targets, tried);
  if (left.length === 0) return undefined;
  return (pool.balance === 'weighted' ? byChance(left, Math.random()) : rendezvous(left, key)).name;
}

/** What a target says that cannot answer, or the platform that cannot reach it. */
const failureStatuses: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530]);

/**
 * Remembers how a target did; gives whether it failed. What it says with a status may be about the request, by which anybody
 * could have targets left out: it counts once another target has answered the same request better.
 */
function note(target: string, { eject }: Pool, answer: TargetAnswer, doubtful: string[]): boolean {
  if (answer.kind === 'failed') {
    if (!answer.isOfClient) ejections.failed(target, eject, clock.now());
    return !answer.isOfClient;
  }
  if (failureStatuses.has(answer.response.status)) {
    doubtful.push(target);
    return true;
  }
  ejections.succeeded(target);
  for (const earlier of doubtful) ejections.failed(earlier, eject, clock.now());
  return false;
}

function waitMs({ targets }: Pool): number {
  const now = clock.now();
  return (
    ejections.upAt(
      targets.map(({ url }) => url),
      now,
    ) - now
  );
}
