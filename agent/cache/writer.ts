// A response on its way into the store, as the walk sees it.
import type { StoredResponse } from '../../http/caching/stored.ts';
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Content, Entry, EntryWriter } from '../proxy/ports.ts';
import type { Growing } from './growing.ts';
import { lostContent, Reader } from './reader.ts';

/** What is being stored: its content grows in `growing`. */
export interface Begun {
  readonly id: number;
  readonly key: string;
  readonly head: Omit<StoredResponse, 'octets'>;
  readonly growing: Growing;
}

export interface WriterPorts {
  /** Of the content, where it is known. */
  readonly octets: number | undefined;
  /** Of content that is kept. */
  readonly maxOctets: number;
  /** All has come. `whole`: the content, where it is in memory. */
  readonly commit: (begun: Begun, trailers: Fields, whole: Buffer | undefined) => Entry | undefined;
  /** It has come to its end, one way or the other. */
  readonly onEnd: (begun: Begun) => void;
}

export function entryWriter(begun: Begun, ports: WriterPorts): EntryWriter {
  const { growing } = begun;
  const maxOctets = Math.min(ports.octets ?? Number.POSITIVE_INFINITY, ports.maxOctets);
  return {
    write: (octets: Buffer): boolean => {
      if (growing.end + octets.length > maxOctets) growing.giveUp();
      return growing.write(octets);
    },
    onDrain: (listener: () => void) => growing.onDrain(listener),
    get isGivenUp() {
      return growing.isGivenUp;
    },
    follow: (): Content => new Reader(growing),
    commit: (trailers: Fields): Entry | undefined => {
      if (growing.ending !== undefined) return undefined;
      ports.onEnd(begun);
      if (ports.octets !== undefined && growing.end !== ports.octets) {
        growing.fail(lostContent(new Error('the content has not the length that was announced')));
        return undefined;
      }
      const whole = growing.finish(trailers);
      return growing.isGivenUp ? undefined : ports.commit(begun, trailers, whole);
    },
    abort: (error: ProxyError) => {
      if (growing.ending !== undefined) return;
      ports.onEnd(begun);
      growing.fail(error);
    },
  };
}
