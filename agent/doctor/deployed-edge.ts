// Whether a deployed edge can be reached: its name, its connection, its certificate. What it answers, `edge-hello.ts` judges.
import { canonicalAddress } from '../../http/address.ts';
import { withoutBrackets } from '../../http/authority.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { NamedEdge } from '../../schemas/config.ts';
import type { Finding } from '../../schemas/doctor.ts';
import { type Check, fail, pass, skip } from './check.ts';
import { type HelloAnswer, helloFindings } from './edge-hello.ts';
import { fragment } from './fragment.ts';

/** What the certificate of an edge says. */
export interface CertificateFacts {
  readonly issuer: string;
  /** In milliseconds since 1970. */
  readonly notAfter: number;
}

type Failed = { readonly kind: 'failed'; readonly error: ProxyError };

export type Looked = { readonly kind: 'resolved'; readonly addresses: readonly string[] } | Failed;
export type Reached = { readonly kind: 'reached'; readonly certificate: CertificateFacts | undefined } | Failed;

export interface EdgeAddress {
  readonly scheme: 'http' | 'https';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface EdgePorts {
  /** In milliseconds since 1970. */
  readonly wallTime: () => number;
  /** The parent proxy on the way, as scheme://host:port. */
  readonly parentOf: (to: EdgeAddress) => { readonly name: string; readonly resolvesNames: boolean } | undefined;
  readonly lookup: (host: string) => Promise<Looked>;
  /** Connects, shakes hands for TLS where that is wanted, and ends the connection. */
  readonly connect: (
    to: EdgeAddress & { readonly addresses: readonly string[]; readonly tls: boolean },
    signal: AbortSignal,
  ) => Promise<Reached>;
  /** Asks for `/v1/hello`. Throws a ProxyError where the URL would show the token to others. */
  readonly ask: (edge: NamedEdge) => Promise<HelloAnswer>;
}

export function deployedEdgeCheck(edge: NamedEdge, ports: EdgePorts): Check {
  const name = `edge ${edge.name}`;
  const whenLate = 'Check the network on the way to the edge: each step took seconds';
  return { name, deadlineMs: 25_000, whenLate, run: (signal) => findings(name, edge, { ...ports, signal }) };
}

type Way = EdgePorts & { readonly signal: AbortSignal };

/** From the outside in: what fails makes the rest pointless. */
async function findings(name: string, edge: NamedEdge, way: Way): Promise<Finding[]> {
  const to = addressOf(edge.url);
  const { finding: dns, addresses } = await looked(`${name} dns`, to, way);
  if (dns.outcome === 'fail') return [dns];
  const tcp = await connected(`${name} tcp`, to, addresses, way);
  if (tcp.outcome === 'fail') return [dns, tcp];
  const tls = await secured(`${name} tls`, to, addresses, way);
  if (tls.outcome === 'fail') return [dns, tcp, tls];
  return [dns, tcp, tls, ...(await answered(name, edge, way))];
}

function addressOf(url: string): EdgeAddress {
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return {
    scheme,
    host: withoutBrackets(hostname),
    port: port === '' ? { http: 80, https: 443 }[scheme] : Number(port),
  };
}

async function looked(
  name: string,
  to: EdgeAddress,
  { parentOf, lookup }: Way,
): Promise<{ readonly finding: Finding; readonly addresses: readonly string[] }> {
  const { host } = to;
  if (canonicalAddress(host) !== undefined) return { finding: skip(name, 'its host is an address'), addresses: [host] };
  const parent = parentOf(to);
  if (parent?.resolvesNames === true)
    return { finding: skip(name, `the parent proxy ${parent.name} looks it up`), addresses: [] };
  const answer = await lookup(host);
  if (answer.kind === 'resolved')
    return { finding: pass(name, `${host} is ${answer.addresses.join(', ')}`), addresses: answer.addresses };
  const action = 'Check the URL of the edge, and the name servers of this machine';
  return { finding: fail(name, `${host}: ${fragment(answer.error.message)}`, action), addresses: [] };
}

async function connected(
  name: string,
  to: EdgeAddress,
  addresses: readonly string[],
  { parentOf, connect, signal }: Way,
): Promise<Finding> {
  const parent = parentOf(to);
  const by = `port ${to.port}${parent === undefined ? '' : ` through the parent proxy ${parent.name}`}`;
  const reached = await connect({ ...to, addresses, tls: false }, signal);
  if (reached.kind === 'reached') return pass(name, `it is reached at ${by}`);
  const { message, advice = 'Check the URL of the edge, the network, and what firewalls let out' } = reached.error;
  return fail(name, `${by}: ${fragment(message)}`, advice.replace(/\.$/, ''));
}

async function secured(
  name: string,
  to: EdgeAddress,
  addresses: readonly string[],
  { connect, signal, wallTime }: Way,
): Promise<Finding> {
  if (to.scheme === 'http') return skip(name, 'its URL is http');
  const reached = await connect({ ...to, addresses, tls: true }, signal);
  if (reached.kind === 'reached') return pass(name, certificateInWords(reached.certificate, wallTime()));
  const { message, cause } = reached.error;
  // What Node says of a certificate tells more than the type of the error does.
  const own = cause instanceof Error ? `: ${cause.message}` : '';
  return fail(name, `${fragment(message)}${own}`, tlsAdvice((cause as NodeJS.ErrnoException | undefined)?.code));
}

function certificateInWords(certificate: CertificateFacts | undefined, now: number): string {
  if (certificate === undefined || Number.isNaN(certificate.notAfter)) return 'the certificate is trusted';
  const { issuer, notAfter } = certificate;
  const until = new Date(notAfter).toISOString().slice(0, 10);
  return `the certificate is trusted, issued by ${issuer}, valid until ${until} (${Math.floor((notAfter - now) / 86_400_000)} days)`;
}

function tlsAdvice(code = ''): string {
  if (/NOT_YET_VALID|HAS_EXPIRED/.test(code))
    return 'Check this machine’s clock first; then renew the certificate of the edge';
  if (/SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO/.test(code))
    return 'Name its issuer (PEM) in trust.authorities, where you know that something on the way has to decrypt TLS';
  return 'Check the URL of the edge: host and certificate have to belong together';
}

async function answered(name: string, edge: NamedEdge, { ask }: Way): Promise<readonly Finding[]> {
  try {
    return helloFindings(name, await ask(edge));
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    return [
      fail(`${name} token`, fragment(cause.message), cause.advice?.replace(/\.$/, '') ?? 'Correct the URL of the edge'),
    ];
  }
}
