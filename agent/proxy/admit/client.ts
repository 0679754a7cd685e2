// Whether a client may ask at all: its address, how often it asks, and its credentials. RFC 9110 11.7, RFC 7617.
import { fieldValues } from '../../../http/fields.ts';
import { textFromUtf8 } from '../../../http/octets.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Admission, Admit } from '../ports.ts';

/** What this phase is told of clients. Addresses are as sockets tell them. */
export interface ClientAccess {
  isAllowed(address: string): boolean;
  isTrusted(address: string): boolean;
  mayAsk(address: string): boolean;
  readonly verify:
    | ((address: string, name: string, password: string) => CredentialsVerdict | Promise<CredentialsVerdict>)
    | undefined;
}

export type CredentialsVerdict = 'right' | 'wrong' | 'too-many';

/** Lets a client in, or refuses it with 403, 407 or 429: at once, unless its credentials have to be verified. */
export function createClientAdmit(access: ClientAccess): Admit {
  return ({ trace, fields, reverse }) => {
    const { address } = trace.connection;
    const unwanted = judgeAddress(access, address);
    if (unwanted !== undefined) return admissionOf(unwanted);
    if (access.verify === undefined && reverse === undefined) return admitted;
    // Who the client is was judged when its tunnel was opened; inside it speaks to an origin.
    if (trace.connection.intercepted !== undefined) return admitted;
    const values = fieldValues(fields, 'proxy-authorization');
    if (reverse !== undefined) {
      // It speaks to an origin: browsers give origins no credentials for proxies.
      if (access.isTrusted(address)) return admitted;
      if (access.verify === undefined || values.length === 0) return admissionOf(notNamed());
    }
    if (access.verify === undefined) return admitted;
    const presented = basicCredentials(values);
    if (presented === undefined) return admissionOf(credentialsRequired());
    const verdict = access.verify(address, presented.name, presented.password);
    if (verdict instanceof Promise) return verdict.then((later) => admissionOf(credentialsError(later)));
    return admissionOf(credentialsError(verdict));
  };
}

/** What SOCKS5 asks of a client: name and password within its handshake, the rest when its request has come. */
export interface SocksClients {
  readonly asksCredentials: boolean;
  /** Why a client's credentials are not accepted, if they are not. */
  verify(address: string, name: string, password: string): Promise<ProxyError | undefined>;
  /** Why a client may not ask, if it may not. */
  admit(address: string): ProxyError | undefined;
}

/** The same judgement for clients without fields. RFC 1929. */
export function createSocksClients(access: ClientAccess): SocksClients {
  return {
    asksCredentials: access.verify !== undefined,
    verify: async (address, name, password) =>
      credentialsError((await access.verify?.(address, name, password)) ?? 'right'),
    admit: (address) => judgeAddress(access, address),
  };
}

function judgeAddress(access: ClientAccess, address: string): ProxyError | undefined {
  if (!access.isAllowed(address)) return denied();
  return access.mayAsk(address) ? undefined : tooManyRequests();
}

const admitted: Admission = { kind: 'admitted' };

function admissionOf(error: ProxyError | undefined): Admission {
  return error === undefined ? admitted : { kind: 'refused', error };
}

/** What a verdict means for a client; nothing where its credentials are right. */
function credentialsError(verdict: CredentialsVerdict): ProxyError | undefined {
  if (verdict === 'right') return undefined;
  return verdict === 'wrong' ? credentialsRequired() : tooManyGuesses();
}

/** Name and password of a Basic scheme, UTF-8. Nothing where there are none, or more than one field. RFC 7617 2. */
export function basicCredentials(
  values: readonly string[],
): { readonly name: string; readonly password: string } | undefined {
  const [value, ...more] = values;
  const encoded = /^basic +([\w+/-]+={0,2}) *$/i.exec(value ?? '')?.[1];
  if (encoded === undefined || more.length > 0) return undefined;
  const text = textFromUtf8(Buffer.from(encoded, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon === -1) return undefined;
  return { name: text.slice(0, colon).normalize('NFC'), password: text.slice(colon + 1).normalize('NFC') };
}

/** RFC 9110 15.5.8. The reply says which scheme is meant. */
function credentialsRequired(): ProxyError {
  return new ProxyError('http_request_denied', 'This proxy asks for a user name and password.', {
    status: 407,
    advice: 'Give those of an entry in admit.credentials, for instance with `curl -x http://NAME:PASSWORD@host:port`.',
  });
}

function tooManyGuesses(): ProxyError {
  return new ProxyError('http_request_denied', 'Too many user names and passwords are tried on this proxy.', {
    status: 429,
    advice: 'Wait a second.',
  });
}

/** RFC 6585 4. */
function tooManyRequests(): ProxyError {
  return new ProxyError('http_request_denied', 'This client asks more often than the proxy allows.', {
    status: 429,
    advice: 'Wait a second, or raise limits.maxRequestsPerSecondPerClient.',
  });
}

function denied(): ProxyError {
  return new ProxyError('http_request_denied', 'This client is not served here.', {
    status: 403,
    advice: 'Whoever runs the proxy decides with admit.clients in edgehop.jsonc.',
  });
}

function notNamed(): ProxyError {
  return new ProxyError('http_request_denied', 'This client is not served here without credentials for a proxy.', {
    status: 403,
    advice: 'Whoever runs the proxy can name its address in admit.clients.allow in edgehop.jsonc.',
  });
}
