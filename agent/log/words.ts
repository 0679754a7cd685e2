// The words in which log, `get` and dashboard speak of the same things.
import type { Route, TunnelClose } from '../../schemas/exchange.ts';

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
  'edge-quota': "the edge's quota is used up",
  'edge-replaced': 'something else answers for the edge',
  'edge-upload-limit': 'too large for the edge',
  'edge-cannot-carry': 'the edge cannot carry it',
  'edge-cannot-reach': 'out of reach for the edge',
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
