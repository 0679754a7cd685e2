// Reads HTTP/1.1 responses off a connection, strictly: what is not exactly a response is an error. RFC 9112.
import type { Fields } from './fields.ts';
import { parseChunkSize, type ResponseFraming, responseFraming } from './framing.ts';
import { fieldsFromLines, parseStatusLine } from './head.ts';
import { ProxyError } from './proxy-error.ts';

/** The head of a response. Each character of a text stands for one octet. */
export interface ResponseHead {
  readonly httpVersion: '1.0' | '1.1';
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly framing: Exclude<ResponseFraming, { kind: 'ambiguous' }>;
}

/** What a response is made of, told in this order. */
export interface ResponseParts {
  /** A response of status 102 to 199, or 100, ahead of the final one. */
  interim(head: ResponseHead): void;
  /** The final head, or that of a 101, with which the response is complete. */
  head(head: ResponseHead): void;
  /** Octets of the content, without chunks around them: views into what was read. */
  content(octets: Uint8Array): void;
  /** The content is complete. */
  end(trailers: Fields): void;
}

export interface ReaderOptions {
  /** Of the request that is answered. RFC 9112 6.3 (1). */
  readonly method: string;
  /** Whether the request asked for another protocol, so that 101 is an answer. RFC 9110 15.2.2. */
  readonly isUpgrade?: boolean;
  /** Of a head, and of a trailer section. */
  readonly maxHeadBytes: number;
  /** Field lines of a head, and of a trailer section. */
  readonly maxFields: number;
  readonly maxInterimResponses: number;
  /** Text with one character for each octet from `start` to `end`. */
  readonly latin1?: (octets: Uint8Array, start: number, end: number) => string;
}

export type Reading =
  | { readonly kind: 'more' }
  /** The response is complete; so many of the octets lie behind it. */
  | { readonly kind: 'complete'; readonly rest: number }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** Chunk extensions are skipped, up to here. RFC 9112 7.1.1. */
const maxChunkLineBytes = 4096;

/** Whoever begins otherwise will not become HTTP by being waited for. */
const statusLineStart = 'HTTP/1.';

const more: Reading = { kind: 'more' };
const complete: Reading = { kind: 'complete', rest: 0 };
const noFields: Fields = [];
const tab = 9;
const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const del = 127;

/** Reads one response, interim ones before it included. Give it octets as they come, then read no further than it says. */
export class ResponseReader {
  readonly #options: ReaderOptions;
  readonly #parts: ResponseParts;
  #state: 'head' | 'length' | 'close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'complete' = 'head';
  /** The lines of a section as far as they came, line ends included. */
  #text = '';
  #previousOctet = 0;
  #octetsInLine = 0;
  /** Octets to come of the content or of a chunk. */
  #left = 0;
  #interimResponses = 0;

