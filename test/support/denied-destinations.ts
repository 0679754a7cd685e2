// Run inside a network namespace in which every address is this machine's own: asks an agent, and a worker by itself, for
// destinations that are denied or allowed. Takes the cases as JSON on stdin, prints what came of each as JSON.
import { text } from 'node:stream/consumers';
import { startTestAgent } from './agent.ts';
import { startCanaries } from './canaries.ts';
import type { DestinationCase } from './cases.ts';
import { connectClient } from './client.ts';
import { call, envelopeFor, envelopeOf, exchangeFields, startDeployedEdge, startEmbeddedEdge } from './edge.ts';

/** What became of one case by one way. */
export interface Verdict {
  readonly url: string;
  /** How it was asked for. */
  readonly way: string;
  /** What was answered: a status, a SOCKS reply, or the type of the edge's error. */
  readonly answer: string;
  /** The canaries that were reached. */
  readonly reached: readonly string[];
}

/** What a name resolves to that has nothing else: public, and in this namespace a canary's. */
const publicAddress = '93.184.216.34';
const policy = { allowPrivate: false, exceptions: [] };

const cases: DestinationCase[] = JSON.parse(await text(process.stdin));
await using canaries = await startCanaries(portsOf(cases));
const verdicts: Verdict[] = [];

async function note(url: string, way: string, ask: () => Promise<string>): Promise<void> {
  const answer = await ask();
  verdicts.push({ url, way, answer, reached: await canaries.taken() });
}

for (const edge of ['none', 'embedded'] as const) {
  const asked = new Map<string, number>();
  const lookup = async (host: string) => {
    const { dns = [publicAddress] } = cases.find(({ url }) => hostOf(url) === host) ?? {};
    const turn = asked.get(host) ?? 0;
    asked.set(host, turn + 1);
    const sequence = dns.map((each) => [each].flat()) as string[][];
    return typeof dns[0] === 'string' ? sequence.flat() : (sequence[Math.min(turn, dns.length - 1)] ?? []);
  };
  await using proxy = await startTestAgent({ edge, allowPrivate: false, lookup });
  await canaries.taken();
  for (const { url, form } of cases) {
    if (form === 'connect') {
      await note(url, `CONNECT, edge ${edge}`, () => statusOf(proxy.port, `CONNECT ${url}`));
      continue;
    }
    await note(url, `GET, edge ${edge}`, () => statusOf(proxy.port, `GET ${url}`));
    const authority = authorityOf(url);
    if (authority === undefined) continue;
    await note(url, `CONNECT, edge ${edge}`, () => statusOf(proxy.port, `CONNECT ${authority.host}:${authority.port}`));
    await note(url, `SOCKS5, edge ${edge}`, () => socksReply(proxy.port, authority.host, authority.port));
  }
}

const edges = { embedded: () => startEmbeddedEdge({ policy }), deployed: () => startDeployedEdge() };
for (const [kind, start] of Object.entries(edges)) {
  await using edge = await start();
  await canaries.taken();
  for (const { url, dns } of cases) {
    // What a name resolves to, only the embedded edge can refuse: elsewhere that is the platform's.
    if (dns !== undefined && kind === 'deployed') continue;
    for (const each of new Set([url, ...canonicalLiteral(url)])) {
      await note(url, `worker, ${kind}`, () => edgeAnswer(edge.direct, each));
    }
  }
}

process.stdout.write(JSON.stringify(verdicts));

/** The ports that the cases name, and the two that they mean when they name none. */
function portsOf(rows: readonly DestinationCase[]): number[] {
  const named = rows.flatMap(({ url }) => [...url.matchAll(/:([0-9]{1,5})(?![0-9])/g)].map(([, port]) => Number(port)));
  return [...new Set([80, 443, ...named])].filter((port) => port > 0 && port < 65536);
}

/** Host and port as the text has them, however odd. */
function authorityOf(url: string): { readonly host: string; readonly port: string } | undefined {
  const [, scheme, authority] = /^(https?):\/\/([^/?#]+)/i.exec(url) ?? [];
  if (authority === undefined) return undefined;
  const [, host = '', port] = /^(.*?)(?::([^:\]]*))?$/s.exec(authority) ?? [];
  return { host, port: port ?? (scheme?.toLowerCase() === 'https' ? '443' : '80') };
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : undefined;
}

/** The URL that an agent would have made of this one, where its host is an address. */
function canonicalLiteral(url: string): string[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed !== undefined && /^(?:[0-9.]+|\[.*\])$/.test(parsed.hostname) ? [parsed.href] : [];
}

/** The text goes out in UTF-8, as it is. A request that gets no answer at all is told so. */
async function statusOf(port: number, start: string): Promise<string> {
  using client = await connectClient(port);
  client.send(Buffer.from(`${start} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
  const head = await client.octets.until('\r\n');
  return head === undefined ? 'closed' : (/^HTTP\/1\.1 (\d{3})/.exec(head.toString('latin1'))?.[1] ?? `${head}`);
}

/** The reply to a CONNECT by SOCKS5 for a name, which the text is whatever it looks like. RFC 1928 6. */
async function socksReply(port: number, host: string, destinationPort: string): Promise<string> {
  using client = await connectClient(port);
  client.send(Buffer.of(5, 1, 0));
  const method = await client.octets.exactly(2);
  if (method[1] !== 0) return 'no SOCKS5';
  const name = Buffer.from(host.replace(/^\[(.*)\]$/, '$1'));
  if (name.length > 255) return 'closed'; // cannot be said
  const number = Number(destinationPort) & 0xffff;
  client.send(Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(number >> 8, number & 0xff)]));
  const reply = await client.octets.exactly(2);
  return reply.length < 2 ? 'closed' : `reply ${reply[1]}`;
}

async function edgeAnswer(edge: string, url: string): Promise<string> {
  const envelope = { ...envelopeFor('http://x/'), url };
  const reply = await call(`${edge}/v1/exchange`, { method: 'POST', fields: exchangeFields(envelope) });
  if (reply.status !== 200) return String(reply.status);
  const answer = envelopeOf(reply);
  return answer.kind === 'failed' ? answer.error.type : `response ${answer.status}`;
}
