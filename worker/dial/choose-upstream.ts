// Decides how the upstream is reached, or that the platform's fetch would alter the request.
import { isValidField } from '../../http/fields.ts';
import { textFromOctets } from '../../http/octets.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { RequestEnvelope } from '../../schemas/relay.ts';

export type Upstream =
  | { readonly kind: 'fetch'; readonly fields: readonly (readonly [string, string])[] }
  | { readonly kind: 'refused'; readonly error: ProxyError };

/** Methods that workerd's fetch carries as they are. It refuses all others, LINK and M-SEARCH among them. */
const carriedMethods = new Set(
  'ACL CHECKOUT COPY DELETE GET HEAD LOCK MERGE MKACTIVITY MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REPORT SEARCH SUBSCRIBE TRACE UNLOCK UNSUBSCRIBE'.split(
    ' ',
  ),
);

/** Chooses fetch with the fields it is to be given, or refuses what fetch cannot carry octet for octet. */
export function chooseUpstream({
  method,
  content,
  fields,
}: Pick<RequestEnvelope, 'method' | 'content' | 'fields'>): Upstream {
  if (!carriedMethods.has(method)) return refused('this method');
  if (content && (method === 'GET' || method === 'HEAD')) return refused('a GET or HEAD request with content');
  const carried: (readonly [string, string])[] = [];
  const cookies: string[] = [];
  for (const field of fields) {
    if (!isValidField(field)) return invalid();
    const [name, octets] = field;
    const value = textFromOctets(octets);
    if (value === undefined) return refused('field values whose octets are not UTF-8');
    const lowerName = name.toLowerCase();
    if (lowerName === 'host' || lowerName === 'content-length') continue; // fetch writes both, from the URL and the content
    if (lowerName === 'cookie') cookies.push(value);
    else carried.push([name, value]);
  }
  // RFC 6265 5.4 and RFC 9113 8.2.3: several lines are one, joined by "; ". Fetch would join them by ", ".
  if (cookies.length > 0) carried.push(['Cookie', cookies.join('; ')]);
  return { kind: 'fetch', fields: carried };
}

/** Fetch refuses only some of these, and writes others out as they are. */
function invalid(): Upstream {
  const message = 'A field of the request has a name that is no token, or a value that is not octets of text.';
  return { kind: 'refused', error: new ProxyError('http_request_error', message) };
}

function refused(what: string): Upstream {
  const error = new ProxyError('http_request_error', `The edge cannot carry ${what} unaltered.`, {
    status: 501,
    advice: 'Start the agent with `--edge none` to send such requests directly.',
  });
  return { kind: 'refused', error };
}
