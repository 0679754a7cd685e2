// Content of unknown length, followed by an end record, so that a cut-off origin never looks like a clean end.
import { type ContentEnding, type EndRecord, maxEndRecordBytes, nonceBytes } from '../../schemas/relay.ts';

export interface Mark {
  /** Base64url of the nonce that announces the end record. */
  readonly nonce: string;
  /** What follows the content. Trailers that no end record can hold are left out, as RFC 9110 6.5.1 allows. */
  ending(record: EndRecord): Uint8Array;
}

/**
 * The agent holds back what could be the nonce's beginning. A text in UTF-8 has no such octet (RFC 3629 1), so that no event
 * waits for the one after it.
 */
const inNoText = 0xff;

/** A mark that stands in no content but by chance of one in 2^120 a place. */
export function createMark(): Mark {
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  nonce[0] = inNoText;
  return {
    nonce: nonce.toBase64({ alphabet: 'base64url', omitPadding: true }),
    ending: (record) => {
      const whole = encoder.encode(JSON.stringify(record));
      const isTooLarge = whole.length > maxEndRecordBytes && record.outcome === 'complete';
      const text = isTooLarge ? encoder.encode(JSON.stringify(complete)) : whole;
      const ending = new Uint8Array(nonce.length + text.length);
      ending.set(nonce);
      ending.set(text, nonce.length);
      return ending;
    },
  };
}

/** How content ends: by its length where that is known, else by the mark. */
export function endingOf(octets: number | undefined, mark: Mark | undefined): ContentEnding {
  if (octets !== undefined) return { kind: 'length', octets };
  return mark === undefined ? { kind: 'none' } : { kind: 'marked', nonce: mark.nonce };
}

const encoder = new TextEncoder();
const complete: EndRecord = { outcome: 'complete' };

/**
 * The content, then the mark's ending if the content ended well; a broken stream if it did not. The work goes on as long
 * as somebody reads the stream and no longer, so that an agent that leaves ends the upstream, however silent that is.
 */
export function marked(content: ReadableStream, mark: Mark): ReadableStream {
  const { readable, writable } = new IdentityTransformStream();
  void relayed(content, writable, mark);
  return readable;
}

/** `pipeTo` stays native and rejects when the origin is cut off, which passing the stream through would hide. */
async function relayed(content: ReadableStream, writable: WritableStream, mark: Mark): Promise<void> {
  try {
    await content.pipeTo(writable, { preventClose: true });
  } catch {
    return; // pipeTo has aborted the writable side: the agent sees content without its end record
  }
  const writer = writable.getWriter();
  await writer.write(mark.ending(complete)).then(
    () => writer.close(),
    () => undefined, // the agent has gone
  );
}
