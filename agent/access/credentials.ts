// Whether a client's name and password are right: each pair is verified once and then known again by a keyed digest.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import type { Buckets } from './buckets.ts';
import { isPasswordOf, type PasswordHash, parseHash } from './password-hash.ts';

/** `too-many`: it was not looked at, since this client has guessed too often, or too many are being verified. */
export type Verdict = 'right' | 'wrong' | 'too-many';

/** Judges the name and password of a client: at once where they are known. `client` is the key of its address. */
export type Verify = (client: string, name: string, password: string) => Verdict | Promise<Verdict>;

export interface CredentialsPorts {
  readonly config: Config['admit']['credentials'];
  /** Tokens for passwords that turn out wrong. */
  readonly guesses: Buckets;
  /** Good in place of a password under the empty name: what the state file tells this machine's own verbs. */
  readonly ownSecret: string | undefined;
}

/** Verifications at once; each takes a processor for a tenth of a second. */
export const maxVerifications = 2;
/** Pairs that are known again; the one used longest ago is forgotten for one more. */
export const maxKnownPairs = 1_000;

/** Throws a ProxyError of type `proxy_configuration_error` where a hash is none, or a name stands twice. */
export function createVerify({ config, guesses, ownSecret }: CredentialsPorts): Verify {
  const hashes = hashesOf(config);
  const key = randomBytes(32);
  const digestOf = (name: string, password: string) =>
    createHmac('sha256', key).update(`${name}\0${password}`).digest('base64');
  const own = ownSecret === undefined ? undefined : digestOf('', ownSecret);
  /** In the order of their last use. */
  const known = new Set<string>();
  const underWay = new Map<string, Promise<Verdict>>();
  /** A name that nobody has takes as long as one that somebody has. */
  const noOnes = hashes.values().next().value as PasswordHash;

  const remember = (digest: string) => {
    known.delete(digest);
    if (known.size >= maxKnownPairs) known.delete(known.values().next().value as string);
    known.add(digest);
  };
  const verified = async (client: string, name: string, password: string, digest: string): Promise<Verdict> => {
    const hash = hashes.get(name);
    const isRight = (await isPasswordOf(password, hash ?? noOnes)) && hash !== undefined;
    if (!isRight) return 'wrong';
    guesses.giveBack(client);
    remember(digest);
    return 'right';
  };
  return (client, name, password) => {
    // RFC 7617 2: no control characters in either. A key of HMAC with NUL octets behind it is the same key, and so the same password.
    if (/\p{Cc}/u.test(name + password)) return 'wrong';
    const digest = digestOf(name, password);
    if (name === '') return own !== undefined && isSame(digest, own) ? 'right' : 'wrong';
    if (known.has(digest)) {
      remember(digest);
      return 'right';
    }
    const going = underWay.get(digest);
    if (going !== undefined) return going;
    if (underWay.size >= maxVerifications || !guesses.take(client)) return 'too-many';
    const verifying = verified(client, name, password, digest).finally(() => underWay.delete(digest));
    underWay.set(digest, verifying);
    return verifying;
  };
}

function hashesOf(config: CredentialsPorts['config']): ReadonlyMap<string, PasswordHash> {
  const hashes = new Map<string, PasswordHash>();
  for (const [index, { name, hash }] of config.entries()) {
    const parsed = parseHash(hash);
    const key = name.normalize('NFC');
    if (parsed === undefined) throw wrong(`admit.credentials[${index}].hash is none that can be verified.`);
    if (hashes.has(key)) throw wrong(`admit.credentials names one user twice, the second time at [${index}].`);
    hashes.set(key, parsed);
  }
  return hashes;
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other)); // digests are equally long
}

function wrong(message: string): ProxyError {
  return new ProxyError('proxy_configuration_error', message, {
    advice: 'Make an entry with `edgehop config credential NAME`.',
  });
}
