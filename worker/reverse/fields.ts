// Fields on a reverse route: what a target is told of a client, and what a client is told of a target.
import { type Field, FieldNames, type Fields, fieldsWithout, listMembers } from '../../http/fields.ts';
import { endToEndRequestFields, endToEndResponseFields } from '../../http/hop-by-hop.ts';
import { passedOnFields } from '../../http/privacy.ts';
import { proxyStatus } from '../../http/proxy-status.ts';
import type { ErrorType } from '../../schemas/error.ts';

/** How a reverse route names itself. The edge's exchanges have another name, for they may lead to one. RFC 8586 2. */
const loopName = 'edgehop-reverse';

/** Name of this hop in Via and Proxy-Status. */
const hop = 'edgehop-edge';

/** Whether a reverse route has already carried the request. */
export function hasPassedReverse(fields: Fields): boolean {
  return listMembers(fields, 'cdn-loop').some((member) => member.split(';', 1)[0]?.trim().toLowerCase() === loopName);
}

export interface Asking {
  readonly scheme: 'http' | 'https';
  /** The Host field as it came. */
  readonly host: string;
  /** `HTTP/2`, as the platform says it; absent where it does not. */
  readonly httpVersion: string | undefined;
  /** Address of the client, where the platform says it. */
  readonly client: string | undefined;
  /** Whether Authorization carries a token of this edge, which is nobody else's business. */
  readonly hasOwnToken: boolean;
  /** Whether a WebSocket is asked for. */
  readonly isWebSocket: boolean;
}

/** The fields of a request for a target: end to end, with this hop in Via, Forwarded and CDN-Loop. RFC 7239. */
export function targetFields(fields: Fields, asking: Asking): Field[] {
  const dropped = asking.hasOwnToken ? writtenAnewAndToken : writtenAnew;
  const passing = {
    httpVersion: asking.httpVersion?.replace(/^HTTP\//i, '') || '1.1',
    scheme: asking.scheme,
    client: asking.client ?? 'unknown',
    reverseHost: asking.host,
  };
  const kept = passedOnFields(fieldsWithout(endToEndRequestFields(fields), dropped), passing, reverseHop);
  kept.push(['CDN-Loop', loopName]);
  if (asking.isWebSocket) kept.push(['Upgrade', 'websocket']);
  return kept;
}

const reverseHop = {
  privacy: { via: 'pseudonym', forwarded: 'on' },
  pseudonym: hop,
  machine: '',
  clientPseudonym: (address: string) => address,
} as const;

/** What the platform's fetch writes itself, from the URL and the content, and for a WebSocket of its own. */
const written = [
  'host',
  'content-length',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
] as const;
const writtenAnew = new FieldNames(written);
const writtenAnewAndToken = new FieldNames([...written, 'authorization']);

/** The fields of a target's response for a client, with the target in Proxy-Status. RFC 9209 2.1.2. */
export function clientFields(fields: Fields, target: string): Field[] {
  const kept = fieldsWithout(endToEndResponseFields(fields), ofConnection);
  kept.push(['Proxy-Status', proxyStatus({ hop, nextHop: target })]);
  return kept;
}

/** What the platform writes for its own side of a WebSocket. */
const ofConnection = new FieldNames(['sec-websocket-accept', 'sec-websocket-extensions']);

/** What Proxy-Status says where no target has answered. RFC 9209 2.1. */
export function failureStatus(error: ErrorType, target?: string): string {
  return proxyStatus({
    hop,
    error,
    ...(target !== undefined && { nextHop: target }),
  });
}
