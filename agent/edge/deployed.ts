// An edge that runs elsewhere: a worker deployed to Cloudflare, or any address that serves the same contract.
import { ProxyError } from '../../http/proxy-error.ts';
import { type Hello, hello } from '../../schemas/api.ts';
import { relayVersion } from '../../schemas/relay.ts';
import type { Dial } from '../upstream/dial.ts';
import type { Edge, EdgeLimits } from './edge.ts';
import { createEdgeClient, type EdgeClientPorts } from './edge-client.ts';
import { createEdgeTiming } from './link.ts';
import { readWhole } from './read-whole.ts';

export interface DeployedOptions {
  readonly name: string;
  /** https, or http to a loopback address. */
  readonly url: string;
  readonly token: string;
  readonly limits: EdgeLimits;
  readonly dial: Dial;
  readonly addresses: EdgeClientPorts['addresses'];
}

/** A link to a deployed edge, over HTTP/2 where it offers that and HTTP/1.1 where not. Throws when the URL would show the token to others. */
export function connectDeployed({ name, url, token, limits, dial, addresses }: DeployedOptions): Edge {
  const { origin, host } = new URL(url);
  if (!mayCarryToken(url)) {
    throw new ProxyError('proxy_configuration_error', 'The URL of an edge must be https, for it carries the token.', {
      advice: 'Use https:// for every edge that is not on a loopback address.',
    });
  }
  const client = createEdgeClient({ limits, dial, addresses, allowHttp2: true });
  const timing = createEdgeTiming();
  return {
    name,
    embedded: false,
    state: () => 'ready',
    ready: async () => ({ kind: 'ready', origin, host, client, token }),
    lost: () => undefined, // the next exchange connects anew
    timed: timing.timed,
    roundTrip: timing.roundTrip,
    explain: async (error) => error,
    processId: () => undefined,
    ports: () => [],
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Whether nobody on the way to this URL reads the token: https, or a loopback address. */
export function mayCarryToken(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

const maxHelloBytes = 64 * 1024;

export type EdgeCheck =
  | { readonly kind: 'answers'; readonly hello: Hello }
  /** A sentence. */
  | { readonly kind: 'unavailable'; readonly because: string };

/** Asks an edge who it is. Answers a sentence when it is not an edgehop worker that takes our token. */
export async function checkEdge(edge: Pick<Edge, 'ready'>, timeoutMs: number): Promise<EdgeCheck> {
  const answer = await askEdge(edge, '/v1/hello', { timeoutMs, maxBytes: maxHelloBytes });
  if (answer.kind === 'unavailable') return answer;
  const { status, json } = answer;
  if (status === 401) return { kind: 'unavailable', because: 'The edge does not know the token.' };
  if (status === 503) return { kind: 'unavailable', because: 'The edge has no token configured.' };
  const told = hello.safeParse(json);
  if (status === 200 && told.success) return { kind: 'answers', hello: told.data };
  return { kind: 'unavailable', because: status === 200 ? strangerInWords(json) : strangers };
}

const strangers = `What answers there is not an edgehop worker of version ${relayVersion}.`;

function strangerInWords(json: unknown): string {
  const version = (json as { readonly version?: unknown } | null | undefined)?.version;
  if (typeof version !== 'number' || version === relayVersion) return strangers;
  const older = version < relayVersion ? 'deploy the worker anew' : 'update edgehop on this machine';
  return `The edge speaks version ${version} of what agent and edge say to each other, and this edgehop version ${relayVersion}: ${older}.`;
}

/** `json` is undefined where the content is none, or too large. */
export type EdgeAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly json: unknown }
  /** A sentence. */
  | { readonly kind: 'unavailable'; readonly because: string };

/** GETs one of the paths by which an edge tells of itself. */
export async function askEdge(
  edge: Pick<Edge, 'ready'>,
  path: string,
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<EdgeAnswer> {
  const link = await edge.ready();
  if (link.kind === 'unavailable') return { kind: 'unavailable', because: link.error.message };
  const answer = await link.client.send({
    origin: link.origin,
    method: 'GET',
    path,
    fields: [
      ['host', link.host],
      ['authorization', `Bearer ${link.token}`],
    ],
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    maxOctetsHeld: maxBytes,
    onLeave: () => undefined,
  });
  if (answer.kind === 'failed') return { kind: 'unavailable', because: answer.error.message };
  const content = await readWhole(answer.content, maxBytes);
  return { kind: 'answered', status: answer.status, json: content && parsed(content) };
}

function parsed(octets: Buffer): unknown {
  try {
    return JSON.parse(octets.toString('utf8'));
  } catch {
    return undefined;
  }
}
