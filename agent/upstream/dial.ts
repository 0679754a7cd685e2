// Opens every TCP connection of the agent to the outside: a race of the checked addresses, or through a parent proxy.
import { connect, type Socket } from 'node:net';
import { canonicalAddress } from '../../http/address.ts';
import { authorityAt } from '../../http/authority.ts';
import { interleaved } from '../../http/happy-eyeballs.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import { boundsOf } from './bounds.ts';
import { type BulkReader, bulkReader } from './bulk-reader.ts';
import { converse, type Refusal } from './converse.ts';
import type { Parent } from './parent.ts';
import { connectTurn, proxyAuthorization } from './parent-connect.ts';
import { parentUnreachable } from './parent-error.ts';
import { socks5Turn } from './parent-socks5.ts';
import type { Parents } from './parents.ts';
import { race } from './race.ts';
import { secure } from './secure.ts';

export interface DialTarget {
  /** A name or a canonical literal, for the parent and for TLS. */
  readonly host: string;
  readonly port: number;
  /** Judged ones. Empty only when a parent is to resolve the name. */
  readonly addresses: readonly string[];
  readonly scheme: 'http' | 'https' | 'tunnel';
  /** What comes is only passed on: without a parent the connection is then read by the `reader` that is given with it. */
  readonly isPassedOn?: boolean;
  /** Gives up: the client has left. */
  readonly signal?: AbortSignal;
}

export type Dialled =
  | {
      readonly kind: 'connected';
      /**
       * Leads to the destination, without delay of small writes, half-open when the other side ends, with an error handler
       * on it. It may have been ended by the other side already, and may hold octets: through a parent the first ones of
       * the destination.
       */
      readonly socket: Socket;
      /** The destination's; nothing through a parent. */
      readonly address: string | undefined;
      /** Where there is one, it has all that comes; the socket emits no `data`. */
      readonly reader?: BulkReader | undefined;
      /** Plain http by an HTTP parent: requests go in absolute-form, with this Proxy-Authorization. RFC 9112 3.2.2. */
      readonly absoluteForm?: { readonly authorization: string | undefined };
    }
  | { readonly kind: 'failed'; readonly error: ProxyError };

export type Dial = (target: DialTarget) => Promise<Dialled>;

export type DialLimits = Pick<Config['limits'], 'connectTimeoutMs' | 'maxSocketBufferBytes'>;

/** Addresses that a SOCKS5 parent is asked for, one after the other, where this agent has resolved the name. */
const maxSocksAddresses = 4;

/** A dial whose `connectTimeoutMs` bounds all of it: every address, and what is spoken with a parent. */
export function createDial(limits: DialLimits, parents: Parents): Dial {
  const readers = new WeakMap<Socket, BulkReader>();
  const open = (port: number, isPassedOn: boolean) => (address: string) => {
    const reader = isPassedOn ? bulkReader() : undefined;
    const socket = connect({
      host: address,
      port,
      allowHalfOpen: true,
      noDelay: true,
      ...socketBuffer(limits.maxSocketBufferBytes),
      ...(reader && { onread: reader.onread }),
    });
    if (reader !== undefined) readers.set(socket, reader);
    return socket;
  };
  return async (target) => {
    const bounds = boundsOf(limits.connectTimeoutMs, target.signal);
    try {
      const parent = parents.of(target);
      if (parent !== undefined) {
        return await dialThrough(parent, target, { parents, open: open(parent.port, false), signal: bounds.signal });
      }
      const raced = await race(target.addresses, open(target.port, target.isPassedOn === true), bounds.signal);
      return raced.kind === 'failed' ? raced : { ...raced, reader: readers.get(raced.socket) };
    } finally {
      bounds.end();
    }
  };
}

interface Way {
  readonly parents: Parents;
  readonly open: (address: string) => Socket;
  readonly signal: AbortSignal;
}

async function dialThrough(parent: Parent, target: DialTarget, way: Way): Promise<Dialled> {
  const isSocks = parent.scheme === 'socks5' || parent.scheme === 'socks5h';
  const hosts =
    parent.scheme === 'socks5' && canonicalAddress(target.host) === undefined
      ? interleaved(target.addresses).slice(0, maxSocksAddresses)
      : [target.host];
  let failure: Refusal | undefined;
  for (const host of hosts) {
    const reached = await reach(parent, way);
    if (reached.kind === 'failed') return reached;
    const { socket } = reached;
    if (target.scheme === 'http' && !isSocks) {
      return {
        kind: 'connected',
        socket,
        address: undefined,
        absoluteForm: { authorization: proxyAuthorization(parent) },
      };
    }
    const turn = isSocks
      ? socks5Turn(parent, host, target.port)
      : connectTurn(parent, authorityAt(host, target.port), way.parents.pseudonym);
    const result = await converse(socket, parent, turn, way.signal);
    if (result.kind === 'open') return { kind: 'connected', socket, address: undefined };
    failure = result;
    if (result.kind === 'refused') break;
  }
  const error = failure?.error ?? new ProxyError('dns_error', 'There is no address of the destination to connect to.');
  return { kind: 'failed', error: way.signal.aborted ? parentUnreachable(parent, error) : error };
}

type Reached = { readonly kind: 'connected'; readonly socket: Socket } | Extract<Dialled, { kind: 'failed' }>;

/** A connection to the parent itself, with TLS where the parent speaks that. */
async function reach(parent: Parent, { parents, open, signal }: Way): Promise<Reached> {
  const resolution = await Promise.race([parents.addressesOf(parent), givenUp(signal)]);
  const reached: Reached = resolution.kind === 'failed' ? resolution : await race(resolution.addresses, open, signal);
  const secured =
    reached.kind === 'connected' && parent.scheme === 'https'
      ? await secure(reached.socket, parent.host, ['http/1.1'], signal)
      : reached;
  if (secured.kind === 'connected') return secured;
  if (reached.kind === 'connected') reached.socket.destroy();
  return { kind: 'failed', error: parentUnreachable(parent, secured.error) };
}

function givenUp(signal: AbortSignal): Promise<Extract<Dialled, { kind: 'failed' }>> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'failed', error: signal.reason as ProxyError }));
  });
}

/** An option of every stream, which the types of sockets leave out. */
function socketBuffer(highWaterMark: number): object {
  return { highWaterMark };
}
