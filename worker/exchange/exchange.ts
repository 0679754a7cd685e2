// Fetches upstream and relays what comes back: head deadline, no altered message, an honest end of content.
import type { Context } from 'hono';
import type { Field } from '../../http/fields.ts';
import { hasNoContent, parseContentLength } from '../../http/framing.ts';
import { octetsFromText } from '../../http/octets.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { withCdnLoop } from '../../http/via.ts';
import type { RequestEnvelope } from '../../schemas/relay.ts';
import { clock } from '../clock.ts';
import { chooseUpstream } from '../dial/choose-upstream.ts';
import type { Env } from '../env.ts';
import { failed, responded } from '../finish/reply.ts';
import type { Walk } from '../walk.ts';
import { referenceOf, upstreamFailure } from './failure.ts';
import { marked } from './marked.ts';

type ExchangeContext = Context<{ Bindings: Env; Variables: Walk }>;

/** Carries one admitted exchange to the origin and back. */
export async function exchange(c: ExchangeContext): Promise<Response> {
  const envelope = c.get('envelope');
  const upstream = chooseUpstream({ ...envelope, fields: withCdnLoop(envelope.fields) });
  if (upstream.kind === 'refused') return failed(c, upstream.error);
  const requested = clock.now();
  const sent = await send(c, envelope, upstream.fields);
  if (sent.kind === 'failed') return failed(c, sent.error, { 'upstream-requested': requested }, sent.reference);
  return relay(c, envelope, sent.response, { 'upstream-requested': requested, 'upstream-responded': clock.now() });
}

type Sent =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'failed'; readonly error: ProxyError; readonly reference: string | undefined };

/**
 * Sends the request and waits for the head, no longer than the deadline. The deadline counts from the end of the
 * request's content, and is cleared by the head: a timer left on would cut the content into a clean short end.
 */
async function send(
  c: ExchangeContext,
  envelope: RequestEnvelope,
  fields: readonly (readonly [string, string])[],
): Promise<Sent> {
  const abortion = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let isLate = false;
  const startDeadline = () => {
    if (isOver) return;
    timer ??= setTimeout(() => {
      isLate = true;
      abortion.abort();
    }, envelope.headDeadlineMs);
  };
  try {
    const body = envelope.content ? content(c.req.raw, startDeadline, () => abortion.abort()) : null;
    if (body === null) startDeadline();
    const headers = new Headers();
    for (const [name, value] of fields) headers.append(name, value);
    const init = {
      method: envelope.method,
      headers,
      body,
      redirect: 'manual',
      encodeResponseBody: 'manual',
      signal: abortion.signal,
      // No second, hidden cache; unlike `cache: 'no-store'` this adds no fields. Only the platform's own fetch reads it.
      ...(c.env.UPSTREAM === undefined && { cf: { cacheTtlByStatus: { '100-599': -1 } } }),
    } as const satisfies RequestInit & { encodeResponseBody: 'manual' };
    const response = await (c.env.UPSTREAM ?? globalThis).fetch(envelope.url, init);
    return { kind: 'response', response };
  } catch (cause) {
    const error = upstreamFailure(cause, isLate ? envelope.headDeadlineMs : undefined);
    return { kind: 'failed', error, reference: referenceOf(cause) };
  } finally {
    if (timer !== undefined) clearTimeout(timer);
    isOver = true;
  }
}

/** The request's content on its way; `onEnd` is called when its last octet has gone, `onCutOff` when the client broke it off. */
function content(request: Request, onEnd: () => void, onCutOff: () => void): ReadableStream | null {
  const { body } = request;
  if (body === null) {
    onEnd();
    return null;
  }
  const octets = parseContentLength(request.headers.get('content-length') ?? '');
  const through = octets === undefined ? new IdentityTransformStream() : new FixedLengthStream(octets);
  // The stream to the origin is left open, for an aborted one ends there as if the content were whole.
  body.pipeTo(through.writable, { preventAbort: true, preventCancel: true }).then(onEnd, async () => {
    onEnd();
    const reader = body.getReader();
    await reader.read().then(() => reader.cancel(), onCutOff); // fails if the client has: an origin may stop to read
  });
  return through.readable;
}

function relay(
  c: ExchangeContext,
  envelope: RequestEnvelope,
  response: Response,
  stages: { 'upstream-requested': number; 'upstream-responded': number },
): Response {
  const refuse = (message: string, advice?: string) => {
    void response.body?.cancel();
    const details = { ...(advice !== undefined && { advice }) };
    return failed(c, new ProxyError('http_protocol_error', message, details), stages);
  };
  if (response.status < 200 || response.status > 599) {
    // Fetch takes an interim response for the final one, and the real one for its content.
    return refuse(
      'The origin sent an interim or unknown status, which the edge cannot carry.',
      'Start the agent with `--edge none` to reach this origin directly.',
    );
  }
  const fields = relayedFields(response.headers);
  if (fields === undefined) {
    return refuse(
      'The origin sent field octets that the edge cannot carry unaltered.',
      'Start the agent with `--edge none`.',
    );
  }
  const length = response.headers.get('content-length');
  const coding = response.headers.get('transfer-encoding');
  if (length !== null && coding !== null) {
    return refuse('The origin sent both Content-Length and Transfer-Encoding.'); // RFC 9112 6.3 (3)
  }
  // RFC 9112 6.1. Of several codings fetch takes off the last one and says nothing of the others.
  if (coding !== null && coding.toLowerCase() !== 'chunked') {
    return refuse('The origin sent a Transfer-Encoding other than one single chunked.');
  }
  const part = { status: response.status, reason: reasonOf(response), fields };
  if (hasNoContent(envelope.method, response.status) || response.body === null) {
    void response.body?.cancel();
    return responded(c, { ...part, content: { kind: 'none' } }, null, stages);
  }
  if (length !== null) {
    const octets = parseContentLength(length);
    if (octets === undefined) return refuse('The origin sent a Content-Length that is not a number of octets.');
    return responded(c, { ...part, content: { kind: 'length', octets } }, response.body, stages);
  }
  const { nonce, stream } = marked(response.body, (work) => c.executionCtx.waitUntil(work));
  return responded(c, { ...part, content: { kind: 'marked', nonce } }, stream, stages);
}

/** The reason phrase, which nobody has to look at: without it where it is too long or not UTF-8. RFC 9112 4. */
function reasonOf({ statusText }: Response): string {
  const reason = octetsFromText(statusText) ?? '';
  return reason.length <= maxReasonBytes ? reason : '';
}

/** What the response envelope takes. */
const maxReasonBytes = 1024;

/** The origin's fields as octets, Set-Cookie line by line; nothing when the platform had to replace octets. */
function relayedFields(headers: Headers): Field[] | undefined {
  const fields: Field[] = [];
  for (const [name, text] of headers) {
    const octets = octetsFromText(text);
    if (octets === undefined) return undefined;
    fields.push([name, octets]);
  }
  return fields;
}
