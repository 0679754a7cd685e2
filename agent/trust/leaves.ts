// Certificates of the local authority for the hosts that clients ask for, made when they are first wanted, and few kept.
import { generateKeyPair } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { promisify } from 'node:util';
import type { Issuer } from './certificate.ts';

export interface LeavesPorts {
  /** The authority, made or read when the first leaf is wanted. */
  readonly authority: () => Promise<Issuer>;
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
  /** Of all hosts, those that were asked for last. */
  readonly maxLeaves: number;
}

export interface Leaves {
  /**
   * What a TLS server needs to be this host: a name or an address, IPv6 without brackets. Rejects with a ProxyError where
   * the authority cannot be used.
   */
  contextFor(host: string): Promise<SecureContext>;
}

interface Leaf {
  readonly context: Promise<SecureContext>;
  /** Milliseconds since 1970. */
  readonly renewAt: number;
}

const dayMs = 86_400_000;
const leafDays = 90;
/** Machines' clocks differ. */
const backdatedDays = 1;

/** All leaves have one key, made here and never written. Tickets of one host mean nothing to another: each has a context. */
export function createLeaves({ authority, wallTime, maxLeaves }: LeavesPorts): Leaves {
  const leaves = new Map<string, Leaf>(); // the one asked for longest ago first
  let keys: ReturnType<typeof makeKeys> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const mint = async (host: string, now: number): Promise<SecureContext> => {
    const issuer = await authority();
    const { leafCertificate } = await import('./certificate.ts'); // late: what it needs takes long to load
    keys ??= makeKeys();
    const { publicKey, privateKey } = await keys;
    const validity = { from: now - backdatedDays * dayMs, until: now + (leafDays - backdatedDays) * dayMs };
    const certificate = await leafCertificate(issuer, host, publicKey, validity);
    // With its issuer: a browser may be told to trust that one's key, and looks for it here.
    const cert = pemOf(certificate) + pemOf(issuer.certificate);
    return createSecureContext({ key: privateKey, cert, minVersion: 'TLSv1.2' });
  };
  /** One after the other, and others in between: many new names at once are no burden to who asks for none. */
  const inTurn = (host: string, now: number): Promise<SecureContext> => {
    const minted = turn.then(() => immediate()).then(() => mint(host, now));
    turn = minted.catch(() => undefined);
    return minted;
  };
  return {
    contextFor: (host) => {
      const now = wallTime();
      const known = leaves.get(host);
      leaves.delete(host);
      const context = known !== undefined && now < known.renewAt ? known.context : inTurn(host, now);
      const renewAt = known?.context === context ? known.renewAt : now + (leafDays - 2 * backdatedDays) * dayMs;
      leaves.set(host, { context, renewAt });
      if (leaves.size > maxLeaves) leaves.delete(leaves.keys().next().value as string);
      context.catch(() => leaves.delete(host)); // the next one tries again
      return context;
    },
  };
}

async function makeKeys() {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return { publicKey, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** RFC 7468 5.1. */
function pemOf(certificate: ArrayBuffer): string {
  const lines = Buffer.from(certificate)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
