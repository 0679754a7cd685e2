// Speaks with a parent proxy until it has opened the way or refused: bounded, and the octets behind that are kept.
import type { Duplex } from 'node:stream';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Parent } from './parent.ts';
import { parentError } from './parent-error.ts';

/** One turn: what is sent, and how that which comes back is understood. `hear` gets all octets not yet understood. */
export interface Turn {
  readonly send: Uint8Array;
  readonly hear: (octets: Buffer) => Heard;
}

/** `unreached`: the parent does as it is asked, but has not reached that address. `octets`: how many were understood. */
export type Heard =
  | { readonly kind: 'more' }
  | { readonly kind: 'next'; readonly octets: number; readonly turn: Turn }
  | { readonly kind: 'open'; readonly octets: number }
  | Refusal;

export type Refusal =
  | { readonly kind: 'refused'; readonly error: ProxyError }
  | { readonly kind: 'unreached'; readonly error: ProxyError };

/** What a parent may say before it has opened the way: heads of real ones have some hundred octets. */
export const maxParentHeadBytes = 16 * 1024;

/**
 * Takes the turns with a connected parent. After `open` the octets behind the parent's last word are the first that the
 * socket gives. After anything else the socket is destroyed. The reason of `signal` is a ProxyError.
 */
export function converse(
  socket: Duplex,
  parent: Parent,
  first: Turn,
  signal: AbortSignal,
): Promise<{ readonly kind: 'open' } | Refusal> {
  return new Promise((resolve) => {
    let turn = first;
    let octets = Buffer.alloc(0);

    const end = (result: { readonly kind: 'open' } | Refusal) => {
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      if (result.kind !== 'open') socket.destroy();
      resolve(result);
    };
    const refuse = (error: ProxyError) => end({ kind: 'refused', error });
    const onEnd = () => refuse(parentError(parent, 'closed'));
    const onError = (cause: unknown) => refuse(parentError(parent, 'closed', cause));
    const onAbort = () => refuse(signal.reason as ProxyError);
    const onReadable = () => {
      const pieces: Buffer[] = [octets];
      for (let piece = socket.read(); piece !== null; piece = socket.read()) pieces.push(piece);
      octets = Buffer.concat(pieces);
      understand();
    };
    const understand = () => {
      for (;;) {
        const heard = turn.hear(octets);
        if (heard.kind === 'more') {
          if (octets.length >= maxParentHeadBytes) refuse(parentError(parent, 'endless'));
          return;
        }
        if (heard.kind === 'refused' || heard.kind === 'unreached') return end(heard);
        octets = octets.subarray(heard.octets);
        if (heard.kind === 'open') {
          if (octets.length > 0) socket.unshift(octets);
          return end({ kind: 'open' });
        }
        turn = heard.turn;
        if (turn.send.length > 0) socket.write(turn.send);
      }
    };

    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else socket.write(turn.send);
  });
}
