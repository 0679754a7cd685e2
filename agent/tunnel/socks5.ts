// SOCKS5 as a pure machine: octets in whatever pieces to what they ask for and how that is answered. RFC 1928, RFC 1929.
import { parseAuthority } from '../../http/authority.ts';
import { textFromUtf8 } from '../../http/octets.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { ErrorType } from '../../schemas/error.ts';

export interface Handshake {
  /** Takes what has come, and judges it as early as it can be. Not to be called after anything but `incomplete`. */
  take(octets: Buffer): Progress;
  /** Goes on after `credentials`, with the error where they are not accepted. */
  judged(error: ProxyError | undefined): Progress;
  /** What becomes of a client from which no more is awaited. */
  late(): Refused;
}

export type Progress =
  /** `reply` is to be written now, and may be empty. */
  { readonly kind: 'incomplete'; readonly reply: Buffer } | Credentials | Wish;

/** A name and password to be verified. `reply` is to be written now. Undefined where the octets are not UTF-8. */
export interface Credentials {
  readonly kind: 'credentials';
  readonly reply: Buffer;
  readonly name: string | undefined;
  readonly password: string | undefined;
}

/** What the client has asked for in the end. */
export type Wish = Connect | Refused;

/** A tunnel. `reply` is to be written now; `early` came behind the request and is the tunnel's. */
export interface Connect {
  readonly kind: 'connect';
  /** Canonical, IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  readonly reply: Buffer;
  readonly early: Buffer;
}

/** Nothing that is carried here. `reply` is the last that the client gets, and `code` what it says. */
export interface Refused {
  readonly kind: 'refused';
  readonly reply: Buffer;
  readonly code: number;
  readonly error: ProxyError;
}

/** No message is longer: with so many octets it is understood or refused. There are three at most. RFC 1929 2. */
export const maxMessageBytes = 3 + 255 + 255;

/** Begins to listen to a client whose first octet is 5. Without `asksCredentials` any that it shows are good. */
export function handshake(asksCredentials = false): Handshake {
  let stage: Stage = 'greeting';
  let held: Buffer = Buffer.alloc(0);
  const goOn = (replies: Buffer[]): Progress => {
    for (;;) {
      const step = readers[stage](held, asksCredentials);
      if (step.kind === 'incomplete') return { kind: 'incomplete', reply: Buffer.concat(replies) };
      if (step.kind === 'refused') return { ...step, reply: Buffer.concat([...replies, step.reply]) };
      held = held.subarray(step.taken);
      if (step.kind === 'connect') {
        return { kind: 'connect', host: step.host, port: step.port, reply: Buffer.concat(replies), early: held };
      }
      if (step.kind === 'credentials') {
        return { kind: 'credentials', name: step.name, password: step.password, reply: Buffer.concat(replies) };
      }
      replies.push(step.reply);
      stage = step.next;
    }
  };
  return {
    take: (octets) => {
      held = held.length === 0 ? octets : Buffer.concat([held, octets]);
      return goOn([]);
    },
    judged: (error) => {
      if (error !== undefined) return refusal('credentials', error);
      stage = 'request';
      return goOn([credentialsAccepted]);
    },
    late: () => refusal(stage, requestError('The SOCKS5 handshake did not come in time.', 408)),
  };
}

/** Says whether there is a tunnel. The address that the destination sees is not told: clients of CONNECT need none. */
export function reply(code: number): Buffer {
  return Buffer.of(version, code, 0, addressKinds.ipv4, 0, 0, 0, 0, 0, 0);
}

export const succeeded = 0;

/** What a failure is called in SOCKS, as far as there is a word for it. RFC 1928 6. */
export function codeOf({ type }: ProxyError): number {
  return codes[type] ?? generalFailure;
}

const version = 5;
const methods = { none: 0, password: 2 };
const noAcceptableMethod = 0xff;
const credentialsVersion = 1;
const credentialsRefused = 1;
const credentialsAccepted = Buffer.of(credentialsVersion, 0);
const commands: Readonly<Record<number, string>> = { 1: 'CONNECT', 2: 'BIND', 3: 'UDP ASSOCIATE' };
const addressKinds = { ipv4: 1, name: 3, ipv6: 4 };

const generalFailure = 1;
const notAllowed = 2;
const networkUnreachable = 3;
const hostUnreachable = 4;
const connectionRefused = 5;
const timeToLiveExpired = 6;
const commandNotSupported = 7;
const addressKindNotSupported = 8;

const codes: Readonly<Partial<Record<ErrorType, number>>> = {
  destination_ip_prohibited: notAllowed,
  http_request_denied: notAllowed,
  proxy_loop_detected: notAllowed,
  destination_ip_unroutable: networkUnreachable,
  dns_error: hostUnreachable,
  dns_timeout: hostUnreachable,
  destination_not_found: hostUnreachable,
  destination_unavailable: hostUnreachable,
  connection_refused: connectionRefused,
  connection_timeout: timeToLiveExpired, // Tor and Dante call it so too
};

type Stage = 'greeting' | 'credentials' | 'request';

type Step =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'answer'; readonly taken: number; readonly reply: Buffer; readonly next: Stage }
  | { readonly kind: 'connect'; readonly taken: number; readonly host: string; readonly port: number }
  | (Omit<Credentials, 'reply'> & { readonly taken: number })
  | Refused;

