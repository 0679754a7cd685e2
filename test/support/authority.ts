// Certificates as tests need them, good and bad ones: of an authority that is made for the test, by pkijs.
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { BitString, Integer, OctetString, Utf8String } from 'asn1js';
import {
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  GeneralSubtree,
  NameConstraints,
} from 'pkijs';

export interface TestAuthority {
  /** PEM. */
  readonly cert: string;
  /** A server's key and chain (PEM), without the authority's own certificate. */
  leaf(wish?: LeafWish): Promise<{ readonly key: string; readonly cert: string }>;
  /** An authority below. Its chain is that of its leaves. */
  below(wish?: Pick<LeafWish, 'isAuthority' | 'permittedNames'>): Promise<TestAuthority>;
}

/** What is wrong with a leaf; what is not given is right. */
export interface LeafWish {
  /** Names, and IPv4 addresses, of the subjectAltName; none of them: there is none. */
  readonly names?: readonly string[];
  /** An address that is told as if it were a name. */
  readonly addressAsName?: string;
  readonly commonName?: string;
  readonly rsaBits?: number;
  readonly hash?: 'SHA-1' | 'SHA-256';
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
  readonly purposes?: readonly string[];
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  readonly permittedNames?: readonly string[];
  /** Leaves the certificate of the issuer out of the chain. */
  readonly withoutChain?: boolean;
}

interface Keys {
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

interface Signer {
  readonly certificate: Certificate;
  readonly keys: Keys;
  /** PEM of the certificates below the root. */
  readonly chain: string;
}

/** A root. `pathLength`: how many authorities may stand below it. */
export async function startAuthority({ pathLength }: { readonly pathLength?: number } = {}): Promise<TestAuthority> {
  const keys = await keysOf(undefined);
  const made = await certify(
    {
      commonName: `edgehop test root ${randomBytes(4).toString('hex')}`,
      isAuthority: true,
      ...(pathLength !== undefined && { pathLength }),
    },
    keys,
    undefined,
  );
  return authorityOf({ certificate: made, keys, chain: '' });
}

function authorityOf(signer: Signer): TestAuthority {
  return {
    cert: pemOf(signer.certificate),
    leaf: async (wish = {}) => {
      const keys = await keysOf(wish.rsaBits);
      const certificate = await certify({ names: ['localhost', '127.0.0.1'], ...wish }, keys, signer);
      const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
      const chain = wish.withoutChain === true ? '' : signer.chain;
      return { key: block('PRIVATE KEY', key), cert: pemOf(certificate) + chain };
    },
    below: async (wish = {}) => {
      const keys = await keysOf(undefined);
      const certificate = await certify(
        { commonName: `edgehop test below ${randomBytes(4).toString('hex')}`, isAuthority: true, ...wish },
        keys,
        signer,
      );
      return authorityOf({ certificate, keys, chain: pemOf(certificate) + signer.chain });
    },
  };
}

function keysOf(rsaBits: number | undefined): Promise<Keys> {
  const ec = { name: 'ECDSA', namedCurve: 'P-256' };
  const rsa = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: rsaBits ?? 0,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  };
  return webcrypto.subtle.generateKey(rsaBits === undefined ? ec : rsa, true, ['sign', 'verify']) as Promise<Keys>;
}

const dayMs = 86_400_000;

async function certify(wish: LeafWish, keys: Keys, issuer: Signer | undefined): Promise<Certificate> {
  const certificate = new Certificate();
  certificate.version = 2;
  certificate.serialNumber = new Integer({
    valueHex: webcrypto.getRandomValues(new Uint8Array(8)).fill(0x55, 0, 1).buffer,
  });
  certificate.notBefore.value = new Date(Date.now() + (wish.from ?? -1) * dayMs);
  certificate.notAfter.value = new Date(Date.now() + (wish.until ?? 30) * dayMs);
  const name = new Utf8String({ value: wish.commonName ?? 'edgehop test' });
  certificate.subject.typesAndValues.push(new AttributeTypeAndValue({ type: '2.5.4.3', value: name }));
  certificate.issuer = issuer === undefined ? certificate.subject : issuer.certificate.subject;
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey as CryptoKey);
  certificate.extensions = extensionsOf(wish, certificate);
  const signing = issuer?.keys.privateKey ?? keys.privateKey;
  await certificate.sign(signing as CryptoKey, wish.hash ?? 'SHA-256');
  return certificate;
}

function extensionsOf(wish: LeafWish, { subjectPublicKeyInfo }: Certificate): Extension[] {
  const { isAuthority = false, names = [], addressAsName, permittedNames, pathLength } = wish;
  const key = createHash('sha1').update(subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView).digest();
  const constraints = new BasicConstraints({
    cA: isAuthority,
    ...(pathLength !== undefined && { pathLenConstraint: pathLength }),
  });
  const extensions = [
    extension('2.5.29.19', constraints.toSchema(), true),
    extension('2.5.29.14', new OctetString({ valueHex: key.slice().buffer as ArrayBuffer })),
    extension(
      '2.5.29.15',
      new BitString({ valueHex: Uint8Array.of(isAuthority ? 0x06 : 0x80).buffer, unusedBits: isAuthority ? 1 : 7 }),
      true,
    ),
  ];
  const alternatives = [
    ...names.map(alternativeOf),
    ...(addressAsName === undefined ? [] : [new GeneralName({ type: 2, value: addressAsName })]),
  ];
  if (alternatives.length > 0)
    extensions.push(extension('2.5.29.17', new GeneralNames({ names: alternatives }).toSchema()));
  if (!isAuthority)
    extensions.push(
      extension('2.5.29.37', new ExtKeyUsage({ keyPurposes: [...(wish.purposes ?? [serverAuth])] }).toSchema()),
    );
  if (permittedNames !== undefined) {
    const permittedSubtrees = permittedNames.map(
      (value) => new GeneralSubtree({ base: new GeneralName({ type: 2, value }) }),
    );
    extensions.push(extension('2.5.29.30', new NameConstraints({ permittedSubtrees }).toSchema(), true));
  }
  return extensions;
}

export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const clientAuth = '1.3.6.1.5.5.7.3.2';

function alternativeOf(name: string): GeneralName {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(name)) return new GeneralName({ type: 2, value: name });
  return new GeneralName({
    type: 7,
    value: new OctetString({ valueHex: Uint8Array.from(name.split('.').map(Number)).buffer }),
  });
}

function extension(extnID: string, value: { toBER(): ArrayBuffer }, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER() });
}

function pemOf(certificate: Certificate): string {
  return block('CERTIFICATE', certificate.toSchema(true).toBER());
}

function block(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
