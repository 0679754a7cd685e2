// Whether a deployed edge can be reached and used: its name, connection, certificate, token, version, clock, tunnels and store.
import { canonicalAddress } from '../../http/address.ts';
import { withoutBrackets } from '../../http/authority.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { hello } from '../../schemas/api.ts';
import type { NamedEdge } from '../../schemas/config.ts';
import type { Finding } from '../../schemas/doctor.ts';
import type { EdgeAnswer } from '../edge/deployed.ts';
import { type Check, fail, pass, skip } from './check.ts';

/** What the certificate of an edge says. */
export interface CertificateFacts {
  readonly issuer: string;
  /** In milliseconds since 1970. */
  readonly notAfter: number;
}

export type Reached =
  | { readonly kind: 'reached'; readonly certificate: CertificateFacts | undefined }
  | { readonly kind: 'failed'; readonly error: ProxyError };

export interface Answer {
  readonly answer: EdgeAnswer;
  /** By the wall clock of this machine, in milliseconds since 1970: before the question and after the answer. */
  readonly askedAt: number;
  readonly answeredAt: number;
}

export interface EdgePorts {
  /** In milliseconds since 1970. */
  readonly wallTime: () => number;
  /** The parent proxy on the way to this host, as scheme://host:port, and whether it looks names up. */
  readonly parentOf: (
    scheme: 'http' | 'https',
    host: string,
    port: number,
  ) => { readonly name: string; readonly resolvesNames: boolean } | undefined;
  readonly lookup: (
    host: string,
  ) => Promise<
    | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
    | { readonly kind: 'failed'; readonly error: ProxyError }
  >;
  /** Connects, and ends the connection again. With TLS where that is asked for. */
  readonly connect: (
    where: {
      readonly host: string;
      readonly port: number;
      readonly addresses: readonly string[];
      readonly scheme: 'http' | 'https';
      readonly tls: boolean;
    },
    signal: AbortSignal,
  ) => Promise<Reached>;
  /** Asks for `/v1/hello`. Throws where the URL would show the token to others. */
  readonly ask: (edge: NamedEdge) => Promise<Answer>;
}

export function deployedEdgeCheck(edge: NamedEdge, ports: EdgePorts): Check {
  const name = `edge ${edge.name}`;
  return { name, deadlineMs: 20_000, run: (signal) => findings(name, edge, ports, signal) };
}

/** From the outside in: what fails makes the rest pointless. */
async function findings(name: string, edge: NamedEdge, ports: EdgePorts, signal: AbortSignal): Promise<Finding[]> {
  const { protocol, hostname, port: digits } = new URL(edge.url);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const host = withoutBrackets(hostname);
  const port = digits === '' ? { http: 80, https: 443 }[scheme] : Number(digits);
  const parent = ports.parentOf(scheme, host, port);
  const found: Finding[] = [];

  const dns = `${name} dns`;
  let addresses: readonly string[] = [];
  if (canonicalAddress(host) !== undefined) {
    found.push(skip(dns, 'its host is an address'));
    addresses = [host];
  } else if (parent?.resolvesNames === true) found.push(skip(dns, `the parent proxy ${parent.name} looks it up`));
  else {
    const resolved = await ports.lookup(host);
    if (resolved.kind === 'failed')
      return [
        ...found,
        fail(
          dns,
          `${host}: ${lower(resolved.error.message)}`,
          `Check the URL of the edge, and the name servers of this machine`,
        ),
      ];
    addresses = resolved.addresses;
    found.push(pass(dns, `${host} is ${addresses.join(', ')}`));
  }

  const way = parent === undefined ? '' : ` through the parent proxy ${parent.name}`;
  const tcp = `${name} tcp`;
  const reached = await ports.connect({ host, port, addresses, scheme, tls: false }, signal);
  if (reached.kind === 'failed')
    return [
      ...found,
      fail(
        tcp,
        `port ${port}${way}: ${lower(reached.error.message)}`,
        reached.error.advice ?? 'Check the URL of the edge, the network, and what firewalls let out',
      ),
    ];
  found.push(pass(tcp, `port ${port} is reached${way}`));

  const tls = `${name} tls`;
  if (scheme === 'http') found.push(skip(tls, 'it is on loopback, and http'));
  else {
    const secured = await ports.connect({ host, port, addresses, scheme, tls: true }, signal);
    if (secured.kind === 'failed') return [...found, fail(tls, tlsFailure(secured.error), tlsAdvice(secured.error))];
    found.push(pass(tls, certificateInWords(secured.certificate, ports.wallTime())));
  }
  return [...found, ...(await answered(name, edge, ports))];
}

