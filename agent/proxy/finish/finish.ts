// Gives the ending to the client, octet by octet as it comes, and closes the record.
import {
  FieldNames,
  type Fields,
  fieldsFromFlat,
  fieldValues,
  flatFromFields,
  isValidField,
} from '../../../http/fields.ts';
import { endToEndResponseFields, endToEndTrailers } from '../../../http/hop-by-hop.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { reasonPhrase } from '../../../http/reason-phrase.ts';
import { viaMember } from '../../../http/via.ts';
import type {
  Arrival,
  Clock,
  Content,
  EarlyAnswer,
  Ending,
  Observer,
  Reply,
  Trace,
  UpstreamResponse,
} from '../ports.ts';
import { annotations } from './annotations.ts';
import { errorReply } from './error-reply.ts';

export interface FinishPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly pseudonym: string;
  /** Whether responses get Server-Timing, Proxy-Status and Cache-Status. */
  readonly annotate: boolean;
  /** Hears of the end of each exchange. */
  readonly onOver?: () => void;
}

/** Delivers an ending. Resolves when nothing of the exchange is left to do. */
export function createFinish(ports: FinishPorts): (arrival: Arrival, ending: Ending) => Promise<void> | void {
  return (arrival, ending) => {
    if (ending.kind === 'response' && arrival.early !== undefined) {
      const whole = wholeOf(ports, arrival.trace, ending.response);
      if (whole !== undefined) return finishEarly(ports, arrival.trace, arrival.early, whole);
    }
    return new Promise((resolve) => {
      const { trace, reply } = arrival;
      let isOver = false;
      const close = () => {
        isOver = true;
        ports.observer.finished(trace);
        ports.onOver?.();
        resolve();
      };
      const onFinish = () => {
        if (isOver) return;
        trace.stamps['response-sent'] = ports.clock.now();
        close();
      };
      const onClose = () => {
        if (isOver) return;
        if (ending.kind === 'response' && ending.response.content.kind === 'some')
          ending.response.content.source.cancel();
        trace.failure ??= { error: clientLeft(), source: 'agent' };
        close();
      };
      reply.on('finish', onFinish);
      reply.on('close', onClose);
      if (reply.destroyed || reply.socket?.destroyed === true) {
        onClose();
        return;
      }
      if (ending.kind === 'response') deliver(ports, arrival, ending.response);
      else if (ending.kind === 'failed') deliverError(arrival, ending.error, ending.source);
      else {
        trace.failure ??= { error: ending.error, source: 'agent' };
        reply.socket?.resetAndDestroy();
      }
    });
  };
}

interface Whole {
  readonly status: number;
  readonly reason: string;
  readonly head: string;
  readonly content: Buffer;
}

/** A stored response that is small and in memory, as it is written; nothing where it takes more than that. */
function wholeOf(ports: FinishPorts, trace: Trace, response: UpstreamResponse): Whole | undefined {
  const { status, reason, content, isStored } = response;
  if (isStored !== true || content.kind === 'none') return undefined;
  if (content.held === undefined || content.held.length > maxJoinedBytes) return undefined;
  const { text } = knownOf(response, ports.pseudonym);
  if (text === undefined) return undefined;
  let head = `HTTP/1.1 ${status} ${writtenReason(reason)}\r\n${text}`;
  if (isAnnotated(ports, trace)) {
    for (const [name, value] of annotations(trace, response.receivedStatus ?? status)) head += `${name}: ${value}\r\n`;
  }
  return { status, reason, head, content: content.held };
}

function finishEarly(
  { clock, observer, onOver }: FinishPorts,
  trace: Trace,
  early: EarlyAnswer,
  { status, reason, head, content }: Whole,
): Promise<void> | void {
  trace.response = { status, reason };
  trace.toClient = content.length;
  const close = (isSent: boolean) => {
    if (isSent) trace.stamps['response-sent'] = clock.now();
    else trace.failure ??= { error: clientLeft(), source: 'agent' };
    observer.finished(trace);
    onOver?.();
  };
  const sent = early.write(head, content);
  return typeof sent === 'boolean' ? close(sent) : sent.then(close);
}

/** What the two halves tell each other in the fields of a response is nobody else's. */
const internal = new FieldNames(['edgehop-cache-control']);
const framedAnew = new FieldNames([...internal, 'content-length']);

function deliver(ports: FinishPorts, arrival: Arrival, response: UpstreamResponse): void {
  const { trace, message, reply } = arrival;
  const { status, reason, content } = response;
  const isBare = content.kind === 'none';
  // RFC 9110 8.6: only these may announce content that does not follow. All else is framed anew.
  const keepsLength = isBare && (message.method === 'HEAD' || status === 304);
  const flat =
    response.isStored && !keepsLength
      ? [...knownOf(response, ports.pseudonym).flat]
      : flatFields(response, keepsLength, ports.pseudonym);
  if (isAnnotated(ports, trace)) {
    for (const [name, value] of annotations(trace, response.receivedStatus ?? status)) flat.push(name, value);
  }
  closeAfterUnreadContent(response.isStored || message.complete, reply);
  const begin = () => {
    if (reply.headersSent) return;
    trace.response = { status, reason };
    reply.writeHead(status, writtenReason(reason), flat);
  };
  if (isBare) {
    begin();
    reply.end();
  } else if (content.held !== undefined) {
    begin();
    trace.toClient = content.held.length;
    // What is small goes out in one piece with the head as text, which is fastest.
    if (content.held.length > maxJoinedBytes) reply.end(content.held);
    else reply.end(content.held.toString('latin1'), 'latin1');
  } else pour(content.source, arrival, begin);
}

