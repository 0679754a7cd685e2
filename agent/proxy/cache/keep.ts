// Stores what has come, while it goes on to the client.
import { selected } from '../../../http/caching/select.ts';
import type { CacheRequest, CacheResponse, StoredResponse } from '../../../http/caching/stored.ts';
import { judgeStoring } from '../../../http/caching/storing.ts';
import type { UpstreamResponse } from '../ports.ts';
import type { CacheContext } from './bounds.ts';
import type { Flight } from './flights.ts';
import { joined } from './parts.ts';
import { teed } from './teed.ts';

/** What becomes of a response. */
export type Kept =
  | {
      readonly kind: 'kept';
      readonly head: Omit<StoredResponse, 'octets'>;
      /** The same response, whose content now flows into the store too. */
      readonly response: UpstreamResponse;
    }
  /** A fragment in words. */
  | { readonly kind: 'passed'; readonly because: string };

/** Stores a response where that may be done. Who waits for the same is told. */
export function keep(
  context: CacheContext,
  asked: CacheRequest,
  flight: Flight,
  head: CacheResponse,
  response: UpstreamResponse,
): Kept {
  const { store, bounds } = context;
  const storing = judgeStoring(asked, head);
  if (storing.kind === 'refuse') return pass(flight, storing.because);
  const { content } = response;
  const octets = content.kind === 'none' ? 0 : content.octets;
  const together = head.status === 206 ? joined(store, selected(store.find(asked.url), asked), head) : undefined;
  const begun = store.begin(storing.head.url, together?.head ?? storing.head, together?.octets ?? octets);
  const writer = begun === undefined ? undefined : (together?.into(begun) ?? begun);
  if (writer === undefined) return pass(flight, 'the store does not take it');
  const over = (entry: ReturnType<typeof writer.commit>) => {
    if (entry !== undefined && flight.isOutdated) store.remove(entry);
    flight.over();
  };
  if (content.kind === 'none') {
    over(writer.commit([]));
    flight.land({ kind: 'stored' });
    return { kind: 'kept', head: storing.head, response };
  }
  const { maxUnwatchedOctets, maxUnwatchedMs } = bounds;
  const tee = teed(content.source, writer, { octets, maxUnwatchedOctets, maxUnwatchedMs, onOver: over });
  flight.land({ kind: 'coming', head: storing.head, octets, join: tee.join });
  return {
    kind: 'kept',
    head: storing.head,
    response: { ...response, content: { kind: 'some', octets, source: tee.content } },
  };
}

/** Leaves a response alone. */
export function pass(flight: Flight, because: string): Kept {
  flight.over();
  return { kind: 'passed', because };
}
