// Carries an exchange by the platform's fetch: head deadline, no altered message, an honest end of content.
import type { Field, Fields } from '../../http/fields.ts';
import { hasNoContent, parseContentLength } from '../../http/framing.ts';
import { octetsFromText } from '../../http/octets.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { maxReasonBytes, type RequestEnvelope } from '../../schemas/relay.ts';
import { clock } from '../clock.ts';
import { networkOf } from '../dial/network.ts';
import { type ExchangeContext, failed, responded, type UpstreamFacts } from '../finish/reply.ts';
import { referenceOf, upstreamFailure } from './failure.ts';
import { createMark, marked } from './marked.ts';

export type Fetched =
  | { readonly kind: 'answered'; readonly response: Response }
  /** Fetch could not give the response as it came; another way may. */
  | { readonly kind: 'altered'; readonly error: ProxyError; readonly facts: UpstreamFacts };

/** Fetches with these fields, and relays what comes back. */
export async function exchangeByFetch(c: ExchangeContext, fields: Fields): Promise<Fetched> {
  const envelope = c.get('envelope');
  const requested = clock.now();
  const sent = await send(c, envelope, fields);
  if (sent.kind === 'failed') {
    return answered(failed(c, sent.error, { stages: { 'upstream-requested': requested } }, sent.reference));
  }
  const stages = { 'upstream-requested': requested, 'upstream-responded': clock.now() };
  return relay(c, envelope, sent.response, { stages });
}

type Sent =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'failed'; readonly error: ProxyError; readonly reference: string | undefined };

/**
 * Sends the request and waits for the head, no longer than the deadline. The deadline counts from the end of the
 * request's content, and is cleared by the head: a timer left on would cut the content into a clean short end.
 */
async function send(c: ExchangeContext, envelope: RequestEnvelope, fields: Fields): Promise<Sent> {
  const network = networkOf(c.env);
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
      ...(!network.isEmbedded && { cf: { cacheTtlByStatus: { '100-599': -1 } } }),
    } as const satisfies RequestInit & { encodeResponseBody: 'manual' };
    const response = await network.fetch(envelope.url, init);
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

function relay(c: ExchangeContext, { method }: RequestEnvelope, response: Response, facts: UpstreamFacts): Fetched {
  const protocolError = (message: string, advice?: string) => {
    void response.body?.cancel();
    return new ProxyError('http_protocol_error', message, { ...(advice !== undefined && { advice }) });
  };
  const refuse = (message: string) => answered(failed(c, protocolError(message), facts));
  const { status } = response;
  if (status < 200) {
    // Fetch takes an interim response for the final one, and the real one for its content.
    const message = 'The origin sent an interim response, for which the request cannot be sent a second time.';
    return { kind: 'altered', error: protocolError(message, advice), facts };
  }
  if (status > 599) return refuse('The origin sent a status that is none.');
  const fields = relayedFields(response.headers);
  if (fields === undefined) {
    const message = 'The origin sent field octets that the edge cannot carry unaltered.';
    return { kind: 'altered', error: protocolError(message, advice), facts };
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
  const part = { status, reason: reasonOf(response), fields };
  if (hasNoContent(method, status) || response.body === null) {
    void response.body?.cancel();
    return answered(responded(c, { ...part, content: { kind: 'none' } }, null, facts));
  }
  if (length !== null) {
    const octets = parseContentLength(length);
    if (octets === undefined) return refuse('The origin sent a Content-Length that is not a number of octets.');
    return answered(responded(c, { ...part, content: { kind: 'length', octets } }, response.body, facts));
  }
  const mark = createMark();
  const content = { kind: 'marked', nonce: mark.nonce } as const;
  return answered(responded(c, { ...part, content }, marked(response.body, mark), facts));
}

const advice = 'Set edge.upstream to "socket" in edgehop.jsonc, or start the agent with `--edge none`.';

function answered(response: Response): Fetched {
  return { kind: 'answered', response };
}

/** The reason phrase, which nobody has to look at: without it where it is too long or not UTF-8. RFC 9112 4. */
function reasonOf({ statusText }: Response): string {
  const reason = octetsFromText(statusText) ?? '';
  return reason.length <= maxReasonBytes ? reason : '';
}

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
