// A request that has arrived, with where its answer goes. Phases have it by way of `ports.ts`.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Trace } from './ports.ts';

/** What a parser has understood of a request's head. That of HTTP/2 is told as one of HTTP/1.1, with its own version. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** Names and values in turn. */
  readonly rawHeaders: string[];
  readonly socket: Socket;
  /** Of HTTP/2, where no field has to tell of it. */
  readonly hasContent?: boolean;
}

/** A request with its content, as Node's HTTP/1.1 server makes it. */
export interface Message extends RequestHead, Readable {
  readonly headers: { readonly accept?: string | undefined };
  readonly complete: boolean;
  readonly rawTrailers: string[];
}

/** Where a response is written to, as Node's HTTP/1.1 server makes it. */
export interface Reply extends Writable {
  /** Whether the connection takes another request. */
  shouldKeepAlive: boolean;
  readonly headersSent: boolean;
  readonly socket: { readonly destroyed: boolean; resetAndDestroy(): unknown } | null;
  /** `flat`: names and values in turn. */
  writeHead(status: number, reason: string, flat: string[]): unknown;
  flushHeaders(): void;
  writeInformation(status: number, flat: string[]): unknown;
  writeContinue(): void;
  addTrailers(trailers: readonly [string, string][]): void;
}

/** One request that has arrived, with where its answer goes. */
export interface Arrival {
  readonly trace: Trace;
  readonly head: RequestHead;
  readonly message: Message;
  readonly reply: Reply;
  /** There as long as nobody has asked for message or reply: a whole answer can do without them, and is faster so. */
  readonly early?: EarlyAnswer | undefined;
}

/** A request for another protocol: only HTTP/1.1 takes one in this way. */
export interface UpgradeArrival extends Arrival {
  readonly reply: ServerResponse;
}

export interface EarlyAnswer {
  /**
   * Writes a head, each line with its end, and all of its content. What keeps the connection open is added. Only what
   * latin1 can write may stand in the head. True once it is sent, false where the client has left before.
   */
  write(head: string, content: Buffer): Promise<boolean> | boolean;
}
