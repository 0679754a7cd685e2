// What a browser refuses about the certificate of a server although OpenSSL takes it. RFC 9525, RFC 5280, CA/Browser Forum.
import type { X509Certificate } from 'node:crypto';
import { canonicalAddress } from '../../http/address.ts';

/** Why a server with this certificate is not `host` (a name, or an address without brackets), in words; nothing where it is. */
export function mistrust(host: string, leaf: X509Certificate, issuers: readonly X509Certificate[]): string | undefined {
  if (leaf.subjectAltName === undefined) return 'it names its host in no subjectAltName'; // RFC 9525 6.1
  if (!isFor(host, leaf)) return `it is for ${named(leaf.subjectAltName)}`;
  for (const certificate of [leaf, ...issuers.filter((issuer) => !isRoot(issuer))]) {
    const weakness = weaknessOf(certificate);
    if (weakness !== undefined) return weakness;
  }
  return undefined;
}

/** A `*` stands for one whole label, the leftmost. RFC 9525 6.3. */
const asBrowsers = {
  subject: 'never',
  partialWildcards: false,
  multiLabelWildcards: false,
} as const;

function isFor(host: string, leaf: X509Certificate): boolean {
  return canonicalAddress(host) === undefined
    ? leaf.checkHost(host, asBrowsers) !== undefined
    : leaf.checkIP(host) !== undefined;
}

/** Its own signature says nothing: it is trusted as it is. */
function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

const minRsaBits = 2048;

function weaknessOf({ publicKey, signatureAlgorithm }: X509Certificate): string | undefined {
  const { modulusLength } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'dsa') return 'it has a DSA key';
  if (modulusLength !== undefined && modulusLength < minRsaBits) return `its RSA key has only ${modulusLength} bits`;
  const hash = /sha-?1(?![0-9])|md5/i.exec(signatureAlgorithm ?? '')?.[0];
  return hash === undefined ? undefined : `it is signed with ${hash.toUpperCase()}`;
}

const maxNamedCharacters = 200;

/** What stands in a certificate is the server's to choose. */
function named(alternatives: string): string {
  return alternatives.replace(/[^\x20-\x7e]/g, '?').slice(0, maxNamedCharacters);
}
