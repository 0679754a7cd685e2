// Reads octets as HTTP/1.1 messages by the letter of RFC 9112, and says where they are none. Nothing is forgiven.

/** One message as it stands in the octets. Texts are Latin-1: each character is one octet. */
export interface Scanned {
  readonly startLine: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The values of a field by lower-case name, line by line. */
  values(name: string): string[];
  /** Without its framing; what there is of it when it is not complete. */
  readonly content: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly hasChunkExtensions: boolean;
  /** Whether the content came to the end that was announced for it; its trailers may still be missing or wrong. */
  readonly hasAllContent: boolean;
  /** Whether all of the message is there. */
  readonly isComplete: boolean;
}

export interface ScannedRequest extends Scanned {
  readonly method: string;
  readonly target: string;
}

export interface ScannedResponse extends Scanned {
  readonly status: number;
}

export interface Scan<Message> {
  /** Whole heads with their content; only the last one can be incomplete. */
  readonly messages: readonly Message[];
  /** Why the octets after these messages are none, with where that is. Nothing when all is sound so far. */
  readonly violation: string | undefined;
  /** Whether the violation stands behind the head of the last message, in its content. */
  readonly isInContent: boolean;
  /** Where the next message would begin. */
  readonly end: number;
  /** Octets of a head that has not ended yet. */
  readonly isMidHead: boolean;
}

/** `upstream`: as an agent must write them. `proxy`: as a client may write them to a proxy, with what a recipient must bear. */
export type RequestRules = 'upstream' | 'proxy';

/** Every request on a connection. What follows a CONNECT is no message and not looked at. */
export function scanRequests(octets: Buffer, rules: RequestRules): Scan<ScannedRequest> {
  const reader = new Reader(octets);
  const messages: ScannedRequest[] = [];
  return reader.collect(messages, () => {
    if (messages.at(-1)?.method === 'CONNECT') return undefined;
    if (rules === 'proxy') reader.skipEmptyLines(); // RFC 9112 2.2
    const startLine = reader.line('request line');
    const line = rules === 'proxy' ? startLine.replace(/ +/g, ' ') : startLine; // RFC 9112 3 lets recipients bear it
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/.exec(line);
    if (parts === null) throw reader.violation(`request line ${JSON.stringify(startLine)}`);
    const [, method = '', target = '', minor] = parts;
    if (rules === 'upstream' && !target.startsWith('/') && !(target === '*' && method === 'OPTIONS'))
      throw reader.violation(`request-target ${target}`);
    const fields = reader.fields();
    const values = valuesOf(fields);
    const hosts = values('host');
    if (hosts.length > 1 || (hosts.length === 0 && (minor === '1' || rules === 'upstream')))
      throw reader.violation(`${hosts.length} Host fields`);
    if (!/^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/.test(hosts[0] ?? 'none'))
      throw reader.violation(`Host ${JSON.stringify(hosts[0])}`);
    const framing = reader.framing(values, minor === '0', rules === 'proxy') ?? 'none';
    const message = { startLine, method, target, fields, values };
    return { ...message, ...reader.content(framing, (partial) => void messages.push({ ...message, ...partial })) };
  });
}

