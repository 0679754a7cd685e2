// Changes HTML on its way, by HTMLRewriter: elements by selector, and what is injected.
import { ProxyError } from '../../http/proxy-error.ts';
import type { ElementChange, Transform } from '../../schemas/transform.ts';
import { readFailure } from '../exchange/failure.ts';
import type { Piece, Source } from '../exchange/pour.ts';
import { allowedInPolicy, type InjectedHashes } from './csp.ts';

const maxReadBytes = 64 * 1024;

export type Rewriting =
  | { readonly kind: 'rewritten'; readonly source: Source }
  /** A fragment in words; the source is as it was. */
  | { readonly kind: 'refused'; readonly because: string };

/** The content with its elements changed. `type`: its Content-Type, whose charset counts. */
export function rewritten(
  source: Source,
  { html = [], inject }: Pick<Transform, 'html' | 'inject'>,
  type: string,
  hashes: InjectedHashes,
): Rewriting {
  const rewriter = new HTMLRewriter();
  for (const change of html) {
    try {
      rewriter.on(change.select, { element: (element) => changeElement(element, change) });
    } catch {
      return { kind: 'refused', because: `the edge does not understand the selector ${change.select.slice(0, 100)}` };
    }
  }
  if (inject !== undefined) injectInto(rewriter, inject, hashes);
  const headers = { 'content-type': type };
  try {
    void new HTMLRewriter().transform(new Response('', { headers })).body?.cancel();
  } catch {
    return { kind: 'refused', because: 'the charset of the page is unknown, or none that contains ASCII' };
  }
  const { readable, failure } = streamOf(source);
  const { body } = rewriter.transform(new Response(readable, { headers }));
  return { kind: 'rewritten', source: sourceOf(body as ReadableStream, source, failure) };
}

const asHtml = { html: true };

function changeElement(element: Element, change: ElementChange): void {
  if ('remove' in change) element.remove();
  else if ('replace' in change) element.replace(change.replace, asHtml);
  else if ('append' in change) element.append(change.append, asHtml);
  else if ('prepend' in change) element.prepend(change.prepend, asHtml);
  else for (const [name, value] of Object.entries(change.set)) element.setAttribute(name, value);
}

/** At the end of the element that is asked for; where tags are left out, at the next place that shows. */
function injectInto(rewriter: HTMLRewriter, inject: NonNullable<Transform['inject']>, hashes: InjectedHashes): void {
  const { script, style, at } = inject;
  const text = `${style === undefined ? '' : `<style>${style}</style>`}${script === undefined ? '' : `<script>${script}</script>`}`;
  let isDone = false;
  const once = (put: () => void) => {
    if (isDone) return;
    isDone = true;
    put();
  };
  const atEnd = (name: string) => (element: Element) =>
    element.onEndTag((tag) => {
      if (tag.name === name) once(() => tag.before(text, asHtml));
    });
  if (at === 'head') {
    rewriter.on('head', { element: atEnd('head') });
    rewriter.on('body', { element: (element) => once(() => element.prepend(text, asHtml)) });
  } else rewriter.on('body', { element: atEnd('body') });
  rewriter.on('meta[http-equiv][content]', {
    element: (element) => {
      if (element.getAttribute('http-equiv')?.trim().toLowerCase() !== 'content-security-policy') return;
      const policy = unescaped(element.getAttribute('content') ?? '');
      if (policy !== undefined) element.setAttribute('content', allowedInPolicy(policy, hashes));
    },
  });
  rewriter.onDocument({ end: (end) => once(() => end.append(text, asHtml)) });
}

/** The value of an attribute as the page means it, where it has no other character references than those for quotes. */
function unescaped(value: string): string | undefined {
  const text = value.replace(/&(?:#39|#x27|apos);/gi, "'").replace(/&quot;/gi, '"');
  return text.includes('&') ? undefined : text;
}

type Last = Exclude<Piece, { kind: 'octets' }>;

/** The source as the platform takes it. `failure`: what it ended with. */
function streamOf(source: Source) {
  let last: Last | undefined;
  const readable = new ReadableStream({
    type: 'bytes',
    pull: async (controller) => {
      const piece = await source.next();
      if (piece.kind === 'octets') return controller.enqueue(piece.octets.slice());
      last = piece;
      if (piece.kind === 'failed') return controller.error(piece.error);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: source.cancel,
  });
  return { readable, failure: () => last };
}

function sourceOf(body: ReadableStream, upstream: Source, ended: () => Last | undefined): Source {
  const reader = body.getReader({ mode: 'byob' });
  let buffer: ArrayBufferLike = new ArrayBuffer(maxReadBytes);
  let last: Piece | undefined;
  const finish = (piece: Piece): Piece => {
    last ??= piece;
    upstream.cancel();
    return last;
  };
  return {
    next: async () => {
      if (last !== undefined) return last;
      try {
        const { done, value } = await reader.read(new Uint8Array(buffer));
        if (done) return finish(ended() ?? { kind: 'failed', error: readFailure(undefined, true) });
        buffer = value.buffer;
        return { kind: 'octets', octets: value };
      } catch (cause) {
        const failure = ended();
        return finish(failure?.kind === 'failed' ? failure : { kind: 'failed', error: unwritten(cause) });
      }
    },
    cancel: () => {
      finish({ kind: 'failed', error: readFailure(undefined, true) });
      reader.cancel().catch(() => undefined);
    },
  };
}

/** The rewriter holds a tag whole until it ends, and gives up where that takes too much. */
function unwritten(cause: unknown): ProxyError {
  const message = 'The edge could not rewrite the page: one of its tags may be too long.';
  return new ProxyError('proxy_internal_error', message, { status: 502, cause });
}
