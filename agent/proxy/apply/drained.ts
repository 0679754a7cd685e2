// Reads the content of a request that is answered without it, so that its client hears the answer and can ask again.
import { fieldValues } from '../../../http/fields.ts';
import type { AcceptedRequest } from '../ports.ts';

/** A client that sends more is answered while it still sends, and its connection closes. */
export const maxDrainedBytes = 1024 * 1024;

/** Resolves when the content has ended, or as soon as no more of it is to be read. A client that waits for 100 is told none. */
export function drained({ content, framing, fields }: AcceptedRequest): Promise<void> {
  const isTooLong = framing.kind === 'length' && framing.octets > maxDrainedBytes;
  const isOver = content === undefined || content.readableEnded || content.destroyed;
  if (isOver || isTooLong || fieldValues(fields, 'expect').length > 0) return Promise.resolve();
  return new Promise((resolve) => {
    let octets = 0;
    const over = () => {
      content.off('data', count).off('end', over).off('close', over);
      content.pause();
      resolve();
    };
    const count = (piece: Buffer) => {
      octets += piece.length;
      if (octets > maxDrainedBytes) over();
    };
    content.on('data', count).on('end', over).on('close', over);
  });
}