  constructor(options: ReaderOptions, parts: ResponseParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Takes the next octets. After `failed` or `complete` it takes no more. */
  read(octets: Uint8Array): Reading {
    let at = 0;
    while (at < octets.length) {
      const next = this.#step(octets, at);
      if (typeof next !== 'number') return next;
      at = next;
      if (this.#state === 'complete') {
        return at === octets.length ? complete : { kind: 'complete', rest: octets.length - at };
      }
    }
    return more;
  }

  /** The connection has ended: complete where that is how content ends. RFC 9112 6.3 (8). */
  finish(): Reading {
    if (this.#state === 'complete') return complete;
    if (this.#state === 'close') {
      this.#state = 'complete';
      this.#parts.end(noFields);
      return complete;
    }
    if (this.#state === 'head') {
      return failed('connection_terminated', 'The destination closed the connection before its head was complete.');
    }
    return failed('http_response_incomplete', 'The content stopped before its end.');
  }

  /** Consumes some octets from `at` on; answers where to go on. */
  #step(octets: Uint8Array, at: number): number | Reading {
    switch (this.#state) {
      case 'head':
      case 'trailers':
        return this.#section(octets, at, this.#options.maxHeadBytes);
      case 'chunk-size':
        return this.#section(octets, at, maxChunkLineBytes);
      case 'chunk-end':
        return this.#chunkEnd(octets, at);
      case 'length':
      case 'chunk':
        return this.#counted(octets, at);
      case 'close':
        this.#parts.content(at === 0 ? octets : octets.subarray(at));
        return octets.length;
      case 'complete':
        return complete;
    }
  }

  /** Gathers lines: one, or as many as come before an empty one. Only CRLF ends a line. RFC 9112 2.2. */
  #section(octets: Uint8Array, at: number, maxBytes: number): number | Reading {
    const isOneLine = this.#state === 'chunk-size';
    const known = this.#text.length;
    const end = Math.min(octets.length, at + maxBytes - known);
    let previous = this.#previousOctet;
    let inLine = this.#octetsInLine;
    for (let i = at; i < end; i++) {
      const octet = octets[i] as number;
      if (previous === carriageReturn) {
        if (octet !== lineFeed) return failed('http_protocol_error', 'The destination sent a bare CR.');
        if (isOneLine || inLine === 0) {
          this.#text += this.#latin1(octets, at, i + 1);
          this.#previousOctet = 0;
          this.#octetsInLine = 0;
          const wrong = this.#whole();
          this.#text = '';
          return wrong ?? i + 1;
        }
        inLine = 0;
        previous = octet;
        continue;
      }
      if (octet !== carriageReturn) {
        if ((octet < space && octet !== tab) || octet === del) {
          return failed('http_protocol_error', 'The destination sent an octet that no head may hold.');
        }
        inLine++;
      }
      previous = octet;
    }
    this.#text += this.#latin1(octets, at, end);
    this.#previousOctet = previous;
    this.#octetsInLine = inLine;
    // Only while it is new: looking into a text that grows octet by octet would copy it each time.
    if (this.#state === 'head' && known < statusLineStart.length) {
      if (!statusLineStart.startsWith(this.#text.slice(0, statusLineStart.length))) return notHttp();
    }
    if (end === octets.length) return end;
    return isOneLine ? failed('http_protocol_error', 'The destination sent chunks that are none.') : tooLarge();
  }

  /** Understands a section that has come to its end. */
  #whole(): Reading | undefined {
    if (this.#state === 'head') return this.#head();
    return this.#state === 'chunk-size' ? this.#chunkSize() : this.#trailers();
  }

  #head(): Reading | undefined {
    const line = parseStatusLine(this.#text);
    if (line === undefined) return notHttp();
    const fields = fieldsFromLines(this.#text, line.end, this.#options.maxFields);
    if (fields.kind === 'failed') return fields;
    const { method, isUpgrade = false } = this.#options;
    const framing = responseFraming(method, line.httpVersion, line.status, fields.fields);
    if (framing.kind === 'ambiguous') {
      return failed('http_protocol_error', `The length of the response is ambiguous: ${framing.because}.`);
    }
    const { httpVersion, status, reason } = line;
    const head: ResponseHead = { httpVersion, status, reason, fields: fields.fields, framing };
    if (line.status === 101 && !isUpgrade) {
      return failed('http_protocol_error', 'The destination switches protocols without having been asked.');
    }
    if (line.status < 200 && line.status !== 101) return this.#interim(head);
    this.#begin(head);
    return undefined;
  }

  #interim(head: ResponseHead): Reading | undefined {
    if (++this.#interimResponses > this.#options.maxInterimResponses) {
      return failed('http_protocol_error', 'The destination sends interim responses without end.');
    }
    this.#parts.interim(head);
    return undefined;
  }

  #begin(head: ResponseHead): void {
    const { framing } = head;
    if (framing.kind === 'length') this.#left = framing.octets;
    const isEmpty = framing.kind === 'none' || (framing.kind === 'length' && framing.octets === 0);
    if (isEmpty) this.#state = 'complete';
    else if (framing.kind === 'chunked') this.#state = 'chunk-size';
    else this.#state = framing.kind === 'close' ? 'close' : 'length';
    this.#parts.head(head);
    if (isEmpty) this.#parts.end(noFields);
  }

  #counted(octets: Uint8Array, at: number): number {
    const available = octets.length - at;
    const taken = Math.min(available, this.#left);
    this.#left -= taken;
    const isLast = this.#left === 0;
    const piece = taken === octets.length ? octets : octets.subarray(at, at + taken);
    if (isLast) this.#state = this.#state === 'chunk' ? 'chunk-end' : 'complete';
    this.#parts.content(piece);
    if (this.#state === 'complete') this.#parts.end(noFields);
    return at + taken;
  }

  #chunkSize(): Reading | undefined {
    const octets = parseChunkSize(this.#text.slice(0, -2));
    if (octets === undefined) return failed('http_protocol_error', 'The destination sent a chunk size that is none.');
    this.#left = octets;
    this.#state = octets === 0 ? 'trailers' : 'chunk';
    return undefined;
  }

  /** Takes an octet of the CRLF behind a chunk. */
  #chunkEnd(octets: Uint8Array, at: number): number | Reading {
    const expected = this.#previousOctet === carriageReturn ? lineFeed : carriageReturn;
    if (octets[at] !== expected) {
      return failed('http_protocol_error', 'The destination sent a chunk without its end.');
    }
    this.#previousOctet = expected === lineFeed ? 0 : expected;
    if (expected === lineFeed) this.#state = 'chunk-size';
    return at + 1;
  }

  #trailers(): Reading | undefined {
    const fields = fieldsFromLines(this.#text, 0, this.#options.maxFields);
    if (fields.kind === 'failed') return fields;
    this.#state = 'complete';
    this.#parts.end(fields.fields);
    return undefined;
  }

  #latin1(octets: Uint8Array, start: number, end: number): string {
    return (this.#options.latin1 ?? latin1)(octets, start, end);
  }
}

const maxCharactersAtOnce = 4096;

function latin1(octets: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += maxCharactersAtOnce) {
    text += String.fromCharCode(...octets.subarray(at, Math.min(end, at + maxCharactersAtOnce)));
  }
  return text;
}

function notHttp(): Reading {
  return failed('http_protocol_error', 'The destination does not answer in HTTP/1.1.');
}

function tooLarge(): Reading {
  return failed('http_response_header_section_size', "The destination's head is larger than what is relayed.");
}

function failed(type: ConstructorParameters<typeof ProxyError>[0], message: string): Reading {
  return { kind: 'failed', error: new ProxyError(type, message) };
}
