// Answers an exchange: always 200 with a response envelope, the content as octets that nobody on the way may touch.
import type { Context } from 'hono';
import { packEnvelope } from '../../http/envelope.ts';
import { errorShape, ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcome } from '../../schemas/cache.ts';
import type { ResponseEnvelope } from '../../schemas/relay.ts';
import type { EdgeStages } from '../../schemas/stage.ts';
import type { TransformOutcome } from '../../schemas/transform.ts';
import type { UpstreamSocket } from '../../schemas/upstream.ts';
import { clock } from '../clock.ts';
import type { Env } from '../env.ts';
import type { Walk } from '../walk.ts';

export type ExchangeContext = Context<{ Bindings: Env; Variables: Walk }>;

/** What is known of the way upstream. */
export interface UpstreamFacts {
  /** By the edge's clock; absent where nothing was asked of it. */
  readonly stages: Omit<EdgeStages, 'edge-received' | 'edge-returned'>;
  /** Absent where it was the platform's fetch. */
  readonly upstream?: UpstreamSocket;
  /** What the cache did, where it was asked. */
  readonly cache?: CacheOutcome | undefined;
  /** What became of the transform, where one was asked for. */
  readonly transform?: TransformOutcome | undefined;
}

type ResponsePart = Omit<
  Extract<ResponseEnvelope, { kind: 'response' }>,
  'kind' | 'stages' | 'upstream' | 'cache' | 'transform' | 'colo'
>;

/**
 * Relays a response. A head beyond what the contract carries is a failure that says so (RFC 9209 2.3.19); interim
 * responses that make it so are left out, for they are but hints.
 */
export function responded(
  c: ExchangeContext,
  part: ResponsePart,
  body: ReadableStream | Uint8Array | null,
  facts: UpstreamFacts,
): Response {
  const reply = sealed({ kind: 'response', ...part, ...edgeFacts(c, facts) }, body, part.content);
  if (reply !== undefined) return reply;
  const { interim, ...final } = part;
  if (interim !== undefined) return responded(c, final, body, facts);
  if (body instanceof ReadableStream) void body.cancel();
  const message = "The origin's head is larger than the envelope that would carry it.";
  return failed(c, new ProxyError('http_response_header_section_size', message), facts);
}

/** Says why there is no response. `reference` is the platform's name for an internal error. */
export function failed(
  c: ExchangeContext,
  error: ProxyError,
  facts: UpstreamFacts = { stages: {} },
  reference?: string,
): Response {
  const envelope: ResponseEnvelope = {
    kind: 'failed',
    error: errorShape(error),
    ...(reference !== undefined && { reference }),
    ...edgeFacts(c, facts),
  };
  return sealed(envelope, null, { kind: 'none' }) as Response;
}

function edgeFacts(c: ExchangeContext, { stages, upstream, cache, transform }: UpstreamFacts) {
  const colo = (c.req.raw.cf as { readonly colo?: string } | undefined)?.colo;
  return {
    stages: { 'edge-received': c.get('receivedAt'), ...stages, 'edge-returned': clock.now() },
    ...(upstream !== undefined && { upstream }),
    ...(cache !== undefined && { cache }),
    ...(transform !== undefined && { transform }),
    ...(colo !== undefined && { colo }),
  };
}

const encoder = new TextEncoder();

function sealed(
  envelope: ResponseEnvelope,
  body: ReadableStream | Uint8Array | null,
  content: ResponsePart['content'],
): Response | undefined {
  const text = encoder.encode(JSON.stringify(envelope)).toBase64({ alphabet: 'base64url', omitPadding: true });
  const packed = packEnvelope(text);
  if (packed.kind === 'too-large') return undefined;
  const headers: Record<string, string> = {
    'content-type': 'application/octet-stream',
    'cache-control': 'no-store, no-transform',
  };
  for (const [name, value] of packed.fields) headers[name] = value;
  if (content.kind === 'length') headers['content-length'] = String(content.octets);
  return new Response(body, { headers });
}
