// Carries a tunnel's two directions through a simulated network, in the place of the pipes of `splice`.
import type { Socket } from 'node:net';
import type { Fault } from '../../schemas/shape.ts';
import { lastOctetsMs } from '../proxy/apply/paced-content.ts';
import type { TunnelShape } from '../proxy/apply/shaping.ts';
import { lane } from './lane.ts';
import { reset } from './splice.ts';

/** How long a client that was told of an end too early has to close by itself; then it is reset. */
const lingerMs = 1_000;

/** Begins to carry. Faults count the octets that the client has got. */
export function carryShaped(client: Socket, destination: Socket, shape: TunnelShape): void {
  const { fault, now, after } = shape;
  const strike = (struck: Fault) => {
    shape.onFault(struck);
    switch (struck.kind) {
      case 'reset':
        later(client, lastOctetsMs);
        break;
      case 'truncate':
        up.mute(nothing); // what the client still sends is nobody's
        client.end();
        client.once('close', () => reset(destination));
        later(destination, lingerMs);
        break;
      default:
        // Somebody gives up: the client, or the timeouts of both connections.
        up.mute(() => reset(client));
    }
  };
  /** Whoever splices resets one connection when the other is. */
  const later = (socket: Socket, delayMs: number) => {
    const callOff = after(delayMs, () => reset(socket));
    socket.once('close', callOff);
  };
  const up = lane(client, destination, { ...shape.up, now, after });
  lane(destination, client, {
    ...shape.down,
    now,
    after,
    ...(fault !== undefined &&
      (fault.kind === 'slow-close'
        ? { endDelayMs: fault.delayMs, onEnd: () => shape.onFault(fault) }
        : { stop: { afterBytes: fault.afterBytes, act: () => strike(fault) } })),
  });
}

function nothing(): void {}
