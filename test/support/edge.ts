// The worker on real workerd, as the agent embeds it or as it is deployed, and a client that speaks the wire contract.
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Log, LogLevel, Miniflare } from 'miniflare';
import { compatibilityDate, startRuntime } from '../../agent/edge/runtime.ts';
import { workerSource } from '../../agent/edge/worker-source.ts';
import type { DestinationPolicy } from '../../http/destination.ts';
import { type RequestEnvelope, type ResponseEnvelope, responseEnvelope } from '../../schemas/relay.ts';

export const testToken = 'a-token-for-tests-0123456789';

export interface TestEdge extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` of workerd's own socket, which leaves octets alone. The agent uses this one. */
  readonly direct: string;
  /** The same of miniflare's entry worker, which treats messages as the deployed platform's front does. */
  readonly entry: string;
  /** What workerd has written to its log. */
  readonly logLines: readonly string[];
}

export interface EmbeddedOptions {
  readonly policy?: DestinationPolicy;
  /** PEM of an issuer that the edge is to trust. */
  readonly trusted?: string;
  /** Text of another worker module than ours. */
  readonly source?: string;
}

const allowPrivate: DestinationPolicy = { allowPrivate: true, exceptions: [] };

/** Starts the worker as the agent does. Without a policy private destinations are allowed. */
export async function startEmbeddedEdge({
  policy = allowPrivate,
  trusted,
  source,
}: EmbeddedOptions = {}): Promise<TestEdge> {
  const logLines: string[] = [];
  const runtime = await startRuntime({
    source: source ?? (await workerSource()),
    token: testToken,
    policy,
    ...(trusted !== undefined && { trusted: [trusted] }),
    onLogLine: (line) => logLines.push(line),
    onExit: (because) => logLines.push(`exited: ${because}`),
  });
  const entryPort = runtime.ports.find((port) => runtime.origin !== `http://127.0.0.1:${port}`);
  return {
    direct: runtime.origin,
    entry: `http://127.0.0.1:${entryPort}`,
    logLines,
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

export interface DeployedOptions {
  /** What the deployment has set; ours is a token only. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Where every fetch of the worker ends, whatever its URL says: `127.0.0.1:PORT`. */
  readonly internet?: string;
  /** Whether a bucket is bound for the cache. */
  readonly hasBucket?: boolean;
  /** How many requests a minute each token may make; without, nothing is bound that counts them. */
  readonly requestsPerMinute?: number;
}

/** Starts the worker with nothing but what a deployment gives it: no embedded policy, the platform's own fetch. */
export async function startDeployedEdge(options: DeployedOptions = {}): Promise<TestEdge> {
  const {
    bindings = { EDGEHOP_TOKENS: `tests=${testToken}` },
    internet,
    hasBucket = false,
    requestsPerMinute,
  } = options;
  const logLines: string[] = [];
  const note = (octets: Buffer) => logLines.push(...octets.toString().split('\n'));
  const miniflare = new Miniflare({
    modules: true,
    script: await workerSource(),
    compatibilityDate,
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.NONE),
    cf: false,
    bindings: { ...bindings },
    ...(hasBucket && { r2Buckets: { CACHE_BUCKET: 'cache' } }),
    ...(requestsPerMinute !== undefined && {
      ratelimits: { RATE_LIMIT: { namespace_id: '1', simple: { limit: requestsPerMinute, period: 60 } } },
    }),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    ...(internet !== undefined && { outboundService: { external: { address: internet, http: {} } } }),
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.on('data', note);
      stderr.on('data', note);
    },
  });
  const [entry, direct] = [await miniflare.ready, await miniflare.unsafeGetDirectURL()];
  return {
    direct: direct.origin,
    entry: entry.origin,
    logLines,
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

/** A reply of the worker as it came over the wire. */
export interface Reply {
  readonly status: number;
  /** The value of a field, lines joined by a comma; nothing when it is absent. */
  field(name: string): string | undefined;
  readonly content: Buffer;
  /** Whether the reply came to the end that its own framing announced. */
  readonly isComplete: boolean;
}

export interface Call {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string | string[]>>;
  /** Sent with its length when it is a text or octets, else chunked. */
  readonly content?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** Sends one request on a connection of its own and reads the reply to its end, however that comes. */
export async function call(url: string, options: Call = {}): Promise<Reply> {
  return replyOf(await send(url, options));
}

/** Reads the reply to its end, however that comes. */
export async function replyOf(incoming: IncomingMessage): Promise<Reply> {
  const parts: Buffer[] = [];
  try {
    for await (const part of incoming) parts.push(part as Buffer);
  } catch {
    // cut off, which isComplete says
  }
  return {
    status: incoming.statusCode ?? 0,
    field: (name) => incoming.headersDistinct[name]?.join(', '),
    content: Buffer.concat(parts),
    isComplete: incoming.complete,
  };
}

/** Sends one request and waits for the head of the reply. When the request's content throws, the connection is cut. */
export async function send(url: string, { method = 'GET', fields = {}, content }: Call = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(url, { method, headers: fields, agent: false, maxHeaderSize: 256 * 1024 });
  outgoing.on('response', resolve).on('error', reject);
  if (content === undefined || typeof content === 'string' || content instanceof Uint8Array) outgoing.end(content);
  else pipeline(content, outgoing).catch(reject);
  return promise;
}

/** A request envelope with the parts that a test does not care about filled in, and the URL made canonical. */
export function envelopeFor(url: string, parts: Partial<RequestEnvelope> = {}): RequestEnvelope {
  return {
    id: 'x-1',
    method: 'GET',
    url: new URL(url).href,
    fields: [],
    content: false,
    upstream: 'fetch',
    limits: {
      connectTimeoutMs: 10_000,
      idleTimeoutMs: 20_000,
      maxHeadBytes: 65_536,
      maxFields: 1_000,
      maxInterimResponses: 10,
    },
    headDeadlineMs: 20_000,
    ...parts,
  };
}

/** The numbered fields that carry an envelope, and the token. */
export function exchangeFields(envelope: unknown, token = testToken): Record<string, string> {
  const text = Buffer.from(JSON.stringify(envelope)).toString('base64url');
  const pieces = text.match(/.{1,8192}/gs) ?? [];
  const numbered = pieces.map((piece, number) => [`edgehop-envelope-${number}`, piece]);
  return { authorization: `Bearer ${token}`, ...Object.fromEntries(numbered) };
}

/** Asks the worker for one exchange. `edge` is one of a TestEdge's two origins. */
export function exchange(edge: string, envelope: RequestEnvelope, content?: Call['content']): Promise<Reply> {
  return call(`${edge}/v1/exchange`, {
    method: 'POST',
    fields: exchangeFields(envelope),
    ...(content !== undefined && { content }),
  });
}

/** The envelope of a reply. Throws when there is none or it is not what the contract says. */
export function envelopeOf(reply: Reply): ResponseEnvelope {
  let text = '';
  for (let number = 0; ; number++) {
    const piece = reply.field(`edgehop-envelope-${number}`);
    if (piece === undefined) break;
    text += piece;
  }
  return responseEnvelope.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
}

/** The envelope of a reply that carries a response. */
export function responseOf(reply: Reply): Extract<ResponseEnvelope, { kind: 'response' }> {
  const envelope = envelopeOf(reply);
  if (envelope.kind !== 'response') throw new Error(`failed: ${envelope.error.type}: ${envelope.error.message}`);
  return envelope;
}

/** The envelope of a reply that says why there is no response. */
export function failureOf(reply: Reply): Extract<ResponseEnvelope, { kind: 'failed' }> {
  const envelope = envelopeOf(reply);
  if (envelope.kind !== 'failed') throw new Error(`not failed, but ${envelope.status}`);
  return envelope;
}

/** Marked content: what stands before the nonce, and the end record after it, if it is there. */
export function unmarked(reply: Reply): { readonly content: Buffer; readonly endRecord: unknown } {
  const ending = responseOf(reply).content;
  if (ending.kind !== 'marked') throw new Error(`the content is not marked, but ${ending.kind}`);
  const nonce = Buffer.from(ending.nonce, 'base64url');
  const end = reply.content.indexOf(nonce);
  if (end < 0) return { content: reply.content, endRecord: undefined };
  const record = reply.content.subarray(end + nonce.length).toString('utf8');
  return { content: reply.content.subarray(0, end), endRecord: JSON.parse(record) };
}
