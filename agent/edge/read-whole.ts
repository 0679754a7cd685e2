// Reads small content whole.
import type { Content } from '../proxy/ports.ts';

/** All octets of the content; nothing when it broke off or is larger than `maxBytes`. */
export function readWhole(content: Content, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let octets = 0;
    content.flow({
      write: (piece) => {
        octets += piece.length;
        pieces.push(piece);
        if (octets > maxBytes) {
          content.cancel();
          resolve(undefined);
        }
        return true;
      },
      end: () => resolve(Buffer.concat(pieces)),
      fail: () => resolve(undefined),
    });
  });
}
