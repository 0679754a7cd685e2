// What the answer of a deployed edge to `/v1/hello` says: of the token, its version, its clock, its tunnels and its store.
import { hello } from '../../schemas/api.ts';
import type { Finding } from '../../schemas/doctor.ts';
import type { EdgeAnswer } from '../edge/deployed.ts';
import { fail, pass, skip } from './check.ts';
import { fragment } from './fragment.ts';

export interface HelloAnswer {
  readonly answer: EdgeAnswer;
  /** By the wall clock of this machine, in milliseconds since 1970: before the question and after the answer. */
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** `name` is that of the edge. */
export function helloFindings(name: string, told: HelloAnswer): readonly Finding[] {
  const { answer } = told;
  const token = `${name} token`;
  if (answer.kind === 'unavailable') return [fail(token, `it does not answer: ${fragment(answer.because)}`, tryAgain)];
  const refusal = refusals[answer.status];
  if (refusal !== undefined) return [fail(token, ...refusal)];
  const said = hello.safeParse(answer.json);
  if (answer.status !== 200 || !said.success)
    return [fail(`${name} version`, otherVersion(answer.status, answer.json), deployAnew)];
  const { version, colo, tunnels, cacheStore } = said.data;
  return [
    pass(token, 'it is accepted'),
    pass(`${name} version`, `${version}${colo === undefined ? '' : `, in ${colo}`}`),
    clockOf(`${name} clock`, said.data.edgeTimeMs, told),
    tunnels
      ? pass(`${name} tunnels`, 'it carries tunnels')
      : skip(`${name} tunnels`, 'it carries none: tunnels (CONNECT, SOCKS5, WebSocket) go directly'),
    cacheStore === 'none'
      ? skip(`${name} store`, 'it stores nothing')
      : pass(`${name} store`, storeInWords[cacheStore]),
  ];
}

const tryAgain = 'Try again, and look at the log of the worker with `npx wrangler tail`';
const deployAnew = 'Check the URL; where it is your worker, deploy it anew from this version of edgehop';

/** Why, and what to do, by status. */
const refusals: Readonly<Record<number, readonly [because: string, action: string]>> = {
  401: [
    'the edge does not know it',
    'Make it one of those in EDGEHOP_TOKENS (`npx wrangler secret put EDGEHOP_TOKENS`), or correct it in the configuration',
  ],
  429: [
    'its bearer has asked more often than the edge allows',
    'Wait, or raise the limit of [[ratelimits]] in wrangler.toml',
  ],
  503: [
    'the edge has no token at all, or is down',
    'Set one with `npx wrangler secret put EDGEHOP_TOKENS`: name=token, with the token of the configuration',
  ],
};

const storeInWords = {
  memory: 'memory, of one isolate: several of them do not share it',
  'cache-api': 'cache-api, of one data centre',
  r2: 'r2, a bucket',
} as const;

function otherVersion(status: number, json: unknown): string {
  const version = (json as { readonly version?: unknown } | undefined)?.version;
  return typeof version === 'number' && version !== 1
    ? `the edge is of version ${version}, and this edgehop of version 1`
    : `what answers there (status ${status}) is not an edgehop worker of version 1`;
}

/** Certificates and freshness lifetimes are judged by clocks that agree about the minute. */
const maxOffsetMs = 60_000;

function clockOf(name: string, edgeTimeMs: number, { askedAt, answeredAt }: HelloAnswer): Finding {
  const offsetMs = edgeTimeMs - (askedAt + answeredAt) / 2;
  const errorMs = Math.abs(answeredAt - askedAt) / 2;
  const where = offsetMs < 0 ? 'ahead of' : 'behind';
  const because = `this machine's clock is ${inWords(Math.abs(offsetMs))} ${where} the edge's, give or take ${inWords(errorMs)}`;
  return Math.abs(offsetMs) - errorMs > maxOffsetMs
    ? fail(name, because, 'Set this machine’s clock, best by its time service')
    : pass(name, because);
}

function inWords(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(0)} s`;
}
