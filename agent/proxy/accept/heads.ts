// Hears of a plain GET when its head is parsed, before Node makes a message and a reply of it: what is at hand needs neither.
import type { Socket } from 'node:net';
import { FieldNames } from '../../../http/fields.ts';
import type { RequestHead } from '../ports.ts';
import { type Parser, parserOf } from './parser.ts';

export interface HeadsPorts {
  /** While it is waited for the next request on a connection. */
  readonly keepAliveTimeoutMs: number;
  /** While one is answered. */
  readonly busyTimeoutMs: number;
  /** Whether this may be asked now; otherwise Node goes on at once. */
  readonly mayTake: () => boolean;
  /** Answers on the socket, or has the message made before it returns: `make` does that, once. */
  readonly take: (head: RequestHead, make: () => void) => void;
}

/** What the parser tells: version, fields and values in turn, method and target; later whether the connection is kept. */
type Told = readonly [
  major: number,
  minor: number,
  rawHeaders: string[] | undefined, // undefined where there are so many that they came in pieces
  method: number,
  url: string,
  status: unknown,
  reason: unknown,
  isUpgrade: boolean,
  isKept: boolean,
];
type OnHead = (this: Parser, ...told: Told) => number;

/** What Node itself has put into the place, which stays where it is when the parser is used for another connection. */
const nodesOwn = new WeakMap<Parser, OnHead>();

/** The number of the method GET, once a message has shown it. */
let numberOfGet: number | undefined;

/** To be called when Node's parser has just been put on the socket. */
export function hearHeads(socket: Socket, ports: HeadsPorts): void {
  const parser = parserOf(socket);
  const event = parser?.constructor.kOnHeadersComplete;
  if (parser === undefined || event === undefined) return;
  const goOn = nodesOwn.get(parser) ?? parser[event];
  if (!isOnHead(goOn)) return;
  nodesOwn.set(parser, goOn);
  let isResting = false;
  const hear: OnHead = (...told) => {
    if (parser.socket !== socket) {
      parser[event] = goOn;
      return goOn.apply(parser, told as never);
    }
    let answer: number | undefined;
    const make = () => {
      if (isResting) socket.setTimeout(ports.busyTimeoutMs);
      isResting = false;
      answer = goOn.apply(parser, told as never);
      if (parser.incoming?.method === 'GET') numberOfGet = told[3];
    };
    const head = isFree(socket, parser) && ports.mayTake() ? plainGet(told, socket) : undefined;
    if (head === undefined) make();
    else ports.take(head, make);
    if (answer !== undefined) return answer;
    if (!isResting && socket.writableLength === 0) {
      socket.setTimeout(ports.keepAliveTimeoutMs);
      isResting = true;
    }
    return parseContent;
  };
  parser[event] = hear;
  socket.once('close', () => {
    if (parser[event] === hear) parser[event] = goOn;
  });
}

/** What the parser is answered where it has nothing to leave out. */
const parseContent = 0;

function isOnHead(value: unknown): value is OnHead {
  return typeof value === 'function';
}

/** Whether nothing is read, answered or written that this answer could overtake. */
function isFree(socket: Socket, parser: Parser): boolean {
  return socket.writableLength === 0 && !(parser.incoming ?? undefined);
}

/** What needs more than a head and an answer: content, an answer ahead of the answer, another protocol. */
const furtherNames = new FieldNames(['content-length', 'transfer-encoding', 'expect', 'upgrade']);

function plainGet([major, minor, rawHeaders, method, url, , , isUpgrade, isKept]: Told, socket: Socket) {
  if (method !== numberOfGet || major !== 1 || minor !== 1 || isUpgrade || !isKept) return undefined;
  if (rawHeaders === undefined) return undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) if (furtherNames.has(rawHeaders[i] as string)) return undefined;
  return { method: 'GET', url, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders, socket };
}
