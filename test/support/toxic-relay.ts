// A small TCP relay that does to connections what bad networks do: slices, slows, stalls, truncates and resets them.
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { startTcp } from './tcp.ts';

/** What is done to the octets of one direction. Places are counted in octets since the connection's beginning. */
export interface Toxics {
  /** Passes them on in pieces of this many octets, each in a turn of the event loop of its own. */
  readonly slice?: number;
  /** Waits this many milliseconds before each piece. */
  readonly delayMs?: number;
  /** Passes this many on, then does this. */
  readonly after?: readonly [octets: number, act: 'stall' | 'reset' | 'truncate'];
}

export interface ToxicRelay extends AsyncDisposable {
  readonly port: number;
  /** Of all clients since the beginning. */
  readonly connections: number;
  /** Open ones, of clients. */
  readonly open: number;
  /** What connections made from now on suffer. Nothing makes it a good network. */
  suffer(toxics: { readonly up?: Toxics; readonly down?: Toxics }): void;
  /** `down`: new connections are reset. `mute`: they are taken, and nothing ever comes. */
  go(how: 'up' | 'down' | 'mute'): void;
  /** Breaks off every connection there is. */
  resetAll(): void;
}

/** Relays to a port of this machine. `up` is from the client to that port. */
export async function startToxicRelay(targetPort: number): Promise<ToxicRelay> {
  let toxics: { readonly up?: Toxics; readonly down?: Toxics } = {};
  let state: 'up' | 'down' | 'mute' = 'up';
  const clients = new Set<Socket>();
  const server = await startTcp((client) => {
    if (state === 'down') return void client.resetAndDestroy();
    clients.add(client);
    client.once('close', () => clients.delete(client));
    if (state === 'mute') return void client.resume();
    const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const both = [client, target] as const;
    for (const [socket, other] of [both, [target, client] as const]) {
      socket.on('error', () => other.resetAndDestroy());
      socket.once('close', () => other.destroySoon());
    }
    void pass(client, target, toxics.up ?? {});
    void pass(target, client, toxics.down ?? {});
  });
  return {
    port: server.port,
    get connections() {
      return server.connections;
    },
    get open() {
      return clients.size;
    },
    suffer: (next) => {
      toxics = next;
    },
    go: (how) => {
      state = how;
    },
    resetAll: () => {
      for (const client of clients) client.resetAndDestroy();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Passes octets on, at the pace of the taker, until their end or what the toxics do. */
async function pass(from: Socket, to: Socket, { slice, delayMs, after }: Toxics): Promise<void> {
  let passed = 0;
  const write = async (octets: Buffer) => {
    if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs));
    else if (slice !== undefined) await turn();
    if (!to.writable) return;
    if (!to.write(octets)) await new Promise<void>((resolve) => to.once('drain', resolve).once('close', resolve));
    passed += octets.length;
  };
  try {
    if (after?.[0] === 0) return act(after[1], from, to);
    for await (const octets of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const left = after === undefined ? octets.length : after[0] - passed;
      const allowed = octets.subarray(0, left);
      const size = slice ?? Math.max(allowed.length, 1);
      for (let at = 0; at < allowed.length; at += size) await write(allowed.subarray(at, at + size));
      if (after !== undefined && passed >= after[0]) return act(after[1], from, to);
    }
    to.end();
  } catch {
    // Broken off, which the sockets' own listeners have passed on.
  }
}

function act(what: 'stall' | 'reset' | 'truncate', from: Socket, to: Socket): void {
  if (what === 'reset') {
    to.resetAndDestroy();
    from.resetAndDestroy();
  } else if (what === 'truncate') to.end();
  // Somebody who stalls takes no more either: what is left stays with the system.
}
