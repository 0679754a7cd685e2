// Answers with what is stored.

import { type Piece, storedReply } from '../../http/caching/reply.ts';
import type { CacheRequest } from '../../http/caching/stored.ts';
import { takesTrailers } from '../../http/hop-by-hop.ts';
import { concatenated } from '../concatenated.ts';
import { createMark } from '../exchange/marked.ts';
import { type ExchangeContext, responded, type UpstreamFacts } from '../finish/reply.ts';
import type { Entry } from './store.ts';

/**
 * The answer to a GET or HEAD that the engine has found an entry for. Nothing where the entry holds a part that is not
 * enough, or its content has been lost.
 */
export async function served(
  c: ExchangeContext,
  request: CacheRequest,
  { stored, content }: Pick<Entry, 'stored' | 'content'>,
  ageSeconds: number,
  facts: UpstreamFacts,
): Promise<Response | undefined> {
  const reply = storedReply(request, stored, ageSeconds, crypto.randomUUID().replaceAll('-', ''));
  if (reply.kind === 'forward') return undefined;
  const { status, reason, fields } = reply;
  if (reply.content.kind === 'none') {
    return responded(c, { status, reason, fields, content: { kind: 'none' } }, null, facts);
  }
  const { octets, pieces } = reply.content;
  const held = await content();
  if (held === undefined) return undefined;
  const body = assembled(held, pieces);
  const { trailers = [] } = stored;
  if (trailers.length === 0 || octets !== stored.octets || !takesTrailers(c.get('envelope').fields)) {
    return responded(c, { status, reason, fields, content: { kind: 'length', octets } }, body, facts);
  }
  const mark = createMark();
  const ending = mark.ending({ outcome: 'complete', trailers });
  const marked = concatenated([body, ending]);
  return responded(c, { status, reason, fields, content: { kind: 'marked', nonce: mark.nonce } }, marked, facts);
}

/** One slice is a view; several, with text between, are put together. */
function assembled(held: Uint8Array, pieces: readonly Piece[]): Uint8Array {
  return concatenated(
    pieces.map((piece) =>
      'text' in piece
        ? Uint8Array.from(piece.text, (octet) => octet.charCodeAt(0))
        : held.subarray(piece.first, piece.last + 1),
    ),
  );
}