async function answered(name: string, edge: NamedEdge, ports: EdgePorts): Promise<Finding[]> {
  const token = `${name} token`;
  const { answer, askedAt, answeredAt } = await ports.ask(edge);
  if (answer.kind === 'unavailable')
    return [
      fail(
        token,
        `it does not answer: ${lower(answer.because)}`,
        'Try again, and look at the log of the worker with `npx wrangler tail`',
      ),
    ];
  const { status, json } = answer;
  if (status === 401)
    return [
      fail(
        token,
        'the edge does not know it',
        'Make it one of those in EDGEHOP_TOKENS: `npx wrangler secret put EDGEHOP_TOKENS`, or correct `token` in the configuration',
      ),
    ];
  if (status === 503)
    return [
      fail(
        token,
        'the edge has no token at all',
        'Set one with `npx wrangler secret put EDGEHOP_TOKENS`: name=token, as in the configuration',
      ),
    ];
  if (status === 429)
    return [
      fail(
        token,
        'its bearer has asked more often than the edge allows',
        'Wait, or raise the limit of [[ratelimits]] in wrangler.toml',
      ),
    ];
  const version = `${name} version`;
  const said = hello.safeParse(json);
  if (status !== 200 || !said.success)
    return [
      fail(
        version,
        otherVersion(status, json),
        'Check the URL; where it is your worker, deploy it anew from this version of edgehop',
      ),
    ];
  const { colo, edgeTimeMs, tunnels, cacheStore } = said.data;
  return [
    pass(token, 'it is accepted'),
    pass(version, `${said.data.version}${colo === undefined ? '' : `, in ${colo}`}`),
    clockOf(`${name} clock`, edgeTimeMs, askedAt, answeredAt),
    tunnels
      ? pass(`${name} tunnels`, 'it carries tunnels')
      : skip(`${name} tunnels`, 'it carries none: tunnels (CONNECT, SOCKS5, WebSocket) go directly'),
    cacheStore === 'none'
      ? skip(`${name} store`, 'it stores nothing')
      : pass(`${name} store`, storeInWords[cacheStore]),
  ];
}

const storeInWords = {
  memory: 'memory, of one isolate: several of them do not share it',
  'cache-api': 'cache-api, of one data centre',
  r2: 'r2, a bucket',
} as const;

function otherVersion(status: number, json: unknown): string {
  const version = (json as { readonly version?: unknown } | undefined)?.version;
  return typeof version === 'number' && version !== 1
    ? `the edge is of version ${version}, and this edgehop of version 1`
    : `what answers there (status ${status}) is not an edgehop worker of version 1`;
}

/** Certificates, freshness lifetimes and the edge's stages are judged by clocks that agree about the minute. */
const maxOffsetMs = 60_000;

function clockOf(name: string, edgeTimeMs: number, askedAt: number, answeredAt: number): Finding {
  const offsetMs = edgeTimeMs - (askedAt + answeredAt) / 2;
  const errorMs = Math.abs(answeredAt - askedAt) / 2;
  const ahead = `this machine's clock is ${secondsInWords(Math.abs(offsetMs))} ${offsetMs < 0 ? 'ahead of' : 'behind'} the edge's, give or take ${secondsInWords(errorMs)}`;
  return Math.abs(offsetMs) - errorMs > maxOffsetMs
    ? fail(name, ahead, 'Set this machine’s clock, best by its time service')
    : pass(name, ahead);
}

function secondsInWords(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(0)} s`;
}

function certificateInWords(certificate: CertificateFacts | undefined, now: number): string {
  if (certificate === undefined) return 'the certificate is trusted';
  const days = Math.floor((certificate.notAfter - now) / 86_400_000);
  return `the certificate is trusted, issued by ${certificate.issuer}, valid until ${isoDay(certificate.notAfter)} (${days} days)`;
}

function isoDay(time: number): string {
  return Number.isNaN(time) ? 'a day that is not known' : new Date(time).toISOString().slice(0, 10);
}

/** What Node says of a certificate tells more than the type of the error does. */
function tlsFailure({ message, cause }: ProxyError): string {
  const own = cause instanceof Error ? `: ${cause.message}` : '';
  return `${lower(message).replace(/\.$/, '')}${own}`;
}

function tlsAdvice({ cause }: ProxyError): string {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  if (/NOT_YET_VALID|HAS_EXPIRED/.test(code))
    return 'Check this machine’s clock first; then renew the certificate of the edge';
  if (/SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO/.test(code))
    return 'Name its issuer (PEM) in NODE_EXTRA_CA_CERTS, where you know that something on the way has to decrypt TLS';
  return 'Check the URL of the edge: host and certificate have to belong together';
}

function lower(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
}
