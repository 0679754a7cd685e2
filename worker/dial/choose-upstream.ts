// Decides how the upstream is reached: by the platform's fetch, by a connection of our own, or not at all.
import { canonicalAddress } from '../../http/address.ts';
import { type Field, type Fields, isValidField } from '../../http/fields.ts';
import { endToEndRequestFields, takesTrailers } from '../../http/hop-by-hop.ts';
import { isIdempotent } from '../../http/methods.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { RequestEnvelope } from '../../schemas/relay.ts';
import type { SocketReason } from '../../schemas/upstream.ts';

export type Upstream =
  | { readonly kind: 'fetch'; readonly fields: Fields }
  /** `fields`: all but those that the connection itself needs. `trailers`: whether the client takes trailers. */
  | {
      readonly kind: 'socket';
      readonly because: SocketReason;
      readonly fields: Fields;
      readonly trailers: boolean;
    }
  | { readonly kind: 'refused'; readonly error: ProxyError };

/** What is to be sent. `host` is the URL's, and `path` that of the request-target. */
export type Sent = Pick<RequestEnvelope, 'method' | 'content' | 'fields' | 'upstream'> & {
  readonly host: string;
  readonly path: string;
};

export interface Platform {
  /** Whether its fetch takes URLs whose host is an IP address. */
  readonly fetchesAddresses: boolean;
}

/** Methods that workerd's fetch carries as they are. It refuses all others, LINK and M-SEARCH among them. */
const carriedMethods = new Set(
  'ACL CHECKOUT COPY DELETE GET HEAD LOCK MERGE MKACTIVITY MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REPORT SEARCH SUBSCRIBE TRACE UNLOCK UNSUBSCRIBE'.split(
    ' ',
  ),
);

/** Chooses fetch where it carries the request octet for octet, and a connection of our own where it does not. */
export function chooseUpstream(sent: Sent, platform: Platform): Upstream {
  const wrong = judged(sent);
  if (wrong !== undefined) return { kind: 'refused', error: wrong };
  const because = reasonForSocket(sent, platform);
  return because === undefined ? { kind: 'fetch', fields: fetchFields(sent.fields) } : bySocket(sent, because);
}

/**
 * How a request is sent again whose response fetch could not give as it came, or not at all; nothing where that might do
 * a second time what is to be done once. RFC 9110 9.2.2.
 */
export function chooseAgain(sent: Sent): Extract<Upstream, { kind: 'socket' }> | undefined {
  return !sent.content && isIdempotent(sent.method) ? bySocket(sent, 'unfetchable') : undefined;
}

/** What neither way carries. Fetch refuses only some of these, and writes others out as they are. */
function judged({ method, fields }: Sent): ProxyError | undefined {
  if (!isValidField([method, ''])) return new ProxyError('http_request_error', 'The method is no token.');
  if (method === 'CONNECT') {
    return new ProxyError('http_request_error', 'An exchange is no tunnel.', { status: 501 });
  }
  if (fields.every(isValidField)) return undefined;
  const message = 'A field of the request has a name that is no token, or a value that is not octets of text.';
  return new ProxyError('http_request_error', message);
}

function reasonForSocket(sent: Sent, { fetchesAddresses }: Platform): SocketReason | undefined {
  const { method, content, fields, upstream, host, path } = sent;
  if (upstream === 'socket') return 'configured';
  if (!fetchesAddresses && canonicalAddress(host) !== undefined) return 'ip-literal';
  if (!carriedMethods.has(method)) return 'method';
  if (path === '*') return 'asterisk'; // fetch would ask for the path `/`
  if (content && (method === 'GET' || method === 'HEAD')) return 'content';
  if (fields.some(([, value]) => /[\x80-\xff]/.test(value))) return 'octets';
  return takesTrailers(fields) ? 'trailers' : undefined; // fetch drops TE, and trailers
}

/** RFC 6265 5.4 and RFC 9113 8.2.3: several lines of cookies are one, joined by "; ". Fetch would join them by ", ". */
function fetchFields(fields: Fields): Field[] {
  const carried: Field[] = [];
  const cookies: string[] = [];
  for (const [name, value] of fields) {
    const lowerName = name.toLowerCase();
    if (lowerName === 'host' || lowerName === 'content-length') continue; // fetch writes both, from the URL and the content
    if (lowerName === 'cookie') cookies.push(value);
    else carried.push([name, value]);
  }
  return cookies.length === 0 ? carried : [...carried, ['Cookie', cookies.join('; ')]];
}

/** What of an envelope would frame the message, or speak of the connection, is not the agent's to say. */
function bySocket({ fields }: Sent, because: SocketReason): Extract<Upstream, { kind: 'socket' }> {
  const kept = endToEndRequestFields(fields).filter(([name]) => !/^(?:host|content-length)$/i.test(name));
  return { kind: 'socket', because, fields: kept, trailers: takesTrailers(fields) };
}
