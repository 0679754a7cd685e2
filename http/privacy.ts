// What a request tells origins of the hop that passes it on and of the client behind it: Via and Forwarded, as far as is wanted.
import type { Config } from '../schemas/config.ts';
import type { Field, Fields } from './fields.ts';
import { forwardedElement, obfuscatedIdentifier } from './forwarded.ts';
import { viaMember } from './via.ts';

/** The request that is passed on. */
export interface Passing {
  /** The version of HTTP by which it came. */
  readonly httpVersion: string;
  /** How it was asked for. */
  readonly scheme: 'http' | 'https';
  /** Address of the client. */
  readonly client: string;
  /** The Host field as it came to a reverse route, where Forwarded is always set; absent where no reverse route is meant. */
  readonly reverseHost?: string | undefined;
}

/** The hop that passes it on, for one run. */
export interface PassingHop {
  readonly privacy: Config['privacy'];
  /** Another one in each run, so that a loop is told from a second proxy of the same name. */
  readonly pseudonym: string;
  /** Name of this machine. */
  readonly machine: string;
  /** A name for a client: for one address the same for the whole run, and no way leads back. */
  readonly clientPseudonym: (address: string) => string;
}

/**
 * The fields with Via and Forwarded as `privacy` asks for them. RFC 9110 7.6.3, RFC 7239. What came is kept, but on a
 * reverse route, where Forwarded and its forerunners would be claims of the client about itself.
 */
export function passedOnFields(fields: Fields, passing: Passing, hop: PassingHop): Field[] {
  const kept = passing.reverseHost === undefined ? [...fields] : fields.filter((field) => !isClaim(field));
  const via = viaOf(passing.httpVersion, hop);
  if (via !== undefined) kept.push(['Via', via]);
  const forwarded = forwardedOf(passing, hop);
  if (forwarded !== undefined) kept.push(['Forwarded', forwarded]);
  return kept;
}

/** What servers behind a reverse proxy believe: Forwarded, and X-Forwarded-For with all its kin. */
function isClaim([name]: Field): boolean {
  return /^(?:forwarded$|x-forwarded-)/i.test(name);
}

/**
 * This hop's member of Via, if it is to have one. The name of the machine stands in the comment behind the pseudonym: by
 * the pseudonym a loop is found, and two machines of one name behind each other are none.
 */
function viaOf(httpVersion: string, { privacy, pseudonym, machine }: PassingHop): string | undefined {
  if (privacy.via === 'off') return undefined;
  const member = viaMember(httpVersion, pseudonym);
  return privacy.via === 'on' && isHostName(machine) ? `${member} (${machine})` : member;
}

function isHostName(text: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(text);
}

function forwardedOf(passing: Passing, { privacy, pseudonym, clientPseudonym }: PassingHop): string | undefined {
  const { client, reverseHost, scheme } = passing;
  if (privacy.forwarded === 'off' && reverseHost === undefined) return undefined;
  return forwardedElement({
    for: privacy.forwarded === 'pseudonym' ? obfuscatedIdentifier(clientPseudonym(client)) : client,
    by: privacy.via === 'off' ? undefined : obfuscatedIdentifier(pseudonym),
    host: reverseHost,
    proto: scheme,
  });
}
