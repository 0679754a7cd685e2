// What of an answer goes into the store, and what it takes out of it.
import { invalidatedUrls } from '../../http/caching/invalidation.ts';
import { selected } from '../../http/caching/select.ts';
import type { CacheResponse, StoredResponse } from '../../http/caching/stored.ts';
import { judgeStoring } from '../../http/caching/storing.ts';
import { freshenedByHead } from '../../http/caching/validation.ts';
import { type Fields, onlyValue } from '../../http/fields.ts';
import { clock } from '../clock.ts';
import type { AnsweredResponse } from '../exchange/answer.ts';
import type { Keeper } from '../exchange/pour.ts';
import { inBackground } from '../finish/background.ts';
import type { Landing } from './collapse.ts';
import { invalidations } from './invalidated.ts';
import { allowance, createKeeper } from './keeping.ts';
import { isWholePart, joined } from './parts.ts';
import type { Entry } from './store.ts';
import { entriesFor, keyOf, type Visit } from './visit.ts';

/** Those who wait for the answer are told by `land` when it is in the store, or will not be. */
export type Land = (landing: Landing) => void;

interface NewHead {
  readonly entry: Entry;
  readonly head: Omit<StoredResponse, 'octets'>;
}

/** Gives entries other heads, with the content that they have. */
export async function keepHeads({ c, store, request, generation }: Visit, heads: readonly NewHead[]): Promise<void> {
  for (const { entry, head } of heads) {
    if (invalidations.isOutdated(keyOf(c, request.url), head.requestTime)) continue;
    const stored = { ...head, octets: entry.stored.octets };
    await store.keep(keyOf(c, request.url), { stored, generation }, entry);
  }
}

/** What a response says of what is stored beside it: an unsafe method makes it unusable, HEAD freshens it. RFC 9111 4.4, 4.3.5. */
export async function update(visit: Visit, head: CacheResponse): Promise<void> {
  const { c, store, request } = visit;
  const keys = invalidatedUrls(request, head).map((url) => keyOf(c, url));
  for (const key of keys) invalidations.note(key, head.responseTime);
  await Promise.all(keys.map((key) => store.remove(key)));
  if (request.method !== 'HEAD') return;
  const news = selected(await entriesFor(visit), request).map((entry) => ({
    entry,
    ...freshenedByHead(request, entry.stored, head),
  }));
  await keepHeads(
    visit,
    news.filter((one) => one.kind === 'freshened'),
  );
  if (news.some(({ kind }) => kind === 'outdated')) await store.remove(keyOf(c, request.url));
}

/** Whether an answer is to be stored. */
export function storingOf({ c, request }: Visit, head: CacheResponse): ReturnType<typeof judgeStoring> {
  if (head.status === 304) return { kind: 'refuse', because: 'it is about what the client has' };
  if (isEndless(head)) return { kind: 'refuse', because: 'it has no end' };
  if (request.method === 'GET' && c.get('envelope').content)
    return { kind: 'refuse', because: 'the request has content' };
  return judgeStoring(request, head);
}

/** What is sent as it happens. To read it for the store would keep upstream busy when its only reader has left. */
function isEndless({ fields }: CacheResponse): boolean {
  return /^(?:text\/event-stream|multipart\/x-mixed-replace)\b/i.test(onlyValue(fields, 'content-type') ?? '');
}

/** Keeps a response as it comes; `land` is called when it is kept, or will not be. */
export function keeperOf(
  visit: Visit,
  response: CacheResponse,
  head: Omit<StoredResponse, 'octets'>,
  octets: AnsweredResponse['octets'],
  land: Land,
): Keeper | undefined {
  const { c, store } = visit;
  const keeper = createKeeper({
    octets: octets === 'none' ? 0 : octets,
    maxBytes: store.maxEntryBytes,
    allowance,
    now: clock.now(),
    keep: (content, trailers) => {
      if (!isWholePart(response, content.length)) return land('over');
      inBackground(
        c,
        keep(visit, response, head, content, trailers).then(() => land('stored')),
      );
    },
    giveUp: () => land('over'),
  });
  if (keeper === undefined) land('unshared');
  return keeper;
}

/** Keeps a whole, or a part; one that touches a stored part together with that. */
async function keep(
  visit: Visit,
  response: CacheResponse,
  head: Omit<StoredResponse, 'octets'>,
  content: Uint8Array,
  trailers: Fields,
): Promise<void> {
  const { c, store, request, generation } = visit;
  const key = keyOf(c, request.url);
  if (request.method !== 'POST' && invalidations.isOutdated(key, head.requestTime)) return;
  const beside = head.part === undefined ? [] : selected(await entriesFor(visit), request);
  const together = await joined(beside, response, content);
  if (together !== undefined && together.content.length <= store.maxEntryBytes) {
    const stored = { ...together.head, octets: together.content.length };
    return store.keep(key, { stored, generation }, together.content);
  }
  const stored = { ...head, octets: content.length, ...(trailers.length > 0 && { trailers }) };
  return store.keep(key, { stored, generation }, content);
}
