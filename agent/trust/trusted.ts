// Whose certificates of servers this process and its edge believe: what browsers trust and what is configured, never our own CA.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { getCACertificates, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { ProxyError } from '../../http/proxy-error.ts';

/**
 * Sets it for the whole process, whatever its environment says. `authorities`: files that count from `folder`; `own`: the
 * certificate (PEM) of the local CA, if there is one. Throws a ProxyError of type `proxy_configuration_error`.
 */
export function believe(authorities: readonly string[], folder: string, own: string | undefined): void {
  const key = own === undefined ? undefined : keyOf(new X509Certificate(own));
  const given = authorities.flatMap((path) => certificatesIn(resolve(folder, path)));
  further = new Set(given.filter((certificate) => keyOf(certificate) !== key).map((each) => each.toString().trim()));
  setDefaultCACertificates([...rootCertificates, ...further]);
}

let further: ReadonlySet<string> = new Set();

/**
 * What the embedded edge is to believe: not the further ones. Its platform takes certificates of them that a browser would
 * refuse (weak keys, SHA-1, names in the CN only) and shows none to a worker; what they have signed is judged here.
 */
export function believedByEdges(): string[] {
  return getCACertificates('default').filter((certificate) => !further.has(certificate.trim()));
}

/** What of the environment would have made it believe others, and is not heeded; in words, for the start. */
export function unheeded(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const { NODE_TLS_REJECT_UNAUTHORIZED: reject, NODE_EXTRA_CA_CERTS: extra } = environment;
  const { NODE_USE_SYSTEM_CA: system, NODE_OPTIONS: options = '' } = environment;
  const instead = 'name such certificates in trust.authorities';
  const usesSystem = system === '1' || /--use-(?:system|openssl)-ca/.test(options);
  return [
    ...(reject === '0' ? ['NODE_TLS_REJECT_UNAUTHORIZED is ignored: certificates of servers are always verified'] : []),
    ...(extra ? [`NODE_EXTRA_CA_CERTS is ignored: ${instead}`] : []),
    ...(usesSystem ? [`the certificates of the operating system are not used: ${instead}`] : []),
  ];
}

function certificatesIn(path: string): X509Certificate[] {
  try {
    const blocks = readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
    if (blocks === null) throw new Error('it holds no certificate in PEM');
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new ProxyError('proxy_configuration_error', `trust.authorities: ${path}: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

function keyOf({ publicKey }: X509Certificate): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}
