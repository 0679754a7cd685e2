// The words in which log, `get` and dashboard speak of the same things.
import type { Route, TunnelClose } from '../../schemas/exchange.ts';
import type { SocketReason, UpstreamSocket } from '../../schemas/upstream.ts';

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
  'private-destination': 'private destination',
  'parent-proxy': 'parent proxy',
  'edge-down': 'the edge is down',
  'edge-quota': 'the quota of the edge is used up',
  'edge-replaced': 'something else answers for the edge',
  'edge-upload-limit': 'too large for the edge',
  'edge-cannot-carry': 'the edge cannot carry it',
  'edge-cannot-reach': 'out of reach for the edge',
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
