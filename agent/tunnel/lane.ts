// One direction of a tunnel through a simulated network: octets in their order, at a rate, after a delay.
import type { Socket } from 'node:net';
import type { TunnelLink, TunnelShape } from '../proxy/apply/shaping.ts';

export interface LaneOptions extends TunnelLink, Pick<TunnelShape, 'now' | 'after'> {
  /** What happens behind so many octets, instead of the next one. */
  readonly stop?: { readonly afterBytes: number; readonly act: () => void } | undefined;
  /** How long the end waits behind the last octet. */
  readonly endDelayMs?: number | undefined;
  /** Hears of the end before it waits. */
  readonly onEnd?: (() => void) | undefined;
}

export interface Lane {
  /** From now on what comes is dropped, and the end with it: `ended` is called in its place. */
  mute(ended: () => void): void;
}

/** Begins to carry. It stops by itself when the connection that is written to closes. */
export function lane(from: Socket, to: Socket, options: LaneOptions): Lane {
  const { link, maxHeldBytes, now, after, stop } = options;
  let callOff: (() => void) | undefined;
  let isEnded = false;
  let isFull = false;
  let passed = 0;
  let state: 'open' | 'over' | { readonly ended: () => void } = 'open';

  const pause = (delayMs: number, then: () => void) => {
    callOff = after(delayMs, () => {
      callOff = undefined;
      then();
    });
  };
  const end = () => {
    state = 'over';
    options.onEnd?.();
    if (options.endDelayMs === undefined) to.end();
    else pause(options.endDelayMs, () => to.end());
  };
  const drain = (): void => {
    while (state === 'open' && !isFull && callOff === undefined) {
      const room = stop === undefined ? undefined : stop.afterBytes - passed;
      if (stop !== undefined && room === 0) {
        state = 'over';
        from.pause();
        stop.act();
        return;
      }
      const due = link.next(now(), room);
      if (due.kind === 'wait') pause(due.delayMs, drain);
      else if (due.kind === 'piece') {
        passed += due.octets.length;
        isFull = !to.write(due.octets);
      } else {
        if (isEnded) end();
        break;
      }
    }
    if (state === 'open' && link.heldOctets < maxHeldBytes) from.resume();
  };
  const onData = (octets: Buffer) => {
    if (state !== 'open') return;
    link.put(octets, now());
    if (link.heldOctets >= maxHeldBytes) from.pause();
    if (callOff === undefined) drain();
  };
  from.on('data', onData);
  from.once('end', () => {
    isEnded = true;
    if (typeof state === 'object') state.ended();
    else drain();
  });
  to.on('drain', () => {
    isFull = false;
    drain();
  });
  to.once('close', () => {
    state = 'over';
    callOff?.();
    callOff = undefined;
  });
  drain();
  return {
    mute: (ended) => {
      callOff?.();
      callOff = undefined;
      state = { ended };
      if (isEnded) ended();
      else from.resume();
    },
  };
}
