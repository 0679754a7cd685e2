// One HTTP/1.1 connection to an origin or an edge: exchanges one after the other, and nothing outside of them.
import type { Socket } from 'node:net';
import type { Fields } from '../../http/fields.ts';
import { announcedOctets } from '../../http/framing.ts';
import { persistence } from '../../http/persistence.ts';
import { type ResponseHead, type ResponseParts, ResponseReader } from '../../http/response-reader.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../proxy/ports.ts';
import type { Connected } from './connect.ts';
import { upstreamFailure } from './failure.ts';
import { type ContentSource, HeldContent } from './held-content.ts';
import { headOctets, latin1, sendContent } from './http1-request.ts';
import { notWanted, stopping, upstreamError } from './upstream-error.ts';

export interface ConnectionLimits {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  readonly maxInterimResponses: number;
  /** How long the connection is kept without an exchange, unless the other side says less. */
  readonly keepAliveTimeoutMs: number;
}

export interface ConnectionOwner {
  /** The connection can carry the next exchange for so long. */
  idle(connection: Http1Connection, timeoutMs: number): void;
  closed(connection: Http1Connection): void;
}

/** An exchange on the connection. */
interface Current {
  readonly request: UpstreamRequest;
  readonly resolve: (answer: UpstreamAnswer) => void;
  readonly reader: ResponseReader;
  readonly content: HeldContent;
  head: ResponseHead | undefined;
  /** Whether the request has gone out whole. */
  isSent: boolean;
  /** Whether not an octet of the answer has come. */
  isSilent: boolean;
}

export class Http1Connection implements ContentSource {
  readonly #connected: Connected;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #owner: ConnectionOwner;
  #current: Current | undefined;
  #isPaused = false;
  /** One for all exchanges: to make one anew each time costs more than to let it ring for an exchange that is over. */
  #headDeadline: NodeJS.Timeout | undefined;
  #headDeadlineMs = 0;
  #isHeadAwaited = false;
  #exchanges = 0;
  /** How long it may be kept after the response that has just come to its end; nothing when it may not. */
  #keepMs: number | undefined;

