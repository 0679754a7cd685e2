// A self-signed certificate, made when it is needed, so that no key lies in the repository.
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

/** A certificate for these names and IPv4 addresses that is its own issuer, P-256, valid from yesterday for a month. */
export function selfSigned(...hosts: string[]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(tagged(0x31, sequence(oid(commonName), tagged(0x0c, Buffer.from('edgehop test')))));
  const algorithm = sequence(oid(ecdsaWithSha256));
  const day = 86_400_000;
  const validity = sequence(time(Date.now() - day), time(Date.now() + 30 * day));
  const alternatives = sequence(
    ...hosts.map((host) =>
      /^[\d.]+$/.test(host) ? tagged(0x87, Buffer.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host)),
    ),
  );
  const extensions = sequence(
    sequence(oid(subjectAltName), tagged(0x04, alternatives)),
    sequence(
      oid(basicConstraints),
      tagged(0x01, Buffer.of(0xff)),
      tagged(0x04, sequence(tagged(0x01, Buffer.of(0xff)))),
    ),
  );
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))),
    tagged(0x02, Buffer.of(1)),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  );
  const signature = tagged(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, privateKey)]));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: new X509Certificate(sequence(body, algorithm, signature)).toString(),
  };
}

// Object identifiers in DER, RFC 5280 and RFC 5758.
const commonName = [0x55, 0x04, 0x03];
const subjectAltName = [0x55, 0x1d, 0x11];
const basicConstraints = [0x55, 0x1d, 0x13];
const ecdsaWithSha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

function oid(octets: readonly number[]): Buffer {
  return tagged(0x06, Buffer.from(octets));
}

function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(text));
}

function sequence(...members: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(members));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
