// An HTTP/2 server that sends exactly the frames that the test wants, over TCP alone. RFC 9113 4 and 6, RFC 7541 6.
import type { Socket } from 'node:net';
import { startTcp } from './tcp.ts';

const types = { data: 0, headers: 1, rst: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const;
const endStream = 1;
const endHeaders = 4;
const prefaceBytes = 24;
const frameHeadBytes = 9;

/** What came from the client on a stream or the connection. */
export interface ReceivedFrame {
  readonly type: keyof typeof types | 'other';
  readonly stream: number;
  readonly isEnd: boolean;
  readonly payload: Buffer;
}

export interface FrameServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
  /** Over all connections, in their order. */
  readonly received: readonly ReceivedFrame[];
  /** The first frame that matches, as soon as it has come. */
  frame(matches: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame>;
}

/** Calls `answer` when the head of a request has come. Settings have been sent by then. */
export async function startFrames(
  answer: (stream: number, socket: Socket) => void,
  settings: Readonly<Record<number, number>> = {},
): Promise<FrameServer> {
  const received: ReceivedFrame[] = [];
  const waiting = new Set<() => void>();
  const server = await startTcp((socket) => {
    let octets = Buffer.alloc(0);
    let skipped = 0;
    socket.write(settingsFrame(settings));
    socket.on('end', () => socket.end());
    socket.on('data', (piece) => {
      octets = Buffer.concat([octets, piece as Buffer]);
      if (skipped === 0 && octets.length < prefaceBytes) return;
      if (skipped === 0) {
        skipped = prefaceBytes;
        octets = octets.subarray(prefaceBytes);
      }
      for (;;) {
        const length = octets.length < frameHeadBytes ? Number.POSITIVE_INFINITY : octets.readUIntBE(0, 3);
        if (octets.length < frameHeadBytes + length) return;
        const frame = frameOf(octets.subarray(0, frameHeadBytes + length));
        octets = octets.subarray(frameHeadBytes + length);
        received.push(frame);
        if (frame.type === 'settings' && frame.payload.length > 0) socket.write(settingsAck);
        for (const check of waiting) check();
        if (frame.type === 'headers') answer(frame.stream, socket);
      }
    });
  });
  return {
    port: server.port,
    get connections() {
      return server.connections;
    },
    received,
    frame: (matches) =>
      new Promise((resolve) => {
        const check = () => {
          const found = received.find(matches);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A head: names and values as they stand, none of them compressed. */
export function headersFrame(stream: number, fields: readonly (readonly [string, string])[], isEnd = false): Buffer {
  const block = fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]);
  return frame(types.headers, endHeaders | (isEnd ? endStream : 0), stream, Buffer.concat(block));
}

export function dataFrame(stream: number, content: string, isEnd = false): Buffer {
  return frame(types.data, isEnd ? endStream : 0, stream, Buffer.from(content, 'latin1'));
}

export function rstFrame(stream: number, code: number): Buffer {
  return frame(types.rst, 0, stream, uint32(code));
}

export function goawayFrame(lastStream: number, code = 0): Buffer {
  return frame(types.goaway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code)]));
}

/** Settings by their number. RFC 9113 6.5.2. */
export function settingsFrame(settings: Readonly<Record<number, number>> = {}): Buffer {
  const pairs = Object.entries(settings).flatMap(([id, value]) => [Buffer.of(0, Number(id)), uint32(value)]);
  return frame(types.settings, 0, 0, Buffer.concat(pairs));
}

const settingsAck = frame(types.settings, 1, 0, Buffer.alloc(0));

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function frameOf(octets: Buffer): ReceivedFrame {
  const number = octets.readUInt8(3);
  const [type = 'other'] = Object.entries(types).find(([, each]) => each === number) ?? [];
  const carriesEnd = number === types.data || number === types.headers;
  return {
    type: type as ReceivedFrame['type'],
    stream: octets.readUInt32BE(5),
    isEnd: carriesEnd && (octets.readUInt8(4) & endStream) !== 0,
    payload: octets.subarray(frameHeadBytes),
  };
}

/** A text of up to 16 kB, with its length. RFC 7541 5.2. */
function text(characters: string): Buffer {
  const octets = Buffer.from(characters, 'latin1');
  const { length } = octets;
  if (length < 127) return Buffer.concat([Buffer.of(length), octets]);
  const left = length - 127;
  const size = left < 128 ? [left] : [(left & 127) | 128, left >> 7];
  return Buffer.concat([Buffer.of(127, ...size), octets]);
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}
