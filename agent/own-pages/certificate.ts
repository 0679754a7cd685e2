// A certificate in the forms in which people install it.
import { X509Certificate } from 'node:crypto';

export interface OwnCertificate {
  /** Written anew, so that nothing else that a file may hold goes out with it. */
  readonly pem: string;
  readonly der: Buffer;
  /** SHA-256 of the DER form, as systems show it. */
  readonly fingerprint: string;
}

/** The first certificate of a PEM text. Throws where it has none. */
export function certificateOf(text: string): OwnCertificate {
  const certificate = new X509Certificate(text);
  return { pem: certificate.toString(), der: certificate.raw, fingerprint: certificate.fingerprint256 };
}