/** RFC 9112 4. */
function writtenReason(reason: string): string {
  return isValidField(['Reason', reason]) ? reason : '';
}

function isAnnotated({ annotate }: FinishPorts, { route, cache }: Trace): boolean {
  return annotate && (route !== undefined || cache !== undefined);
}

/** The fields as they go out, framed anew and with this hop, but without annotations. */
function flatFields(
  { fields, isStored, content }: UpstreamResponse,
  keepsLength: boolean,
  pseudonym: string,
): string[] {
  const flat: string[] = [];
  const notPassedOn = keepsLength ? internal : framedAnew;
  for (const [name, value] of isStored ? fields : endToEndResponseFields(fields)) {
    if (!notPassedOn.has(name)) flat.push(name, value);
  }
  if (content.kind === 'some' && content.octets !== undefined) flat.push('Content-Length', String(content.octets));
  flat.push('Via', viaMember('1.1', pseudonym));
  return flat;
}

/** What is asked for over and over has the very same fields for a second. */
const ofFields = new WeakMap<Fields, Known>();

interface Known {
  readonly flat: string[];
  /** The same as lines; nothing where Node is to judge them, or to add what is missing. */
  readonly text: string | undefined;
}

function knownOf(response: UpstreamResponse, pseudonym: string): Known {
  let known = ofFields.get(response.fields);
  if (known === undefined) {
    const flat = flatFields(response, false, pseudonym);
    known = { flat, text: linesOf(fieldsFromFlat(flat)) };
    ofFields.set(response.fields, known);
  }
  return known;
}

function linesOf(fields: Fields): string | undefined {
  if (!fields.every(isValidField) || fieldValues(fields, 'date').length !== 1) return undefined;
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

/** How long a head waits for the first content, which most often comes right behind it. */
const headWaitMs = 3;

/** Content up to here is written together with the head, when it is all there is. */
const maxJoinedBytes = 16 * 1024;

/** Lets the content flow at the pace of the client. A client that leaves ends it at once. `begin` writes the head. */
function pour(source: Content, arrival: Arrival, begin: () => void): void {
  const { trace, reply } = arrival;
  let ended = false;
  /** The first piece, while what follows it at once is awaited: head, content and end then go out in one. */
  let first: Buffer | undefined;
  let isFlowing = true;
  const writeFirst = (): boolean => {
    const octets = first;
    first = undefined;
    return octets === undefined || write(octets);
  };
  const resume = () => source.resume();
  /** Asks the source to wait when the client is slower. */
  const write = (octets: Buffer): boolean => {
    const wantsMore = reply.write(octets);
    if (!wantsMore && reply.listenerCount('drain') === 0) reply.once('drain', resume);
    return wantsMore;
  };
  source.flow({
    write: (octets) => {
      begin();
      trace.toClient += octets.length;
      if (isFlowing && first === undefined && octets.length <= maxJoinedBytes) {
        first = octets;
        return true;
      }
      writeFirst();
      return write(octets);
    },
    end: (trailers) => {
      ended = true;
      begin();
      // RFC 9110 6.5.1: only chunked content carries them, and Node writes none otherwise.
      if (trailers.length > 0)
        reply.addTrailers(endToEndTrailers(trailers).map(([name, value]): [string, string] => [name, value]));
      if (first === undefined) reply.end();
      else reply.end(first.toString('latin1'), 'latin1');
    },
    fail: (error) => {
      ended = true;
      // Never a clean end: a client without length or chunks would take that for the whole content.
      if (reply.headersSent) {
        trace.failure ??= { error, source: 'agent' };
        reply.socket?.resetAndDestroy();
      } else deliverError(arrival, error, 'agent'); // nothing of the response is on its way
    },
  });
  isFlowing = false;
  if (ended) return;
  if (first !== undefined) writeFirst();
  // The head goes out with the first content where that follows at once, else ahead of it: a stream may begin much later.
  if (!reply.headersSent) {
    setTimeout(() => {
      if (ended || reply.destroyed) return;
      begin();
      reply.flushHeaders();
    }, headWaitMs);
  }
}

function deliverError({ trace, message, reply }: Arrival, error: ProxyError, source: 'agent' | 'edge'): void {
  trace.failure = { error, source };
  const answer = errorReply(error, source, trace.id, message.headers.accept);
  trace.response = { status: error.status, reason: '' };
  closeAfterUnreadContent(message.complete, reply);
  if (error.type === 'http_request_error') reply.shouldKeepAlive = false; // what follows on this connection cannot be trusted
  reply.writeHead(error.status, reasonPhrase(error.status), flatFromFields(answer.fields));
  reply.end(message.method === 'HEAD' ? undefined : answer.body);
  trace.toClient = message.method === 'HEAD' ? 0 : answer.body.length;
}

/** Content that nobody will read must not be taken for the next request. */
function closeAfterUnreadContent(isRead: boolean, reply: Reply): void {
  if (!isRead) reply.shouldKeepAlive = false;
}

function clientLeft(): ProxyError {
  return new ProxyError('http_request_error', 'The client left before the response was complete.', { status: 499 });
}
