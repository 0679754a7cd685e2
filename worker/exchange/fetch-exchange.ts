// Carries an exchange by the platform's fetch: head deadline, no altered message, an honest end of content.
import type { Field, Fields } from '../../http/fields.ts';
import { hasNoContent, parseContentLength } from '../../http/framing.ts';
import { octetsFromText } from '../../http/octets.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { maxReasonBytes } from '../../schemas/relay.ts';
import { clock } from '../clock.ts';
import { networkOf } from '../dial/network.ts';
import { inBackground } from '../finish/background.ts';
import { type ExchangeContext, responded, type UpstreamFacts } from '../finish/reply.ts';
import { type Answer, type AnsweredResponse, type Asked, toldOf } from './answer.ts';
import { atOnce, maxAtOnceBytes } from './at-once.ts';
import { readFailure, referenceOf } from './failure.ts';
import { watchIdle } from './idle-watch.ts';
import { createMark, endingOf, marked } from './marked.ts';
import { drain, emptySource, type Piece, pour, type Source } from './pour.ts';
import { timedFetch } from './timed-fetch.ts';

export type Fetched =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Fetch cannot give the response as it came; another way may. One of the two is to be called. */
  | {
      readonly kind: 'altered';
      /** Ends it, so that it can be asked for another way. */
      readonly discard: () => void;
      /** The answer where it cannot be asked for again. */
      readonly otherwise: () => Answer;
    };

/** Fetches, with exactly these fields, and judges what comes back. */
export async function exchangeByFetch(c: ExchangeContext, asked: Asked): Promise<Fetched> {
  const requested = clock.now();
  const sent = await send(c, asked);
  if (sent.kind === 'failed') {
    return answered({ ...sent, facts: { stages: { 'upstream-requested': requested } } });
  }
  const stages = { 'upstream-requested': requested, 'upstream-responded': clock.now() };
  return judge(c, asked, sent.response, { stages });
}

type Sent =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'failed'; readonly error: ProxyError; readonly reference: string | undefined };

/** Sends the request and waits for the head. */
async function send(c: ExchangeContext, { method, fields, headDeadlineMs }: Asked): Promise<Sent> {
  const { url, content } = c.get('envelope');
  const request = { url, method, fields, content: content ? c.req.raw : undefined, headDeadlineMs };
  const fetched = await timedFetch(networkOf(c.env), request);
  if (fetched.kind === 'response') return fetched;
  return { kind: 'failed', error: fetched.error, reference: referenceOf(fetched.cause) };
}

