// Carries an exchange over a connection of its own, in HTTP/1.1: what fetch would alter goes this way octet for octet.
import { parseContentLength } from '../../http/framing.ts';
import { errorShape, ProxyError } from '../../http/proxy-error.ts';
import type { Reading, ResponseHead } from '../../http/response-reader.ts';
import { type EndRecord, maxReasonBytes } from '../../schemas/relay.ts';
import { clock } from '../clock.ts';
import type { Upstream } from '../dial/choose-upstream.ts';
import { type ConnectFacts, connectTo } from '../dial/connect.ts';
import { networkOf } from '../dial/network.ts';
import { type ExchangeContext, failed, responded, type UpstreamFacts } from '../finish/reply.ts';
import { type Conversation, converse } from './conversation.ts';
import { createMark, type Mark } from './marked.ts';
import { requestHead, type SentFraming } from './socket-request.ts';
import type { SocketResponse } from './socket-response.ts';

type BySocket = Extract<Upstream, { kind: 'socket' }>;

/** Carries one exchange. Its connection is closed when it is over, however it ends. */
export async function exchangeBySocket(c: ExchangeContext, upstream: BySocket): Promise<Response> {
  const { method, content, addresses = [], limits, headDeadlineMs } = c.get('envelope');
  const network = networkOf(c.env);
  const requested = clock.now();
  const target = c.get('target');
  const framing = framingOf(c.req.raw, content);
  const way = { ...target, addresses: network.isEmbedded ? addresses : [] };
  const connected = await connectTo(await network.connect(), way, limits.connectTimeoutMs);
  if (connected.kind === 'failed') {
    return failed(c, connected.error, factsOf(upstream, requested, {})(), connected.reference);
  }
  const facts = factsOf(upstream, requested, connected.facts);
  const conversation = converse(connected.connection, { method, ...limits }, { headDeadlineMs, ...limits });
  conversation.send(requestHead(method, target, upstream, framing), content ? c.req.raw.body : null, framing);
  const reading = await conversation.head();
  if (reading.kind === 'failed') return failed(c, reading.error, facts());
  return relay(c, conversation, reading, facts(clock.now()));
}

/** How the content comes from the agent, which is how it goes on. */
function framingOf({ headers, body }: Request, hasContent: boolean): SentFraming {
  if (!hasContent) return { kind: 'none' };
  const octets = parseContentLength(headers.get('content-length') ?? '');
  if (octets !== undefined) return { kind: 'length', octets };
  return body === null ? { kind: 'length', octets: 0 } : { kind: 'chunked' };
}

function factsOf({ because }: BySocket, requested: number, connect: ConnectFacts) {
  return (responded?: number): UpstreamFacts => ({
    stages: { 'upstream-requested': requested, ...(responded !== undefined && { 'upstream-responded': responded }) },
    upstream: { kind: 'socket', because, ...connect },
  });
}

function relay(c: ExchangeContext, conversation: Conversation, reading: Reading, facts: UpstreamFacts): Response {
  const { response } = conversation;
  const { status, reason, fields, framing } = response.head as ResponseHead;
  if (status > 599) {
    conversation.end();
    return failed(c, new ProxyError('http_protocol_error', 'The origin sent a status that is none.'), facts);
  }
  const part = {
    status,
    reason: reason.length <= maxReasonBytes ? reason : '',
    fields,
    ...(response.interim.length > 0 && { interim: response.interim }),
  };
  if (framing.kind === 'none') {
    conversation.end();
    return responded(c, { ...part, content: { kind: 'none' } }, null, facts);
  }
  if (reading.kind === 'complete' && response.trailers.length === 0) {
    // Content that came together with its head is told with its length, however it was framed.
    conversation.end();
    const octets = joined(response.pieces);
    return responded(c, { ...part, content: { kind: 'length', octets: octets.length } }, octets, facts);
  }
  if (framing.kind === 'length') {
    const { readable, writable } = new FixedLengthStream(framing.octets);
    void pour(conversation, reading, writable, undefined);
    return responded(c, { ...part, content: framing }, readable, facts);
  }
  const mark = createMark();
  const { readable, writable } = new IdentityTransformStream();
  void pour(conversation, reading, writable, mark);
  return responded(c, { ...part, content: { kind: 'marked', nonce: mark.nonce } }, readable, facts);
}

/** What one reading brought, in one piece: chunks may hold an octet each. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first, second] = pieces;
  if (first !== undefined && second === undefined) return first;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Gives the content on at the pace of the agent. One that leaves ends the conversation. */
async function pour(
  conversation: Conversation,
  first: Reading,
  writable: WritableStream<Uint8Array>,
  mark: Mark | undefined,
): Promise<void> {
  const { response } = conversation;
  const writer = writable.getWriter();
  writer.closed.catch(toldByWrite);
  try {
    let reading = first;
    for (;;) {
      const octets = joined(response.pieces);
      if (octets.length > 0) await writer.write(octets);
      if (reading.kind !== 'more') break;
      reading = await conversation.next();
    }
    if (mark !== undefined) await writer.write(mark.ending(recordOf(reading, response)));
    else if (reading.kind === 'failed') throw reading.error; // broken off, never ended
    await writer.close();
  } catch (cause) {
    writer.abort(cause).catch(toldByWrite);
  } finally {
    conversation.end();
  }
}

function recordOf(reading: Reading, { trailers }: SocketResponse): EndRecord {
  if (reading.kind === 'failed') return { outcome: 'failed', error: errorShape(reading.error) };
  return trailers.length === 0 ? { outcome: 'complete' } : { outcome: 'complete', trailers };
}

function toldByWrite(): void {}
