// Looks names up through the operating system, remembers the answers for some seconds, and waits no longer than a bound.
import { lookup } from 'node:dns/promises';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Clock, Instant, Resolution, Resolve } from '../ports.ts';

/** Answers are used again for a short time only: the operating system does not tell how long they are valid. */
export type ResolverLimits = Pick<Config['limits'], 'dnsTimeoutMs' | 'dnsMemoryMs' | 'maxRememberedNames'>;

/** Every address of a name, as the operating system orders them. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);

interface Known {
  /** Itself, once it is there. */
  resolution: Resolution | Promise<Resolution>;
  readonly until: Instant;
}

/** A resolver over `look`, whose failures are RFC 9209 `dns_error` and `dns_timeout`. */
export function createResolver(
  look: Lookup,
  clock: Clock,
  { dnsTimeoutMs, dnsMemoryMs, maxRememberedNames }: ResolverLimits,
): Resolve {
  const known = new Map<string, Known>();
  return (host) => {
    const now = clock.now();
    const remembered = known.get(host);
    if (remembered !== undefined && remembered.until > now) return remembered.resolution;
    const resolution = resolved(look, host, dnsTimeoutMs);
    known.delete(host);
    const entry: Known = { resolution, until: now + dnsMemoryMs };
    known.set(host, entry);
    if (known.size > maxRememberedNames) known.delete(known.keys().next().value as string);
    void resolution.then((answer) => {
      if (answer.kind === 'resolved') entry.resolution = answer;
      else if (known.get(host) === entry) known.delete(host);
    });
    return resolution;
  };
}

async function resolved(look: Lookup, host: string, dnsTimeoutMs: number): Promise<Resolution> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<Resolution>((resolve) => {
    const error = new ProxyError('dns_timeout', `The name server did not answer within ${dnsTimeoutMs} ms.`);
    timer = setTimeout(() => resolve({ kind: 'failed', error }), dnsTimeoutMs);
  });
  const answer = look(host).then(
    (addresses): Resolution => (addresses.length > 0 ? { kind: 'resolved', addresses } : notFound(undefined)),
    notFound,
  );
  return Promise.race([answer, timeout]).finally(() => clearTimeout(timer));
}

function notFound(cause: unknown): Resolution {
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'EAI_AGAIN') {
    const message = 'No name server answers.';
    return {
      kind: 'failed',
      error: new ProxyError('dns_error', message, {
        advice: 'Check the network connection and the DNS settings.',
        cause,
      }),
    };
  }
  const message = "The destination's name cannot be resolved.";
  return {
    kind: 'failed',
    error: new ProxyError('dns_error', message, { advice: 'Check the spelling of the host.', cause }),
  };
}
