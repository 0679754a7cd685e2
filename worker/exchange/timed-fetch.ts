// One fetch by the platform: with exactly these fields, its head by a deadline, its content as it comes.
import type { Fields } from '../../http/fields.ts';
import { parseContentLength } from '../../http/framing.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Network } from '../dial/network.ts';
import { upstreamFailure } from './failure.ts';

export interface TimedRequest {
  readonly url: string;
  readonly method: string;
  readonly fields: Fields;
  /** The client's request, whose content is sent on; undefined where there is none. */
  readonly content: Request | undefined;
  /** How long the upstream may take to answer with its head, from the end of the request's content on. */
  readonly headDeadlineMs: number;
}

export type Fetched =
  | { readonly kind: 'response'; readonly response: Response }
  /** `isCutOff`: the client has broken its content off, so that it was broken off for the upstream too. */
  | { readonly kind: 'failed'; readonly error: ProxyError; readonly cause: unknown; readonly isCutOff: boolean };

/** Waits for the head no longer than the deadline, and for the content as long as it comes. Redirects are the client's. */
export async function timedFetch(
  network: Network,
  { url, method, fields, content, headDeadlineMs }: TimedRequest,
): Promise<Fetched> {
  const abortion = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let isLate = false;
  let isCutOff = false;
  const startDeadline = () => {
    if (isOver) return;
    timer ??= setTimeout(() => {
      isLate = true;
      abortion.abort();
    }, headDeadlineMs);
  };
  const cutOff = () => {
    isCutOff = true;
    abortion.abort();
  };
  try {
    const body = content === undefined ? null : contentOf(content, startDeadline, cutOff);
    if (body === null) startDeadline();
    const headers = new Headers();
    for (const [name, value] of fields) headers.append(name, value);
    const init = {
      method,
      headers,
      body,
      redirect: 'manual',
      encodeResponseBody: 'manual',
      signal: abortion.signal,
      // No second, hidden cache; unlike `cache: 'no-store'` this adds no fields. Only the platform's own fetch reads it.
      ...(!network.isEmbedded && { cf: { cacheTtlByStatus: { '100-599': -1 } } }),
    } as const satisfies RequestInit & { encodeResponseBody: 'manual' };
    return { kind: 'response', response: await network.fetch(url, init) };
  } catch (cause) {
    const error = upstreamFailure(cause, isLate ? headDeadlineMs : undefined);
    return { kind: 'failed', error, cause, isCutOff };
  } finally {
    if (timer !== undefined) clearTimeout(timer); // left on, it would cut the content into a clean short end
    isOver = true;
  }
}

/** The request's content on its way; `onEnd` is called when its last octet has gone, `onCutOff` when the client broke it off. */
function contentOf(request: Request, onEnd: () => void, onCutOff: () => void): ReadableStream | null {
  const { body } = request;
  if (body === null) return null;
  const octets = parseContentLength(request.headers.get('content-length') ?? '');
  const through = octets === undefined ? new IdentityTransformStream() : new FixedLengthStream(octets);
  // The stream to the origin is left open, for an aborted one ends there as if the content were whole.
  body.pipeTo(through.writable, { preventAbort: true, preventCancel: true }).then(onEnd, async () => {
    onEnd();
    const reader = body.getReader();
    await reader.read().then(() => reader.cancel(), onCutOff); // fails if the client has: an origin may stop to read
  });
  return through.readable;
}
