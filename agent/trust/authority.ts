// The local certificate authority: made at first use, its key for nobody else to read, and nowhere but on this disk.
import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { ProxyError } from '../../http/proxy-error.ts';
import { type AuthorityFiles, keepCertificate, keepSecret, readSecret } from './authority-files.ts';
import type { Issuer } from './certificate.ts';

export interface Authority extends Issuer {
  readonly certificatePem: string;
  /** The file that holds the certificate alone, for whoever is to trust it. */
  readonly certificatePath: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * The authority, which is made where there is none. `now`: milliseconds since 1970. Throws a ProxyError of type
 * `proxy_configuration_error`.
 */
export async function openAuthority(files: AuthorityFiles, now: number): Promise<Authority> {
  return readAuthority(files) ?? (await makeAuthority(files, now));
}

/** The authority, if there is one. Throws a ProxyError of type `proxy_configuration_error` where it cannot be used. */
export function readAuthority(files: AuthorityFiles): Authority | undefined {
  try {
    const text = readSecret(files);
    if (text === undefined) return undefined;
    const certificate = new X509Certificate(blockOf(text, 'CERTIFICATE'));
    const key = createPrivateKey(blockOf(text, 'PRIVATE KEY'));
    if (!certificate.checkPrivateKey(key)) throw new Error('its key is not that of its certificate');
    return authorityOf(files, certificate, key);
  } catch (cause) {
    throw unusable(files, cause as Error);
  }
}

/** Two that begin at once make two, and both go on with the one that was kept first. */
async function makeAuthority(files: AuthorityFiles, now: number): Promise<Authority> {
  const { authorityCertificate } = await import('./certificate.ts'); // late: what it needs takes long to load
  const keys = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const validity = { from: now - dayMs, until: now + authorityDays * dayMs };
  // A name of its own for each: programs that know two of one name take either for the issuer.
  const name = `edgehop local CA ${randomBytes(4).toString('hex')}`;
  const made = { publicKey: keys.publicKey, privateKey: signing(keys.privateKey) };
  const certificate = new X509Certificate(Buffer.from(await authorityCertificate(name, made, validity)));
  try {
    const text = `${keys.privateKey.export({ type: 'pkcs8', format: 'pem' })}${certificate.toString()}`;
    if (keepSecret(files, text)) return authorityOf(files, certificate, keys.privateKey);
  } catch (cause) {
    throw unusable(files, cause as Error);
  }
  const other = readAuthority(files);
  if (other === undefined) throw unusable(files, new Error('it is made and taken away at once'));
  return other;
}

const dayMs = 86_400_000;
const authorityDays = 5 * 365;

function authorityOf(files: AuthorityFiles, certificate: X509Certificate, key: KeyObject): Authority {
  const certificatePem = certificate.toString();
  keepCertificate(files, certificatePem);
  return {
    certificate: certificate.raw.slice().buffer as ArrayBuffer,
    certificatePem,
    certificatePath: files.certificate,
    until: certificate.validToDate.getTime(),
    privateKey: signing(key),
  };
}

function signing(key: KeyObject): Issuer['privateKey'] {
  return key.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}

/** The first block of this kind in a PEM text. RFC 7468. */
function blockOf(text: string, label: string): string {
  const block = new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`).exec(text)?.[0];
  if (block === undefined) throw new Error(`it holds no ${label.toLowerCase()}`);
  return block;
}

function unusable({ secret }: AuthorityFiles, cause: Error): ProxyError {
  return new ProxyError('proxy_configuration_error', `The local CA in ${secret} cannot be used: ${cause.message}.`, {
    advice:
      'Mend that, or take its folder away, so that a new one is made, and install that with `edgehop ca install`.',
    cause,
  });
}
