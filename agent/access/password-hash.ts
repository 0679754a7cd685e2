// Hashes of passwords as the configuration file has them: scrypt (RFC 7914), made and verified off the event loop.
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** A hash taken apart. `cost` is N, `blockSize` r, `parallelism` p of RFC 7914 2. */
export interface PasswordHash {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** About 0.1 s and 32 MiB. */
const ours = { cost: 2 ** 15, blockSize: 8, parallelism: 3 };
const saltBytes = 16;
const keyBytes = 32;

/** What one verification may take: a hash in the file must not be able to stop the agent. */
const maxMemoryBytes = 256 * 1024 * 1024;
const maxParallelism = 16;

/** The hash of a password with a salt of its own, as `scrypt:N:r:p:SALT:KEY`, the last two in base64url. */
export async function hashOf(password: string, parameters: Partial<typeof ours> = {}): Promise<string> {
  const { cost, blockSize, parallelism } = { ...ours, ...parameters };
  const salt = randomBytes(saltBytes);
  const key = await derive(password, { cost, blockSize, parallelism, salt, key: Buffer.alloc(keyBytes) });
  return ['scrypt', cost, blockSize, parallelism, salt.toString('base64url'), key.toString('base64url')].join(':');
}

/** A hash in parts; nothing where the text is none, or takes more than a verification may. */
export function parseHash(text: string): PasswordHash | undefined {
  const [kind, cost, blockSize, parallelism, salt, key, ...more] = text.split(':');
  const hash = {
    cost: Number(cost),
    blockSize: Number(blockSize),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt ?? '', 'base64url'),
    key: Buffer.from(key ?? '', 'base64url'),
  };
  const isWithinBounds =
    Number.isInteger(Math.log2(hash.cost)) &&
    hash.cost > 1 &&
    hash.blockSize >= 1 &&
    128 * hash.cost * hash.blockSize <= maxMemoryBytes &&
    hash.parallelism >= 1 &&
    hash.parallelism <= maxParallelism;
  const isWhole = kind === 'scrypt' && more.length === 0 && hash.salt.length >= 8 && hash.key.length >= 16;
  return isWhole && isWithinBounds ? hash : undefined;
}

/** Whether a password is the one of the hash. Takes equally long where it is not. */
export async function isPasswordOf(password: string, hash: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, hash), hash.key);
}

/** RFC 7617 2.1: letters that can be written in two ways are one. */
function derive(password: string, { cost, blockSize, parallelism, salt, key }: PasswordHash): Promise<Buffer> {
  const options: ScryptOptions = { cost, blockSize, parallelization: parallelism, maxmem: 2 * maxMemoryBytes };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, key.length, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}