const incomplete: Step = { kind: 'incomplete' };

const readers: Readonly<Record<Stage, (octets: Buffer, asksCredentials: boolean) => Step>> = {
  greeting: readGreeting,
  credentials: readCredentials,
  request: readRequest,
};

/** Version, number of methods, methods. RFC 1928 3. */
function readGreeting(octets: Buffer, asksCredentials: boolean): Step {
  const [given, count] = octets;
  if (given !== undefined && given !== version) return malformed('greeting', 'the version is not 5');
  if (count === undefined || octets.length < 2 + count) return incomplete;
  const offered = octets.subarray(2, 2 + count);
  const answer = (method: number, next: Stage): Step => {
    return { kind: 'answer', taken: 2 + count, reply: Buffer.of(version, method), next };
  };
  if (!asksCredentials && offered.includes(methods.none)) return answer(methods.none, 'request');
  if (offered.includes(methods.password)) return answer(methods.password, 'credentials');
  if (asksCredentials) return refusal('greeting', credentialsMissing());
  const message = 'The SOCKS5 client offers neither to do without authentication nor user name and password.';
  return refusal('greeting', requestError(message));
}

/** Version, user name, password, each with its length. RFC 1929 2. */
function readCredentials(octets: Buffer, asksCredentials: boolean): Step {
  const [given, nameLength] = octets;
  if (given !== undefined && given !== credentialsVersion)
    return malformed('credentials', 'the version of user name and password is not 1');
  if (nameLength === undefined) return incomplete;
  const passwordLength = octets[2 + nameLength];
  if (passwordLength === undefined) return incomplete;
  const taken = 3 + nameLength + passwordLength;
  if (octets.length < taken) return incomplete;
  if (!asksCredentials) return { kind: 'answer', taken, reply: credentialsAccepted, next: 'request' };
  const name = utf8(octets.subarray(2, 2 + nameLength));
  return { kind: 'credentials', taken, name, password: utf8(octets.subarray(3 + nameLength, taken)) };
}

/** Version, command, a reserved octet, kind of address, address, port. RFC 1928 4 and 5. */
function readRequest(octets: Buffer): Step {
  const [given, command, reserved, kind, nameLength] = octets;
  if (given !== undefined && given !== version) return malformed('request', 'the version is not 5');
  if (command === undefined) return incomplete;
  const name = commands[command];
  if (name !== 'CONNECT') {
    const message = `SOCKS5 ${name ?? 'with an unknown command'} is not carried here, only CONNECT is.`;
    return refusal('request', requestError(message, 501), commandNotSupported);
  }
  if (reserved !== undefined && reserved !== 0) return malformed('request', 'the reserved octet is not 0');
  if (kind === undefined) return incomplete;
  if (!Object.values(addressKinds).includes(kind)) {
    const message = 'The kind of address in the SOCKS5 request is unknown.';
    return refusal('request', requestError(message, 501), addressKindNotSupported);
  }
  const start = kind === addressKinds.name ? 5 : 4;
  const length = kind === addressKinds.ipv4 ? 4 : kind === addressKinds.ipv6 ? 16 : nameLength;
  if (length === undefined || octets.length < start + length + 2) return incomplete;
  const host = hostOf(kind, octets.subarray(start, start + length));
  const authority = parseAuthority(`${host}:${octets.readUInt16BE(start + length)}`);
  if (authority.kind === 'malformed') return malformed('request', authority.because);
  return { kind: 'connect', taken: start + length + 2, host: authority.host, port: authority.port };
}

/** The host as CONNECT has it, so that both are judged by one function. Each octet of a name is one character. */
function hostOf(kind: number, octets: Buffer): string {
  if (kind === addressKinds.ipv4) return octets.join('.');
  if (kind === addressKinds.ipv6) return `[${octets.toString('hex').match(/.{4}/g)?.join(':')}]`;
  const name = octets.toString('latin1');
  return /^[0-9a-f.]*:[0-9a-f:.]*$/i.test(name) ? `[${name}]` : name; // Chromium sends IPv6 addresses as names
}

/** As with Basic (RFC 7617 2.1): text that can be written in two ways is one. */
function utf8(octets: Buffer): string | undefined {
  return textFromUtf8(octets)?.normalize('NFC');
}

function credentialsMissing(): ProxyError {
  const message = 'This proxy asks for a user name and password, and the SOCKS5 client offers none.';
  return new ProxyError('http_request_denied', message, { status: 407 });
}

function malformed(stage: Stage, because: string): Refused {
  return refusal(stage, requestError(`The SOCKS5 handshake is malformed: ${because}.`));
}

/** The end in the form of the message that the client awaits at this stage. */
function refusal(stage: Stage, error: ProxyError, code = generalFailure): Refused {
  if (stage === 'request') return { kind: 'refused', reply: reply(code), code, error };
  const [octet, last] = stage === 'greeting' ? [version, noAcceptableMethod] : [credentialsVersion, credentialsRefused];
  return { kind: 'refused', reply: Buffer.of(octet, last), code: last, error };
}

function requestError(message: string, status = 400): ProxyError {
  return new ProxyError('http_request_error', message, { status });
}
