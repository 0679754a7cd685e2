// A response as phases hand it on, with content that flows once. They have it by way of `ports.ts`.
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { TransformOutcome } from '../../schemas/transform.ts';

export interface UpstreamResponse {
  readonly status: number;
  /** That of the response in whose place a rule has answered. */
  readonly receivedStatus?: number;
  readonly reason: string;
  /** As the origin sent them. */
  readonly fields: Fields;
  /** It is made of a stored one: its fields are end-to-end, and the request has no content. */
  readonly isStored?: true;
  /** What the edge made of the transform that was asked of it, if one was. */
  readonly transform?: TransformOutcome | undefined;
  /** `none`: no content. `undefined` octets: the length is not known before the end. */
  readonly content:
    | { readonly kind: 'none' }
    | {
        readonly kind: 'some';
        readonly octets: number | undefined;
        readonly source: Content;
        /** All of it, where that is in memory already and no trailers follow: then `source` need not flow. */
        readonly held?: Buffer | undefined;
      };
}

/** Content on its way. It flows once, into one sink, and holds at most a bounded piece until then. */
export interface Content {
  flow(sink: Sink): void;
  /** Goes on after `write` has answered false. */
  resume(): void;
  /** The sink wants no more. Ends the upstream's sending at once. */
  cancel(): void;
}

export interface Sink {
  /** Takes some octets; false asks to wait for `resume`. */
  write(octets: Buffer): boolean;
  /** The content is complete. */
  end(trailers: Fields): void;
  /** The content ends here although it is not complete. */
  fail(error: ProxyError): void;
}

/** The same content. `onOver` hears once that nobody reads it any more, with the error where it broke off. Before the sink. */
export function watched(content: Content, onOver: (error?: ProxyError) => void): Content {
  let isOver = false;
  const over = (error?: ProxyError) => {
    if (isOver) return;
    isOver = true;
    onOver(error);
  };
  return {
    flow: (sink) =>
      content.flow({
        write: (octets) => sink.write(octets),
        end: (trailers) => {
          over();
          sink.end(trailers);
        },
        fail: (error) => {
          over(error);
          sink.fail(error);
        },
      }),
    resume: () => content.resume(),
    cancel: () => {
      content.cancel();
      over();
    },
  };
}
