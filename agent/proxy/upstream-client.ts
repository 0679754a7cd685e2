// What sends requests to the next hop, as the walk sees it. The phases have it by way of `ports.ts`.
import type { Readable } from 'node:stream';
import type { Fields } from '../../http/fields.ts';
import type { Framing } from '../../http/framing.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Content } from './ports.ts';

/** Sends HTTP requests over kept connections. */
export interface UpstreamClient {
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

export interface UpstreamRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  /** Without the ones that frame the content. */
  readonly fields: Fields;
  readonly framing: Exclude<Framing, { kind: 'ambiguous' }>;
  readonly content: Readable | undefined;
  /** What came behind chunked content, once that has ended. RFC 9110 6.5. */
  readonly trailers?: () => Fields;
  readonly headDeadlineMs: number;
  readonly idleTimeoutMs: number;
  readonly maxOctetsHeld: number;
  /** Hears of a response of status 1xx ahead of the final one. RFC 9110 15.2. */
  readonly onInterim?: (status: number, fields: Fields) => void;
  /** Takes what ends the exchange at once. */
  readonly onLeave: (cancel: () => void) => void;
}

export type UpstreamAnswer =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly reason: string;
      readonly fields: Fields;
      /** Of the content; undefined when the length is not known before its end. A content that is shorter fails. */
      readonly octets: number | 'none' | undefined;
      readonly content: Content;
      /** The address that the connection was made to, where it is certain. */
      readonly address: string | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly error: ProxyError;
      /** `unsent`: nothing of it has left. `stale`: a kept connection closed instead of answering. `unanswered`: any other. */
      readonly progress: 'unsent' | 'stale' | 'unanswered';
    };
