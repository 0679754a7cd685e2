// Content that is followed by a nonce and an end record: complete only when that record came. Wire contract, version 1.
import { isValidField } from '../../../http/fields.ts';
import { errorFromShape } from '../../../http/proxy-error.ts';
import { type EndRecord, endRecord, maxEndRecordBytes } from '../../../schemas/relay.ts';
import type { Content, Sink } from '../ports.ts';
import { incomplete } from './counted-content.ts';

type Complete = Extract<EndRecord, { outcome: 'complete' }>;

/** Hears of content that is complete, before its end is passed on: how many octets it had, and what its record says. */
export type OnComplete = (octets: number, record: Complete) => void;

/** The content without its end record. At most one octet less than the nonce is held back. */
export function unmarked(content: Content, nonce: Buffer, onComplete: OnComplete = () => undefined): Content {
  return {
    flow: (sink) => content.flow(markedSink(sink, nonce, () => content.cancel(), onComplete)),
    resume: () => content.resume(),
    cancel: () => content.cancel(),
  };
}

function markedSink(sink: Sink, nonce: Buffer, cancel: () => void, onComplete: OnComplete): Sink {
  let held: Buffer = Buffer.alloc(0);
  let octetsGiven = 0;
  const give = (octets: Buffer): boolean => {
    octetsGiven += octets.length;
    return sink.write(octets);
  };
  let record: Buffer | undefined;
  return {
    write: (octets) => {
      if (record !== undefined) {
        record = Buffer.concat([record, octets]);
        if (record.length > maxEndRecordBytes) {
          cancel(); // what is cancelled says nothing more of itself
          sink.fail(incomplete());
        }
        return true;
      }
      const piece = held.length === 0 ? octets : Buffer.concat([held, octets]);
      const at = piece.indexOf(nonce);
      if (at !== -1) {
        record = piece.subarray(at + nonce.length);
        held = piece.subarray(0, 0);
        return at === 0 ? true : give(piece.subarray(0, at));
      }
      const certain = piece.length - heldBack(piece, nonce);
      held = piece.subarray(certain);
      return certain === 0 ? true : give(piece.subarray(0, certain));
    },
    end: () => {
      const ending = record === undefined ? undefined : endRecordIn(record);
      if (ending === undefined) sink.fail(incomplete());
      else if (ending.outcome === 'failed') sink.fail(errorFromShape(ending.error));
      else {
        onComplete(octetsGiven, ending);
        sink.end(ending.trailers?.filter(isValidField) ?? []);
      }
    },
    fail: (error) => sink.fail(error),
  };
}

/** How many octets at the end of the piece may be the beginning of the nonce. */
function heldBack(piece: Buffer, nonce: Buffer): number {
  for (let length = Math.min(nonce.length - 1, piece.length); length > 0; length--) {
    if (piece.compare(nonce, 0, length, piece.length - length) === 0) return length;
  }
  return 0;
}

function endRecordIn(octets: Buffer): EndRecord | undefined {
  try {
    return endRecord.safeParse(JSON.parse(octets.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
