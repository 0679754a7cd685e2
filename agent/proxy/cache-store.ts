// Where the agent keeps responses, as the walk sees it. The phases have it by way of `ports.ts`.
import type { StoredResponse } from '../../http/caching/stored.ts';
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Content } from './ports.ts';

/** A stored response in its place. The same object as long as it stays there unchanged. */
export interface Entry {
  readonly key: string;
  readonly stored: StoredResponse;
}

/** Where the agent keeps responses: heads in memory, content in memory and on disk. Its failures are misses. */
export interface CacheStore {
  /** What is stored under a key, the latest first; it counts as a use. At once. */
  find(key: string): readonly Entry[];
  /** The whole content, where it is in memory. At once. */
  octets(entry: Entry): Buffer | undefined;
  /** The content from the octet at `first` up to the one at `last`. It fails with `proxy_internal_error` when the disk has lost it. */
  content(entry: Entry, first: number, last: number): Content;
  /** Begins to store a response under a key; nothing where it cannot be kept. `octets`: of its content, where that is known. */
  begin(key: string, head: Omit<StoredResponse, 'octets'>, octets: number | undefined): EntryWriter | undefined;
  /** Puts another head in the place of an entry's, with the same content. Gives the new entry, or nothing when it is gone. */
  update(entry: Entry, head: Omit<StoredResponse, 'octets'>): Entry | undefined;
  remove(entry: Entry): void;
}

/** A response on its way into the store. Nobody finds it there before it is whole. */
export interface EntryWriter {
  /** Takes some octets; false asks to wait until `onDrain` calls. */
  write(octets: Buffer): boolean;
  /** Calls once, when more is wanted. To be asked for after `write` has answered false. */
  onDrain(listener: () => void): void;
  /** It will not be stored, for it is too large or the disk has failed: nobody may begin to follow it any more. */
  readonly isGivenUp: boolean;
  /** What has been written so far from the beginning, and what follows until the end: for those who wait for the same. */
  follow(): Content;
  /** It is whole: takes the place of what is stored under its key with the same selecting fields. Nothing when it has been given up. */
  commit(trailers: Fields): Entry | undefined;
  /** It will not be whole: followers fail with this error. */
  abort(error: ProxyError): void;
}
