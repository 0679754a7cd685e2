// Content of unknown length, followed by an end record, so that a cut-off origin never looks like a clean end.
import { type EndRecord, nonceBytes } from '../../schemas/relay.ts';

export interface Marked {
  /** Base64url of the nonce that announces the end record. */
  readonly nonce: string;
  readonly stream: ReadableStream;
}

/** The content, then nonce and end record if the content ended well; a broken stream if it did not. */
export function marked(content: ReadableStream, whileWorking: (work: Promise<void>) => void): Marked {
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const { readable, writable } = new IdentityTransformStream();
  whileWorking(relayed(content, writable, nonce));
  return { nonce: nonce.toBase64({ alphabet: 'base64url', omitPadding: true }), stream: readable };
}

/** `pipeTo` stays native and rejects when the origin is cut off, which passing the stream through would hide. */
async function relayed(content: ReadableStream, writable: WritableStream, nonce: Uint8Array): Promise<void> {
  try {
    await content.pipeTo(writable, { preventClose: true });
  } catch {
    return; // pipeTo has aborted the writable side: the agent sees content without its end record
  }
  const record: EndRecord = { outcome: 'complete' };
  const text = new TextEncoder().encode(JSON.stringify(record));
  const ending = new Uint8Array(nonce.length + text.length);
  ending.set(nonce);
  ending.set(text, nonce.length);
  const writer = writable.getWriter();
  await writer.write(ending).then(
    () => writer.close(),
    () => undefined, // the agent has gone
  );
}