function judge(c: ExchangeContext, { method }: Asked, response: Response, facts: UpstreamFacts): Fetched {
  const { limits } = c.get('envelope');
  const discard = () => void response.body?.cancel();
  const refused = (error: ProxyError): Answer => {
    discard();
    return { kind: 'failed', error, facts };
  };
  const altered = (message: string): Fetched => {
    const error = new ProxyError('http_protocol_error', message, { advice });
    return { kind: 'altered', discard, otherwise: () => refused(error) };
  };
  const refuse = (message: string) => answered(refused(new ProxyError('http_protocol_error', message)));
  const { status } = response;
  // Fetch takes an interim response for the final one, and the real one for its content.
  if (status < 200) return altered('The origin sent an interim response, which the edge cannot carry.');
  if (status > 599) return refuse('The origin sent a status that is none.');
  const fields = relayedFields(response.headers);
  if (fields === undefined) return altered('The origin sent field octets that the edge cannot carry unaltered.');
  if (sizeOf(fields) > limits.maxHeadBytes || fields.length > limits.maxFields) {
    const message = "The origin's head is larger than what is relayed.";
    return answered(refused(new ProxyError('http_response_header_section_size', message)));
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
  const head = { status, reason: reasonOf(response), fields };
  const answer = { kind: 'response', head, facts, discard } as const;
  const { body } = response;
  if (hasNoContent(method, status) || body === null) {
    discard();
    const relay: Relay = (cache, keeper, retold) => {
      keeper?.end([]);
      const told = toldOf(head, facts, cache, retold);
      return responded(c, { ...told.head, content: { kind: 'none' } }, null, told.facts);
    };
    return answered({
      ...answer,
      octets: 'none',
      relay,
      drain: async (keeper) => keeper.end([]),
      open: () => emptySource,
    });
  }
  const octets = length === null ? undefined : parseContentLength(length);
  if (length !== null && octets === undefined) {
    return refuse('The origin sent a Content-Length that is not a number of octets.');
  }
  const relay: Relay = async (cache, keeper, retold) => {
    const mark = octets === undefined ? createMark() : undefined;
    const told = toldOf(head, facts, cache, retold);
    const part = { ...told.head, content: endingOf(octets, mark) };
    // Where nobody keeps it, the content stays the platform's own from end to end.
    if (keeper === undefined) return responded(c, part, mark === undefined ? body : marked(body, mark), told.facts);
    const source = sourceOf(body, octets, limits.idleTimeoutMs);
    const come = octets !== undefined && octets <= maxAtOnceBytes ? await atOnce(source, octets) : undefined;
    if (come?.kind === 'whole') {
      if (keeper.take(come.octets)) keeper.end([]);
      return responded(c, part, come.octets, told.facts);
    }
    const { readable, writable } = octets === undefined ? new IdentityTransformStream() : new FixedLengthStream(octets);
    inBackground(c, pour({ source: come?.source ?? source, writable, mark, keeper, octets }));
    return responded(c, part, readable, told.facts);
  };
  const open = () => sourceOf(body, octets, limits.idleTimeoutMs);
  const whole: Answer = { ...answer, octets, relay, drain: (keeper) => drain(open(), keeper), open };
  // Fetch leaves trailers on the connection, and takes them for the beginning of the next response.
  const mayTrail = octets === undefined && response.headers.has('trailer');
  return mayTrail ? { kind: 'altered', discard, otherwise: () => whole } : answered(whole);
}

type Relay = AnsweredResponse['relay'];

/** The most that is read of content at once. */
const maxReadBytes = 64 * 1024;

/** The platform's content, read by us. One that stops for too long is cancelled, for nobody else would notice. */
function sourceOf(body: ReadableStream, octets: number | undefined, idleTimeoutMs: number): Source {
  const reader = body.getReader({ mode: 'byob' });
  let buffer: ArrayBufferLike = new ArrayBuffer(Math.max(1, Math.min(octets ?? maxReadBytes, maxReadBytes)));
  let last: Piece | undefined;
  const finish = (piece: Piece) => {
    last ??= piece;
    watch.stop();
    return last;
  };
  const cancel = () => {
    finish({ kind: 'failed', error: readFailure(undefined, true) });
    reader.cancel().catch(() => undefined);
  };
  const watch = watchIdle(idleTimeoutMs, cancel);
  return {
    next: async () => {
      if (last !== undefined) return last;
      try {
        const { done, value } = await watch.during('give', reader.read(new Uint8Array(buffer)));
        if (done) return finish({ kind: 'end', trailers: [] });
        buffer = value.buffer;
        return { kind: 'octets', octets: value };
      } catch (cause) {
        return finish({ kind: 'failed', error: readFailure(cause, true) });
      }
    },
    cancel,
  };
}

const advice = 'Set edge.upstream to "socket" in edgehop.jsonc, or start the agent with `--edge none`.';

function answered(answer: Answer): Fetched {
  return { kind: 'answered', answer };
}

/** In octets, as the fields stood on the wire: fetch does not tell the size of what it has read. */
function sizeOf(fields: Fields): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
}

/** The reason phrase, which nobody has to look at: without it where it is too long or not UTF-8. RFC 9112 4. */
function reasonOf({ statusText }: Response): string {
  const reason = octetsFromText(statusText) ?? '';
  return reason.length <= maxReasonBytes ? reason : '';
}

/** The origin's fields as octets; nothing when the platform had to replace some. */
function relayedFields(headers: Headers): Field[] | undefined {
  const fields: Field[] = [];
  for (const [name, text] of headers) {
    if (name === setCookie) continue; // by their name the platform sorts many lines so that they change places
    const octets = octetsFromText(text);
    if (octets === undefined) return undefined;
    fields.push([name, octets]);
  }
  for (const text of headers.getSetCookie()) {
    const octets = octetsFromText(text);
    if (octets === undefined) return undefined;
    fields.push([setCookie, octets]);
  }
  return fields;
}

const setCookie = 'set-cookie';
