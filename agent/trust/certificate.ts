// Makes X.509 certificates with P-256 keys: that of the local authority, and leaves that it signs. RFC 5280.
import { createHash, type KeyObject, randomBytes, type webcrypto } from 'node:crypto';
import { BitString, fromBER, Integer, OctetString, Utf8String } from 'asn1js';
import ipaddr from 'ipaddr.js';
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  PublicKeyInfo,
  type RelativeDistinguishedNames,
} from 'pkijs';

/** Who signs: its name and key as they stand in its certificate, and its private key. */
export interface Issuer {
  /** DER. */
  readonly certificate: ArrayBuffer;
  readonly privateKey: webcrypto.CryptoKey;
}

/** In milliseconds since 1970. Certificates count whole seconds. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

/** A certificate of an authority that may sign leaves and no other authority. DER. RFC 5280 4.2.1.9. */
export async function authorityCertificate(
  name: string,
  keys: { readonly publicKey: KeyObject; readonly privateKey: webcrypto.CryptoKey },
  validity: Validity,
): Promise<ArrayBuffer> {
  const certificate = begun(validity, keys.publicKey);
  nameIt(certificate.subject, name);
  certificate.issuer = certificate.subject;
  const keyIdentifier = keyIdentifierOf(certificate);
  certificate.extensions = [
    extension('2.5.29.19', true, new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema()),
    keyUsage(keyCertSign | crlSign, 1),
    extension('2.5.29.14', false, octets(keyIdentifier)),
    extension('2.5.29.35', false, new AuthorityKeyIdentifier({ keyIdentifier: octets(keyIdentifier) }).toSchema()),
  ];
  await certificate.sign(keys.privateKey, 'SHA-256');
  return certificate.toSchema(true).toBER();
}

/** A certificate for one name or address (IPv6 without brackets), for servers of TLS. DER. RFC 9525 6.1. */
export async function leafCertificate(
  issuer: Issuer,
  host: string,
  publicKey: KeyObject,
  validity: Validity,
): Promise<ArrayBuffer> {
  const signedBy = readOf(issuer);
  const certificate = begun(validity, publicKey);
  certificate.issuer = signedBy.subject;
  if (host.length <= maxCommonNameCharacters) nameIt(certificate.subject, host);
  const alternative = ipaddr.isValid(host)
    ? new GeneralName({ type: ipAddress, value: octets(exact(Uint8Array.from(ipaddr.parse(host).toByteArray()))) })
    : new GeneralName({ type: dnsName, value: host });
  certificate.extensions = [
    extension('2.5.29.19', true, new BasicConstraints({ cA: false }).toSchema()),
    keyUsage(digitalSignature, 7),
    extension('2.5.29.37', false, new ExtKeyUsage({ keyPurposes: [serverAuth] }).toSchema()),
    extension('2.5.29.17', false, new GeneralNames({ names: [alternative] }).toSchema()),
    extension('2.5.29.14', false, octets(keyIdentifierOf(certificate))),
    extension(
      '2.5.29.35',
      false,
      new AuthorityKeyIdentifier({ keyIdentifier: octets(keyIdentifierOf(signedBy)) }).toSchema(),
    ),
  ];
  await certificate.sign(issuer.privateKey, 'SHA-256');
  return certificate.toSchema(true).toBER();
}

// Of the extensions: RFC 5280 4.2.1.3, 4.2.1.6, 4.2.1.12.
const digitalSignature = 0x80;
const keyCertSign = 0x04;
const crlSign = 0x02;
const dnsName = 2;
const ipAddress = 7;
const serverAuth = '1.3.6.1.5.5.7.3.1';
/** RFC 5280, ub-common-name. */
const maxCommonNameCharacters = 64;
/** More than the 64 bits of chance that browsers ask for. */
const serialBytes = 16;

function begun({ from, until }: Validity, publicKey: KeyObject): Certificate {
  const certificate = new Certificate();
  certificate.version = 2;
  const serial = randomBytes(serialBytes);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40; // positive, and without octets that say nothing
  certificate.serialNumber = new Integer({ valueHex: exact(serial) });
  certificate.notBefore.value = new Date(from);
  certificate.notAfter.value = new Date(until);
  certificate.subjectPublicKeyInfo = infoOf(publicKey);
  return certificate;
}

/** All leaves have one issuer and one key: each is read once. */
const readIssuers = new WeakMap<Issuer, Certificate>();
const readKeys = new WeakMap<KeyObject, PublicKeyInfo>();

function readOf(issuer: Issuer): Certificate {
  const read = readIssuers.get(issuer) ?? Certificate.fromBER(issuer.certificate);
  readIssuers.set(issuer, read);
  return read;
}

function infoOf(publicKey: KeyObject): PublicKeyInfo {
  const spki = () => exact(publicKey.export({ type: 'spki', format: 'der' }));
  const info = readKeys.get(publicKey) ?? new PublicKeyInfo({ schema: fromBER(spki()).result });
  readKeys.set(publicKey, info);
  return info;
}

function nameIt(name: RelativeDistinguishedNames, commonName: string): void {
  name.typesAndValues.push(
    new AttributeTypeAndValue({ type: '2.5.4.3', value: new Utf8String({ value: commonName }) }),
  );
}

/** The first method of RFC 5280 4.2.1.2. */
function keyIdentifierOf({ subjectPublicKeyInfo }: Certificate): ArrayBuffer {
  const key = subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  return exact(createHash('sha1').update(key).digest());
}

function keyUsage(bits: number, unusedBits: number): Extension {
  return extension('2.5.29.15', true, new BitString({ valueHex: exact(Uint8Array.of(bits)), unusedBits }));
}

function extension(extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER() });
}

function octets(valueHex: ArrayBuffer): OctetString {
  return new OctetString({ valueHex });
}

/** Just these octets: those of a Buffer may lie within others. */
function exact(view: Uint8Array): ArrayBuffer {
  return view.slice().buffer as ArrayBuffer;
}
