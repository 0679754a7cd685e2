// Reads HTTP/1.1 messages off a raw socket as they are, and says how a connection ended.
import type { Socket } from 'node:net';

/** How the other side stopped sending: with a FIN, or by breaking the connection off. */
export type Ending = 'end' | 'reset';

export interface Message {
  readonly startLine: string;
  /** As they came, with duplicates. Each character is one octet. */
  readonly fields: readonly (readonly [string, string])[];
  /** The one value of a field, by lower-case name; nothing when there is none; all of them joined by `|` when several. */
  readonly field: (name: string) => string | undefined;
  readonly values: (name: string) => string[];
  readonly content: Buffer;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Whether the content came to the end that its framing announced. */
  readonly isComplete: boolean;
}

export interface Response extends Message {
  readonly status: number;
}

/** The octets that a socket receives, to be taken in order. */
export interface Octets {
  /** Everything that has come so far, taken or not. */
  readonly all: () => Buffer;
  /** Takes what comes up to and with the separator; nothing when the connection ends before. */
  until(separator: string): Promise<Buffer | undefined>;
  /** Takes this many octets, or what there is when the connection ends before. */
  exactly(count: number): Promise<Buffer>;
  /** Takes all that is left. */
  rest(): Promise<Buffer>;
  readonly ended: Promise<Ending>;
}

/** Begins to keep what the socket receives. Nothing is lost between two calls. */
export function octetsOf(socket: Socket): Octets {
  const pieces: Buffer[] = [];
  let taken = 0;
  let ending: Ending | undefined;
  let wake: () => void = () => undefined;
  const { promise: ended, resolve } = Promise.withResolvers<Ending>();
  const end = (how: Ending) => {
    ending ??= how;
    resolve(ending);
    wake();
  };
  socket.on('data', (octets) => {
    pieces.push(octets as Buffer);
    wake();
  });
  socket.once('end', () => end('end'));
  socket.on('error', () => end('reset'));
  socket.once('close', () => end('reset'));
  const all = () => {
    const whole = Buffer.concat(pieces);
    pieces.splice(0, pieces.length, whole);
    return whole;
  };
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const take = (count: number) => {
    const piece = all().subarray(taken, taken + count);
    taken += piece.length;
    return piece;
  };
  const left = () => pieces.reduce((sum, piece) => sum + piece.length, 0) - taken;
  return {
    all,
    ended,
    until: async (separator) => {
      for (;;) {
        const at = all().indexOf(separator, taken, 'latin1');
        if (at !== -1) return take(at + separator.length - taken);
        if (ending !== undefined) return undefined;
        await more();
      }
    },
    exactly: async (count) => {
      while (left() < count && ending === undefined) await more();
      return take(count);
    },
    rest: async () => {
      await ended;
      return take(Number.POSITIVE_INFINITY);
    },
  };
}

/** Reads the next request; nothing when the connection ends instead. Content that is cut is told in `isComplete`. */
export async function readRequest(octets: Octets): Promise<Message | undefined> {
  return readMessage(octets, (fields) => (fields.has('content-length') || isChunked(fields) ? undefined : 'none'));
}

/** Reads the next response, interim ones too; fails when the connection ends instead. */
export async function readResponse(octets: Octets, method = 'GET'): Promise<Response> {
  const message = await readMessage(octets, (fields, startLine) => {
    const status = Number(startLine.split(' ')[1]);
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
    return fields.has('content-length') || isChunked(fields) ? undefined : 'close';
  });
  if (message === undefined) throw new Error(`no response but ${JSON.stringify(octets.all().toString('latin1'))}`);
  return { ...message, status: Number(message.startLine.split(' ')[1]) };
}

type FieldMap = ReadonlyMap<string, string[]>;

async function readMessage(
  octets: Octets,
  framingOf: (fields: FieldMap, startLine: string) => 'none' | 'close' | undefined,
): Promise<Message | undefined> {
  const head = await octets.until('\r\n\r\n');
  if (head === undefined) return undefined;
  const [startLine = '', ...lines] = head.toString('latin1').slice(0, -4).split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const map = new Map<string, string[]>();
  for (const [name, value] of fields) map.set(name.toLowerCase(), [...(map.get(name.toLowerCase()) ?? []), value]);
  const framing = framingOf(map, startLine) ?? (isChunked(map) ? 'chunked' : 'length');
  return {
    startLine,
    fields,
    field: (name) => map.get(name)?.join('|'),
    values: (name) => map.get(name) ?? [],
    framing,
    ...(await readContent(octets, framing, Number(map.get('content-length')?.[0]))),
  };
}

function isChunked(fields: FieldMap): boolean {
  return fields.get('transfer-encoding')?.join().toLowerCase() === 'chunked';
}

async function readContent(
  octets: Octets,
  framing: Message['framing'],
  length: number,
): Promise<Pick<Message, 'content' | 'isComplete'>> {
  if (framing === 'none') return { content: Buffer.alloc(0), isComplete: true };
  if (framing === 'close') {
    const content = await octets.rest();
    return { content, isComplete: (await octets.ended) === 'end' };
  }
  if (framing === 'length') {
    const content = await octets.exactly(length);
    return { content, isComplete: content.length === length };
  }
  return readChunks(octets);
}

async function readChunks(octets: Octets): Promise<Pick<Message, 'content' | 'isComplete'>> {
  const pieces: Buffer[] = [];
  for (;;) {
    const line = await octets.until('\r\n');
    if (line === undefined) return { content: Buffer.concat(pieces), isComplete: false };
    const size = Number.parseInt(line.toString('latin1'), 16);
    if (size === 0) {
      const end = await octets.until('\r\n'); // no trailers are sent by anyone here
      return { content: Buffer.concat(pieces), isComplete: end !== undefined };
    }
    const piece = await octets.exactly(size);
    pieces.push(piece);
    if (piece.length < size || (await octets.exactly(2)).length < 2)
      return { content: Buffer.concat(pieces), isComplete: false };
  }
}