  constructor(connected: Connected, limits: ConnectionLimits, owner: ConnectionOwner) {
    this.#connected = connected;
    this.#socket = connected.socket;
    this.#limits = limits;
    this.#owner = owner;
    let failure: unknown;
    this.#socket.on('data', (octets: Buffer) => this.#read(octets));
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('timeout', () => {
      if (this.#isPaused) return; // it is the client that is slow
      this.#fail(upstreamError('connection_read_timeout', undefined));
    });
    this.#socket.on('error', (cause) => {
      failure = cause;
    });
    this.#socket.on('close', () => {
      clearTimeout(this.#headDeadline);
      this.#fail(failure);
      owner.closed(this);
    });
  }

  /** Whether it is open and without an exchange. */
  get isIdle(): boolean {
    return this.#current === undefined && !this.#socket.destroyed && this.#socket.readable;
  }

  /** Sends a request and resolves with the head of its response. Only while the connection is idle. */
  exchange(request: UpstreamRequest, resolve: (answer: UpstreamAnswer) => void): void {
    const { method, maxOctetsHeld, content } = request;
    const { maxHeadBytes, maxFields, maxInterimResponses } = this.#limits;
    const current: Current = {
      request,
      resolve,
      reader: new ResponseReader({ method, maxHeadBytes, maxFields, maxInterimResponses, latin1 }, this.#parts),
      content: new HeldContent(this, maxOctetsHeld),
      head: undefined,
      isSent: false,
      isSilent: true,
    };
    this.#current = current;
    this.#exchanges++;
    this.#keepMs = undefined;
    request.onLeave(() => {
      if (this.#current === current) current.content.cancel();
    });
    this.#socket.write(headOctets(request, this.#connected.absoluteForm), 'latin1');
    if (content === undefined) this.#sent(current);
    else {
      sendContent(content, request, this.#socket, {
        sent: () => this.#sent(current),
        stalled: () => {
          if (this.#current !== current || this.#isPaused) return; // it is the client that holds the response back
          this.#fail(upstreamError('connection_write_timeout', undefined));
        },
        failed: (cause) => {
          if (this.#current === current) this.#fail(cause);
        },
      });
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // Its time may have run out while it was the client who was slow.
    if (this.#socket.timeout) this.#socket.setTimeout(this.#socket.timeout);
    this.#socket.resume();
  }

  cancel(): void {
    this.#fail(notWanted());
  }

  /** Ends the connection, and with it what goes on on it. */
  close(): void {
    if (this.#current === undefined) this.#socket.destroy();
    else this.#fail(stopping());
  }

  /** What the reader tells of the response to the current request. */
  readonly #parts: ResponseParts = {
    interim: ({ status, fields }) => this.#current?.request.onInterim?.(status, fields),
    head: (head) => this.#head(head),
    content: (octets) => this.#current?.content.push(octets as Buffer),
    end: (trailers) => this.#complete(trailers),
  };

  #sent(current: Current): void {
    current.isSent = true;
    if (this.#current !== current || current.head !== undefined) return;
    this.#awaitHead(current.request.headDeadlineMs);
  }

  #awaitHead(headDeadlineMs: number): void {
    this.#isHeadAwaited = true;
    if (this.#headDeadlineMs === headDeadlineMs) {
      this.#headDeadline?.refresh();
      return;
    }
    clearTimeout(this.#headDeadline);
    this.#headDeadlineMs = headDeadlineMs;
    this.#headDeadline = setTimeout(() => {
      if (this.#isHeadAwaited) this.#fail(upstreamError('http_response_timeout', undefined));
    }, headDeadlineMs);
    this.#headDeadline.unref(); // it is the socket that keeps the process
  }

  #read(octets: Buffer): void {
    const current = this.#current;
    if (current === undefined) {
      this.#socket.destroy(); // nobody has asked: what comes would be taken for the answer to the next request
      return;
    }
    current.isSilent = false;
    const reading = current.reader.read(octets);
    if (reading.kind === 'failed') this.#fail(reading.error);
    else if (reading.kind === 'more') this.#awaitContent(current);
    else if (reading.rest > 0 || this.#keepMs === undefined) this.#socket.destroy();
    else this.#owner.idle(this, this.#keepMs);
  }

  /** Content that stops coming ends the exchange. */
  #awaitContent({ head, request }: Current): void {
    if (head !== undefined && this.#socket.timeout !== request.idleTimeoutMs) {
      this.#socket.setTimeout(request.idleTimeoutMs);
    }
  }

  #ended(): void {
    const current = this.#current;
    if (current === undefined) {
      this.#socket.destroy();
      return;
    }
    const reading = current.reader.finish();
    if (reading.kind === 'failed') this.#fail(reading.error);
    this.#socket.destroy();
  }

  #head(head: ResponseHead): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#isHeadAwaited = false;
    current.head = head;
    current.resolve({
      kind: 'response',
      status: head.status,
      reason: head.reason,
      fields: head.fields,
      octets: announcedOctets(head.framing),
      content: current.content,
      address: this.#connected.address,
    });
  }

  #complete(trailers: Fields): void {
    const current = this.#current;
    if (current?.head === undefined) return;
    this.#current = undefined;
    this.resume();
    if (this.#socket.timeout) this.#socket.setTimeout(0);
    const { httpVersion, fields, framing } = current.head;
    const kept = persistence(httpVersion, fields);
    // An answer that comes before the request has gone out leaves a connection on which nobody knows where they are.
    this.#keepMs =
      kept.kind === 'keep' && framing.kind !== 'close' && current.isSent
        ? Math.min(this.#limits.keepAliveTimeoutMs, kept.idleTimeoutMs ?? Number.POSITIVE_INFINITY)
        : undefined;
    current.content.end(trailers);
  }

  /** Ends the exchange, and the connection with it. */
  #fail(cause: unknown): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    this.#isHeadAwaited = false;
    this.#connected.cut();
    if (current.head !== undefined) {
      current.content.fail(upstreamFailure(cause, true));
      return;
    }
    const error = upstreamFailure(cause ?? upstreamError('connection_terminated', undefined), false);
    const isStale = current.isSilent && this.#exchanges > 1 && error.type === 'connection_terminated';
    current.resolve({ kind: 'failed', error, progress: isStale ? 'stale' : 'unanswered' });
  }
}
