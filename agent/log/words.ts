// The words in which log, `get` and dashboard speak of the same things.
import type { Route } from '../../schemas/exchange.ts';

/** The route of an exchange, and why it was taken where that is not plain. */
export function routeInWords(route: Route | undefined): string {
  if (route === undefined) return 'not forwarded';
  if (route.kind === 'edge')
    return `by edge ${printable(route.edge)}${route.colo === undefined ? '' : ` (${printable(route.colo)})`}`;
  return `directly (${reasons[route.because]})`;
}

const reasons: Readonly<Record<Route['because'], string>> = {
  configured: 'as configured',
  'no-edge': 'no edge',
  connect: 'tunnel',
  'private-destination': 'private destination',
};

/** Text from outside as one line without control characters, so that it cannot forge lines or colours. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
}
