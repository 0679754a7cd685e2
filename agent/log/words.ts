// The words in which log, `get` and dashboard speak of the same things.
import type { CacheOutcome, CacheOutcomes, ForwardReason } from '../../schemas/cache.ts';
import type { Route, TunnelClose } from '../../schemas/exchange.ts';
import type { ShapeOutcome } from '../../schemas/shape.ts';
import type { TransformOutcome } from '../../schemas/transform.ts';
import type { SocketReason, UpstreamSocket } from '../../schemas/upstream.ts';
import type { Trace } from '../proxy/ports.ts';

/** The route of an exchange, and why it was taken where that is not plain. */
export function routeInWords(route: Route | undefined): string {
  if (route === undefined) return 'not forwarded';
  if (route.kind === 'edge')
    return `by edge ${printable(route.edge)}${route.colo === undefined ? '' : ` (${printable(route.colo)})`}`;
  const reason = reasons[route.because];
  if (route.parent === undefined) return `directly (${reason})`;
  const by = `through the parent proxy ${printable(route.parent)}`;
  return route.because === 'parent-proxy' ? by : `${by} (${reason})`;
}

const reasons: Readonly<Record<Route['because'], string>> = {
  configured: 'as configured',
  'no-edge': 'no edge',
  connect: 'tunnel',
  upgrade: 'upgrade',
  rule: 'a rule',
  pool: 'a pool',
  'private-destination': 'private destination',
  'parent-proxy': 'parent proxy',
  'edge-down': 'the edge is down',
  'edge-quota': 'the quota of the edge is used up',
  'edge-replaced': 'something else answers for the edge',
  'edge-upload-limit': 'too large for the edge',
  'edge-cannot-carry': 'the edge cannot carry it',
  'edge-cannot-reach': 'out of reach for the edge',
};

/** Which target of which pool was asked, and which had failed before. Nothing where there was no pool. */
export function poolInWords(pool: Trace['pool']): string[] {
  if (pool === undefined) return [];
  const tried = pool.tried.map(({ target, because }) => `${printable(target)} (${printable(because)})`);
  const after = tried.length === 0 ? '' : ` after ${tried.join(', ')}`;
  return [`pool ${printable(pool.name)}: ${printable(pool.target ?? 'no target')}${after}`];
}

/** Which rules had a part in it, and what they made of the network. */
export function rulesInWords({ rules, shape }: Pick<Trace, 'rules' | 'shape'>): string[] {
  const words: string[] = [];
  if (rules !== undefined) words.push(`${rules.length === 1 ? 'rule' : 'rules'} ${rules.map(printable).join(', ')}`);
  if (shape === undefined) return words;
  const { preset = 'a network', latencyMs, fault } = shape;
  const delay = latencyMs === undefined ? '' : `, ${latencyMs.toFixed(0)} ms later`;
  return [...words, `as over ${preset}${delay}${fault === undefined ? '' : `: ${faults[fault]}`}`];
}

const faults: Readonly<Record<NonNullable<ShapeOutcome['fault']>, string>> = {
  reset: 'reset',
  timeout: 'left without an answer',
  truncate: 'cut off',
  'slow-close': 'closed late',
};

/** What the edge has changed in the content, and why not more. Nothing where no transform was asked for. */
export function transformInWords(transform: TransformOutcome | undefined): string[] {
  if (transform === undefined) return [];
  const { applied, skipped, octets } = transform;
  const done = applied.length === 0 ? 'not transformed' : `transformed (${applied.join(', ')})`;
  const sizes = octets === undefined ? '' : `, ${octets.before} octets became ${octets.after}`;
  return [`${done}${sizes}${skipped === undefined ? '' : `: ${printable(skipped)}`}`];
}

/** What the caches did, each in a word and why. Nothing of one that had no say. */
export function cacheInWords(cache: CacheOutcomes | undefined): string[] {
  const words: string[] = [];
  if (cache?.agent !== undefined) words.push(...outcomeInWords('cache', cache.agent));
  if (cache?.edge !== undefined) words.push(...outcomeInWords("edge's cache", cache.edge));
  return words;
}

function outcomeInWords(name: string, outcome: CacheOutcome): string[] {
  const { hit, fwd, fwdStatus, stored, collapsed, ttl, detail } = outcome;
  const freshness = ttl === undefined ? '' : ttl < 0 ? `, stale for ${-ttl} s` : `, fresh for ${ttl} s`;
  const why = detail === undefined ? '' : `: ${printable(detail)}`;
  if (hit) return [`${name} hit${freshness}${why}`];
  if (fwd === undefined) return [`${name} miss${why}`];
  if (collapsed) return [`${name} hit with an equal request${freshness}${why}`];
  if (ttl !== undefined) return [`${name} hit${fwdStatus === 304 ? ' once validated' : ''}${freshness}${why}`];
  if (fwd === 'method' || fwd === 'bypass') return [];
  return [`${name} miss (${missReasons[fwd]})${stored ? ', stored' : why}`];
}

const missReasons: Readonly<Record<ForwardReason, string>> = {
  bypass: 'bypassed',
  method: 'the method',
  'uri-miss': 'nothing stored',
  'vary-miss': 'another variant stored',
  miss: 'nothing stored fits',
  request: 'as the request wants',
  stale: 'stale',
  partial: 'a part stored',
};

/** How the edge connected to the origin by itself, why, and how long that took. */
export function socketInWords({ because, connectMs, tls }: UpstreamSocket): string {
  const words = `own connection (${socketReasons[because]})`;
  if (connectMs === undefined) return words;
  return `${words}, made in ${connectMs.toFixed(3)} ms${tls ? ' with TLS' : ''}`;
}

const socketReasons: Readonly<Record<SocketReason, string>> = {
  configured: 'as configured',
  'ip-literal': 'the host is an address',
  method: 'the method',
  asterisk: 'no path',
  content: 'content of a GET or HEAD',
  octets: 'octets beyond ASCII',
  trailers: 'trailers',
  unfetchable: 'what the origin answers',
};

/** Who closed a tunnel, and how. */
export function closeInWords({ by, how }: TunnelClose): string {
  if (by === 'agent') return how === 'idle' ? 'cut for idling' : 'cut when edgehop stopped';
  return { end: `ended by the ${by}`, reset: `reset by the ${by}`, lost: `connection to the ${by} lost` }[how];
}

/** Text from outside as one line without control characters, so that it cannot forge lines or colours. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
}