/** Every response on a connection, where these methods were asked in this order. `isEnded`: the sender has closed cleanly. */
export function scanResponses(octets: Buffer, methods: readonly string[], isEnded: boolean): Scan<ScannedResponse> {
  const reader = new Reader(octets);
  const messages: ScannedResponse[] = [];
  let finals = 0;
  let isTunnel = false;
  return reader.collect(messages, () => {
    if (isTunnel) return undefined;
    const startLine = reader.line('status line');
    const parts = /^HTTP\/1\.([01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(startLine);
    if (parts === null) throw reader.violation(`status line ${JSON.stringify(startLine)}`);
    const [, minor, digits] = parts;
    const status = Number(digits);
    const method = methods[finals];
    if (method === undefined) throw reader.violation(`a response to nothing: ${startLine}`);
    const fields = reader.fields();
    const values = valuesOf(fields);
    const framed = reader.framing(values, minor === '0', false);
    isTunnel = status === 101 || (method === 'CONNECT' && status >= 200 && status < 300);
    if (framed !== undefined && (status < 200 || status === 204 || isTunnel))
      throw reader.violation(`${status} with the framing of content`); // RFC 9110 8.6, RFC 9112 6.1
    const isBare = status < 200 || status === 204 || status === 304 || method === 'HEAD' || isTunnel;
    if (status >= 200 || status === 101) finals++;
    const message = { startLine, status, fields, values };
    const add = (partial: Content) => void messages.push({ ...message, ...partial });
    return { ...message, ...reader.content(isBare ? 'none' : (framed ?? 'close'), add, isEnded) };
  });
}

type Content = Pick<
  Scanned,
  'content' | 'trailers' | 'framing' | 'hasChunkExtensions' | 'hasAllContent' | 'isComplete'
>;
type Framing = Exclude<Scanned['framing'], 'length'> | { readonly octets: number };
type Line = readonly [name: string, value: string];

/** There are no octets any more where the message needs some. */
class Short extends Error {}

class Violation extends Error {}

const maxChunkDigits = 12;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const chunkExtensions =
  /^(?:[\t ]*;[\t ]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*$/;

/** What must not stand behind the content. RFC 9110 6.5.1. */
const neverTrailers = new Set(['host', 'content-length', 'transfer-encoding', 'trailer', 'te', 'connection']);

class Reader {
  readonly #octets: Buffer;
  #at = 0;
  #hasChunkExtensions = false;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  /** Calls `read` for one message after the other, until it runs short, breaks a rule, or gives none: a tunnel begins. */
  collect<Message extends Scanned>(messages: Message[], read: () => Message | undefined): Scan<Message> {
    let start = 0;
    for (;;) {
      start = this.#at;
      const known = messages.length;
      const done = (violation?: string) => ({
        messages,
        violation,
        isInContent: messages.length > known && violation !== undefined,
        end: start,
        isMidHead: violation === undefined && messages.length === known && start < this.#octets.length,
      });
      if (start === this.#octets.length) return done();
      try {
        const message = read();
        if (message === undefined) return { ...done(), isMidHead: false };
        messages.push(message);
      } catch (failure) {
        if (failure instanceof Short) return done();
        if (failure instanceof Violation) return done(failure.message);
        throw failure;
      }
    }
  }

  violation(what: string): Violation {
    return new Violation(`before octet ${this.#at}: ${what}`);
  }

  skipEmptyLines(): void {
    for (;;) {
      const [first, second] = this.#octets.subarray(this.#at, this.#at + 2);
      if (first !== 10 && !(first === 13 && second === 10)) return;
      this.#at += first === 10 ? 1 : 2;
    }
  }

  /** The text up to CRLF, in which no CR, LF or NUL stands alone. */
  line(what: string): string {
    const end = this.#octets.indexOf(crlf, this.#at);
    const text = this.#octets.toString('latin1', this.#at, end < 0 ? this.#octets.length : end);
    // A last CR may be the half of what is to come.
    if (/[\r\n\0]/.test(end < 0 ? text.replace(/\r$/, '') : text))
      throw this.violation(`${what} with a bare CR, LF or NUL: ${JSON.stringify(text)}`);
    if (end < 0) throw new Short();
    this.#at = end + 2;
    return text;
  }

  /** Field lines with the empty one that ends them. RFC 9112 5. */
  fields(): Line[] {
    const fields: Line[] = [];
    for (;;) {
      const line = this.line('field line');
      if (line === '') return fields;
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(colon, 0));
      const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
      if (!token.test(name)) throw this.violation(`field line ${JSON.stringify(line)}`);
      if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw this.violation(`field value ${JSON.stringify(value)}`);
      fields.push([name, value]);
    }
  }

  /** RFC 9112 6.3. `bearsZeros`: a recipient takes a length with leading zeros, a sender that makes it anew has none. */
  framing(values: Scanned['values'], isOld: boolean, bearsZeros: boolean): Framing | undefined {
    const codings = values('transfer-encoding');
    const lengths = values('content-length');
    if (codings.length > 0) {
      if (lengths.length > 0) throw this.violation('Content-Length and Transfer-Encoding');
      if (isOld) throw this.violation('Transfer-Encoding in HTTP/1.0');
      if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked')
        throw this.violation(`Transfer-Encoding ${JSON.stringify(codings)}`);
      return 'chunked';
    }
    if (lengths.length === 0) return undefined;
    const digits = bearsZeros ? /^[0-9]{1,15}$/ : /^(?:0|[1-9][0-9]{0,14})$/;
    if (lengths.length > 1 || !digits.test(lengths[0] as string))
      throw this.violation(`Content-Length ${JSON.stringify(lengths)}`);
    return { octets: Number(lengths[0]) };
  }

  /** `onPartial` is given what there is when the content ends before its end. */
  content(framing: Framing, onPartial: (content: Content) => void, isEnded = false): Content {
    const kind: Scanned['framing'] = typeof framing === 'string' ? framing : 'length';
    const pieces: Buffer[] = [];
    this.#hasChunkExtensions = false;
    let hasAllContent = false;
    const content = (isComplete: boolean, trailers: readonly Line[] = []): Content => ({
      content: Buffer.concat(pieces),
      trailers,
      framing: kind,
      hasChunkExtensions: this.#hasChunkExtensions,
      hasAllContent: hasAllContent || isComplete,
      isComplete,
    });
    try {
      if (framing === 'chunked') {
        this.#chunks(pieces);
        hasAllContent = true;
        return content(true, this.#trailers());
      }
      if (framing === 'close') {
        this.#take(this.#octets.length - this.#at, pieces);
        if (!isEnded) throw new Short();
      } else if (framing !== 'none') this.#take(framing.octets, pieces);
      return content(true);
    } catch (failure) {
      onPartial(content(false));
      throw failure;
    }
  }

  /** RFC 9112 7.1. */
  #chunks(pieces: Buffer[]): void {
    for (;;) {
      const line = this.line('chunk line');
      const [, digits = '', extensions = ''] = /^([0-9A-Fa-f]*)(.*)$/.exec(line) ?? [];
      if (digits === '' || digits.length > maxChunkDigits || !chunkExtensions.test(extensions))
        throw this.violation(`chunk line ${JSON.stringify(line)}`);
      if (extensions !== '') this.#hasChunkExtensions = true;
      const size = Number.parseInt(digits, 16);
      if (size === 0) return;
      this.#take(size, pieces);
      if (!crlf.subarray(0, 2).equals(this.#octets.subarray(this.#at, this.#at + 2))) {
        const left = this.#octets.subarray(this.#at, this.#at + 2);
        if (left.length < 2 && crlf.subarray(0, left.length).equals(left)) throw new Short();
        throw this.violation('a chunk that does not end with CRLF');
      }
      this.#at += 2;
    }
  }

  /** RFC 9112 7.1.2. */
  #trailers(): readonly Line[] {
    const trailers = this.fields();
    const wrong = trailers.find(([name]) => neverTrailers.has(name.toLowerCase()));
    if (wrong !== undefined) throw this.violation(`trailer ${wrong[0]}`);
    return trailers;
  }

  #take(count: number, pieces: Buffer[]): void {
    const piece = this.#octets.subarray(this.#at, this.#at + count);
    pieces.push(piece);
    this.#at += piece.length;
    if (piece.length < count) throw new Short();
  }
}

const crlf = Buffer.from('\r\n');

function valuesOf(fields: readonly Line[]): Scanned['values'] {
  return (name) => fields.flatMap(([candidate, value]) => (candidate.toLowerCase() === name ? [value] : []));
}
