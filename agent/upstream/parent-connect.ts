// Asks an HTTP parent proxy for a tunnel: CONNECT, and what its answer means. RFC 9110 9.3.6.
import { viaMember } from '../../http/via.ts';
import type { Heard, Turn } from './converse.ts';
import type { Parent } from './parent.ts';
import { parentError } from './parent-error.ts';

/** Interim responses before the answer, at most. */
const maxInterimResponses = 10;

/** The conversation that ends in a tunnel to `authority`, which is host and port. */
export function connectTurn(parent: Parent, authority: string, pseudonym: string): Turn {
  const authorization = proxyAuthorization(parent);
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    // A parent that leads back here is recognised by this.
    `Via: ${viaMember('1.1', pseudonym)}`,
    ...(authorization === undefined ? [] : [`Proxy-Authorization: ${authorization}`]),
  ];
  return { send: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), hear: hearHead(parent, 0) };
}

/** The value of Proxy-Authorization for a parent, where it has credentials. RFC 7617 2. */
export function proxyAuthorization({ credentials }: Pick<Parent, 'credentials'>): string | undefined {
  if (credentials === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
}

function hearHead(parent: Parent, interim: number): Turn['hear'] {
  return (octets) => {
    const text = octets.toString('latin1');
    if (!text.startsWith(protocol.slice(0, text.length))) return refused(parent, 'not-http');
    const end = text.indexOf('\r\n\r\n');
    const head = end < 0 ? text : text.slice(0, end);
    // A lone LF ends a line to some and not to others, so where the tunnel begins would not be certain.
    if (/(?:^|[^\r])\n|\r[^\n]|\0/.test(head)) return refused(parent, 'malformed');
    if (end < 0) return { kind: 'more' };
    const [, digits] = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |\r\n|$)/.exec(head) ?? [];
    if (digits === undefined) return refused(parent, 'malformed');
    return answer(parent, Number(digits), end + 4, interim);
  };
}

const protocol = 'HTTP/1.';

/** A length in a 2xx head means nothing: what follows is the tunnel's. RFC 9110 9.3.6. */
function answer(parent: Parent, status: number, octets: number, interim: number): Heard {
  if (status >= 200 && status < 300) return { kind: 'open', octets };
  if (status < 200) {
    if (status === 101 || interim >= maxInterimResponses) return refused(parent, 'malformed');
    return { kind: 'next', octets, turn: { send: Buffer.alloc(0), hear: hearHead(parent, interim + 1) } };
  }
  if (status === 407 || status === 401) {
    // tinyproxy answers wrong credentials with 401
    return refused(parent, parent.credentials === undefined ? 'credentials-missing' : 'credentials-refused');
  }
  if (status < 400 || status === 511) return refused(parent, 'login-page', status);
  if (status < 500) return refused(parent, 'denied', status);
  return {
    kind: 'unreached',
    error: parentError(parent, status === 504 ? 'timed-out' : 'unavailable', undefined, status),
  };
}

function refused(parent: Parent, fault: Parameters<typeof parentError>[1], status?: number): Heard {
  return { kind: 'refused', error: parentError(parent, fault, undefined, status) };
}
