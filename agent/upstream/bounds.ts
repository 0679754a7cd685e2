// What ends a dial before its time: the deadline, or that the client has left.
import { ProxyError } from '../../http/proxy-error.ts';

export interface Bounds {
  /** Its reason is a ProxyError. */
  readonly signal: AbortSignal;
  /** The dial is over: nothing is waited for any more. */
  readonly end: () => void;
}

/** The bounds of a dial that begins now. `left` aborts when the client has left. */
export function boundsOf(connectTimeoutMs: number, left: AbortSignal | undefined): Bounds {
  const controller = new AbortController();
  const leave = () => {
    const message = 'The client left before the connection was made.';
    controller.abort(new ProxyError('http_request_error', message, { status: 499 }));
  };
  const message = `The destination did not accept a connection within ${connectTimeoutMs} ms.`;
  const deadline = setTimeout(() => controller.abort(new ProxyError('connection_timeout', message)), connectTimeoutMs);
  left?.addEventListener('abort', leave);
  if (left?.aborted === true) leave();
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(deadline);
      left?.removeEventListener('abort', leave);
    },
  };
}
