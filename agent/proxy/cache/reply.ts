// The outcome that a stored response makes for one client.
import { type StoredReply, storedReply } from '../../../http/caching/reply.ts';
import type { CacheRequest, StoredResponse } from '../../../http/caching/stored.ts';
import { FieldNames } from '../../../http/fields.ts';
import type { CacheStore, Entry, Outcome } from '../ports.ts';
import { type StoredContent, storedContent } from './stored-content.ts';

export interface ReplyPorts {
  readonly store: CacheStore;
  /** 1 to 70 letters and digits that nobody can foresee. */
  readonly boundary: () => string;
}

/** `partial`: the part that is stored is not enough. `lost`: the content has gone from the disk, and so now has the entry. */
export type Replied = Extract<Outcome, { kind: 'response' }> | { readonly kind: 'partial' } | { readonly kind: 'lost' };

const range = new FieldNames(['range']);

/** What a stored response of this age answers: at once, unless its content is to come from the disk. `stored`: with another head. */
export function replyFrom(
  ports: ReplyPorts,
  entry: Entry,
  asked: CacheRequest,
  ageSeconds: number,
  stored: StoredResponse = entry.stored,
): Replied | Promise<Replied> {
  const { store } = ports;
  const boundary = asked.fields.some(([name]) => range.has(name)) ? ports.boundary() : noBoundary;
  const reply = storedReply(asked, stored, ageSeconds, boundary);
  if (reply.kind === 'forward') return partial;
  if (reply.content.kind === 'none') return answered(reply, undefined);
  const trailers = reply.status === stored.status ? stored.trailers : undefined; // they are about the whole
  const content = storedContent(store, entry, reply.content.pieces, trailers);
  if (!(content instanceof Promise)) return answered(reply, content);
  return content.then((there) => {
    if (there !== undefined) return answered(reply, there);
    store.remove(entry);
    return lost;
  });
}

const noBoundary = 'none';
const partial = { kind: 'partial' } as const;
const lost = { kind: 'lost' } as const;

function answered(
  { status, reason, fields, content }: Extract<StoredReply, { kind: 'reply' }>,
  source: StoredContent | undefined,
): Extract<Outcome, { kind: 'response' }> {
  return {
    kind: 'response',
    response: {
      status,
      reason,
      fields,
      isStored: true,
      content:
        content.kind === 'none' || source === undefined
          ? { kind: 'none' }
          : { kind: 'some', octets: content.octets, source, held: source.held },
    },
  };
}
