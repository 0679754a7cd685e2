// What a row of the table of rules is: rules, a request, the origin's answer, and what everybody has to see of it.
import type { RuleInput as WrittenRule } from '../../support/rules.ts';

/** The ways of an exchange: by the embedded edge with fetch, by it with a connection of its own, and directly. */
export const ways = ['fetch', 'socket', 'direct'] as const;

export type Way = (typeof ways)[number];

/** A request in absolute-form. A text is the URL of a GET. `ORIGIN` stands for the origin's address and port. */
export interface Ask {
  readonly url: string;
  readonly method?: string;
  /** Field lines as they are sent. */
  readonly fields?: readonly string[];
  readonly content?: string;
  /** When it is asked by the clock of this machine, as in `mon 09:00`. Any time when it is not given. */
  readonly at?: string;
  /** Of the origin, to this request. */
  readonly answer?: Answer;
}

/** 200 with `hello` as text, no-store, where nothing else is said. */
export interface Answer {
  readonly status?: number;
  /** By name; they come in the place of Content-Type and Cache-Control. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: string | Buffer;
  /** Sent in chunks, so that nobody knows its length beforehand. */
  readonly isChunked?: boolean;
}

/** Fields by their lower-case names; null: there is none of that name; `*` at the end stands for more. */
type SomeFields = Readonly<Record<string, string | null>>;

export interface Expected {
  readonly client:
    | { readonly status: number; readonly fields?: SomeFields; readonly content?: string }
    /** No octet of an answer came. */
    | 'reset'
    /** The head came and this of the content, and then the connection broke. */
    | { readonly status: number; readonly cutAfter: string };
  /** What the origin got last of this request; null: nobody asked it. Without path and content they are those of the request. */
  readonly origin: null | {
    readonly method?: string;
    readonly target?: string;
    readonly fields?: SomeFields;
    readonly content?: string;
  };
  /** Names of the rules that the record has. */
  readonly rules: readonly string[];
  /** What else the record says, in part; null: there is no record. */
  readonly record?: object | null;
}

/** What becomes of a tunnel to `to`. `open`: it is carried, and what is in it is as it was. */
export interface ExpectedTunnel {
  /** Host and port; `ORIGIN` is the origin's port. */
  readonly to: string;
  readonly at?: string;
  readonly outcome: 'open' | 'reset' | number;
  readonly rules: readonly string[];
  readonly record?: object | null;
}

export interface Row {
  /** A sentence. */
  readonly title: string;
  readonly rules: readonly WrittenRule[];
  /** Asked before, in this order, by the same client. */
  readonly before?: readonly Ask[];
  /** Absent where the row is about a tunnel only. */
  readonly ask?: Ask;
  /** What becomes of it by each way. */
  readonly expected?: Expected;
  /** What is documented to be otherwise by a way. */
  readonly unlike?: Partial<Readonly<Record<Way, Expected & { readonly because: string }>>>;
  /** The same request for a WebSocket. */
  readonly upgrade?: Expected | undefined;
  /** CONNECT and SOCKS5. */
  readonly tunnel?: ExpectedTunnel | undefined;
}

/** An ask as a whole. */
export function askOf(given: string | Ask): Ask {
  return typeof given === 'string' ? { url: given } : given;
}
