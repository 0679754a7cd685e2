// Connects a request that asks for another protocol, such as a WebSocket, to a target of its pool.
import { originOf, withoutBrackets } from '../../http/authority.ts';
import type { PassingHop } from '../../http/privacy.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { TargetClients } from '../pools/target-clients.ts';
import { targetRequest } from '../proxy/dial/target-request.ts';
import { inWords, noPool, unavailable } from '../proxy/dial/unavailable.ts';
import type { PlannedRequest, Pools, TargetRequest } from '../proxy/ports.ts';
import type { Connected } from '../upstream/connect.ts';

export interface ToPoolPorts {
  readonly pools: Pools;
  readonly connect: TargetClients['connect'];
  readonly hop: PassingHop;
}

export type Reached =
  | {
      readonly kind: 'connected';
      /** The exchange or tunnel at the target is over when its socket closes. */
      readonly connected: Connected;
      /** What is asked, without what asks for a change; absent where that is the request as it is. */
      readonly asks?: TargetRequest | undefined;
    }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** The signal tells that the client has left. */
export type ToPool = (request: PlannedRequest, signal: AbortSignal) => Promise<Reached>;

/** Tries one target after the other until one takes the connection: nothing has been sent before that. */
export function createToPool({ pools, connect, hop }: ToPoolPorts): ToPool {
  return async (request, signal) => {
    const { trace, url } = request;
    const pool = request.reverse === undefined ? undefined : pools.of(request.reverse.pool);
    if (pool === undefined) return { kind: 'failed', error: noPool() };
    const tried: { readonly target: string; readonly because: string }[] = [];
    const key = { client: trace.connection.address, url };
    trace.pool = { name: pool.name, tried };
    pool.asked();
    for (;;) {
      const target = pool.take(
        key,
        tried.map((each) => each.target),
      );
      if (target === undefined) return { kind: 'failed', error: unavailable(pool, tried) };
      trace.pool = { name: pool.name, target: target.origin, tried };
      const { scheme, host, port } = originOf(new URL(target.origin));
      const connecting = await connect({ scheme, host: withoutBrackets(host), port }, signal);
      if (connecting.kind === 'connected') {
        const { connected } = connecting;
        target.answered();
        if (connected.socket.destroyed) target.release();
        else connected.socket.once('close', () => target.release());
        return { kind: 'connected', connected, asks: targetRequest(pool, target.origin, request, hop) };
      }
      const { error } = connecting;
      const because = inWords(error);
      const hasLeft = signal.aborted || error.type === 'http_request_error';
      if (!hasLeft) target.failed(because);
      target.release();
      const isLast = !pool.hasOther([...tried.map((each) => each.target), target.origin]);
      if (hasLeft || (!isLast && tried.length + 1 >= pool.maxTries)) return connecting;
      tried.push({ target: target.origin, because });
      if (!isLast) trace.retries++;
    }
  };
}
