// Carries an exchange over a connection of its own, in HTTP/1.1: what fetch would alter goes this way octet for octet.
import { parseContentLength } from '../../http/framing.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Reading, ResponseHead } from '../../http/response-reader.ts';
import { maxReasonBytes } from '../../schemas/relay.ts';
import { clock } from '../clock.ts';
import { concatenated } from '../concatenated.ts';
import type { Upstream } from '../dial/choose-upstream.ts';
import { type ConnectFacts, connectTo } from '../dial/connect.ts';
import { networkOf } from '../dial/network.ts';
import { inBackground } from '../finish/background.ts';
import { type ExchangeContext, responded, type UpstreamFacts } from '../finish/reply.ts';
import { type Answer, type AnsweredResponse, type Asked, type Head, toldOf } from './answer.ts';
import { type Conversation, converse } from './conversation.ts';
import { createMark, endingOf } from './marked.ts';
import { drain, emptySource, type Keeper, type Piece, pour, type Source, wholeSource } from './pour.ts';
import { requestHead, type SentFraming } from './socket-request.ts';

type BySocket = Extract<Upstream, { kind: 'socket' }>;
type Relay = AnsweredResponse['relay'];

/** Carries one exchange. Its connection is closed when it is over, however it ends. */
export async function exchangeBySocket(c: ExchangeContext, asked: Asked, upstream: BySocket): Promise<Answer> {
  const { content, addresses = [], limits } = c.get('envelope');
  const { method, headDeadlineMs } = asked;
  const network = networkOf(c.env);
  const requested = clock.now();
  const target = c.get('target');
  const framing = framingOf(c.req.raw, content);
  const way = { ...target, addresses: network.isEmbedded ? addresses : [] };
  const connected = await connectTo(await network.connect(), way, limits.connectTimeoutMs);
  if (connected.kind === 'failed') {
    const { error, reference } = connected;
    return { kind: 'failed', error, facts: factsOf(upstream, requested, {})(), reference };
  }
  const facts = factsOf(upstream, requested, connected.facts);
  const conversation = converse(connected.connection, { method, ...limits }, { headDeadlineMs, ...limits });
  conversation.send(requestHead(method, target, upstream, framing), content ? c.req.raw.body : null, framing);
  const reading = await conversation.head();
  if (reading.kind === 'failed') return { kind: 'failed', error: reading.error, facts: facts() };
  return answerOf(c, conversation, reading, facts(clock.now()));
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

function answerOf(c: ExchangeContext, conversation: Conversation, reading: Reading, facts: UpstreamFacts): Answer {
  const { response } = conversation;
  const { status, reason, fields, framing } = response.head as ResponseHead;
  if (status > 599) {
    conversation.end();
    return {
      kind: 'failed',
      error: new ProxyError('http_protocol_error', 'The origin sent a status that is none.'),
      facts,
    };
  }
  const head: Head = {
    status,
    reason: reason.length <= maxReasonBytes ? reason : '',
    fields,
    ...(response.interim.length > 0 && { interim: response.interim }),
  };
  const answer = { kind: 'response', head, facts, discard: conversation.end } as const;
  if (framing.kind === 'none') {
    conversation.end();
    const relay: Relay = (cache, keeper, retold) => {
      keeper?.end([]);
      const told = toldOf(head, facts, cache, retold);
      return responded(c, { ...told.head, content: { kind: 'none' } }, null, told.facts);
    };
    return { ...answer, octets: 'none', relay, drain: async (keeper) => keeper.end([]), open: () => emptySource };
  }
  if (reading.kind === 'complete' && response.trailers.length === 0) {
    // Content that came together with its head is told with its length, however it was framed.
    conversation.end();
    const whole = concatenated(response.pieces);
    const keep = (keeper: Keeper) => (keeper.take(whole) ? keeper.end([]) : undefined);
    const relay: Relay = (cache, keeper, retold) => {
      if (keeper !== undefined) keep(keeper);
      const told = toldOf(head, facts, cache, retold);
      const part = { ...told.head, content: { kind: 'length', octets: whole.length } } as const;
      return responded(c, part, whole, told.facts);
    };
    const open = () => wholeSource(whole);
    return { ...answer, octets: whole.length, relay, drain: async (keeper) => keep(keeper), open };
  }
  const source = sourceOf(conversation, reading);
  const octets = framing.kind === 'length' ? framing.octets : undefined;
  const relay: Relay = (cache, keeper, retold) => {
    const told = toldOf(head, facts, cache, retold);
    const mark = octets === undefined ? createMark() : undefined;
    const { readable, writable } = octets === undefined ? new IdentityTransformStream() : new FixedLengthStream(octets);
    const poured = pour({ source, writable, mark, keeper, octets });
    if (keeper !== undefined) inBackground(c, poured);
    return responded(c, { ...told.head, content: endingOf(octets, mark) }, readable, told.facts);
  };
  return { ...answer, octets, relay, drain: (keeper) => drain(source, keeper), open: () => source };
}

/** The content, of which the first reading has brought the beginning. */
function sourceOf(conversation: Conversation, first: Reading): Source {
  const { response } = conversation;
  let reading: Reading | undefined = first;
  let last: Piece | undefined;
  return {
    next: async () => {
      while (last === undefined) {
        reading ??= await conversation.next();
        if (reading.kind === 'complete') last = { kind: 'end', trailers: response.trailers };
        else if (reading.kind === 'failed') last = reading;
        reading = undefined;
        const octets = concatenated(response.pieces);
        if (octets.length > 0) return { kind: 'octets', octets };
      }
      return last;
    },
    cancel: conversation.end,
  };
}
