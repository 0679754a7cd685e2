// TLS over a connection that the agent has made, to an origin, an edge or a parent proxy: verified, always. RFC 9110 4.3.4.

import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, DEFAULT_CIPHERS, type DetailedPeerCertificate } from 'node:tls';
import { canonicalAddress } from '../../http/address.ts';
import { withoutBrackets } from '../../http/authority.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { upstreamFailure } from './failure.ts';
import { mistrust } from './server-certificate.ts';
import { upstreamError } from './upstream-error.ts';

export type Secured =
  | { readonly kind: 'connected'; readonly socket: Socket; readonly protocol: 'http/1.1' | 'h2' }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/**
 * Shakes hands for `host`, a name or an address with or without brackets, and offers the protocols in this order. The
 * socket has an error handler. `signal` gives up; its reason is a ProxyError. After a failure `raw` is the caller's to end.
 */
export function secure(
  raw: Socket,
  host: string,
  protocols: readonly ('http/1.1' | 'h2')[],
  signal: AbortSignal,
): Promise<Secured> {
  return new Promise((resolve) => {
    const isName = canonicalAddress(host) === undefined;
    const socket = connect({
      socket: raw,
      host: withoutBrackets(host),
      ...(isName && { servername: host }),
      ALPNProtocols: [...protocols],
      rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
      minVersion: 'TLSv1.2',
      ciphers,
      checkServerIdentity: (name, leaf) => refusal(name, leaf as DetailedPeerCertificate),
    });
    // TLS has no resets of its own: a reset is that of the connection below.
    socket.resetAndDestroy = () => {
      raw.resetAndDestroy();
      return socket.destroy();
    };
    const end = (secured: Secured) => {
      signal.removeEventListener('abort', onAbort);
      resolve(secured);
    };
    const onAbort = () => end({ kind: 'failed', error: signal.reason as ProxyError });
    socket.on('error', (cause) => end({ kind: 'failed', error: upstreamFailure(cause, false) }));
    // Not within the parser of the handshake: Node crashes (SIGSEGV) where the connection below is reset in there.
    socket.once('secureConnect', () =>
      setImmediate(() =>
        end({ kind: 'connected', socket, protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1' }),
      ),
    );
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

/** No key exchange, key or signature of less than 112 bits of security, as browsers have it. */
const ciphers = `${DEFAULT_CIPHERS}@SECLEVEL=2`;

/** Node asks once the chain leads to an issuer that is trusted. A root is its own issuer. */
function refusal(name: string, leaf: DetailedPeerCertificate): ProxyError | undefined {
  const chain = [new X509Certificate(leaf.raw)];
  for (
    let at = leaf;
    at.issuerCertificate?.raw !== undefined && at.issuerCertificate !== at;
    at = at.issuerCertificate
  ) {
    chain.push(new X509Certificate(at.issuerCertificate.raw));
  }
  const [first, ...issuers] = chain as [X509Certificate, ...X509Certificate[]];
  const because = mistrust(name, first, issuers);
  return because === undefined ? undefined : upstreamError('tls_certificate_error', undefined, undefined, because);
}
