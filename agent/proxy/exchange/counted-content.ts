// Content of a length that was announced: complete only when exactly that many octets came.
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Content, Sink } from '../ports.ts';

/** The content, which fails with `http_response_incomplete` when it ends early. `octets` undefined trusts its end. */
export function counted(content: Content, octets: number | undefined): Content {
  if (octets === undefined) return content;
  return {
    flow: (sink) => content.flow(countingSink(sink, octets, () => content.cancel())),
    resume: () => content.resume(),
    cancel: () => content.cancel(),
  };
}

function countingSink(sink: Sink, announced: number, cancel: () => void): Sink {
  let left = announced;
  let failed = false;
  const fail = (error: ProxyError) => {
    if (failed) return;
    failed = true;
    sink.fail(error);
  };
  return {
    write: (octets) => {
      left -= octets.length;
      if (left >= 0) return sink.write(octets);
      cancel();
      fail(new ProxyError('http_response_body_size', 'More content came than was announced.'));
      return true;
    },
    end: (trailers) => {
      if (left === 0) sink.end(trailers);
      else fail(incomplete());
    },
    fail,
  };
}

/** Lets content that must be empty come to its end, so that its connection can be used again; cuts it if it is not. */
export function discard(content: Content): void {
  content.flow({
    write: () => {
      content.cancel();
      return true;
    },
    end: () => undefined,
    fail: () => undefined,
  });
}

/** The error of content that stopped before its end. */
export function incomplete(cause?: unknown): ProxyError {
  return new ProxyError('http_response_incomplete', 'The content stopped before its end.', { cause });
}
