// Asks an origin to change the protocol of a new connection, and reads strictly what it answers. RFC 9110 7.8.
import type { Socket } from 'node:net';
import { ProxyError } from '../../http/proxy-error.ts';
import { type ResponseHead, ResponseReader } from '../../http/response-reader.ts';
import type { Config } from '../../schemas/config.ts';
import type { Content, UpstreamRequest } from '../proxy/ports.ts';
import type { Connected } from '../upstream/connect.ts';
import { upstreamFailure } from '../upstream/failure.ts';
import { HeldContent } from '../upstream/held-content.ts';
import { headOctets, latin1 } from '../upstream/http1-request.ts';
import { notWanted, upstreamError } from '../upstream/upstream-error.ts';

export type SwitchLimits = Pick<Config['limits'], 'maxHeadBytes' | 'maxFields' | 'maxInterimResponses'>;

export type SwitchAnswer =
  /** 101. The socket is paused; what came behind the head waits in it. */
  | { readonly kind: 'switched'; readonly head: ResponseHead; readonly socket: Socket }
  /** Any other final response. The connection ends with its content. */
  | { readonly kind: 'response'; readonly head: ResponseHead; readonly content: Content }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** Sends a request without content on a connection that nobody else uses. */
export function askToSwitch(
  connected: Connected,
  request: UpstreamRequest,
  limits: SwitchLimits,
): Promise<SwitchAnswer> {
  const { socket, cut, absoluteForm } = connected;
  return new Promise((resolve) => {
    let head: ResponseHead | undefined;
    let isOver = false;
    let isPaused = false;
    let broken: Error | undefined;

    const over = () => {
      isOver = true;
      clearTimeout(headDeadline);
      socket
        .off('data', onData)
        .off('end', onEnd)
        .off('timeout', onTimeout)
        .off('error', onError)
        .off('close', onClose);
      socket.setTimeout(0);
    };
    const fail = (cause: unknown) => {
      if (isOver) return;
      over();
      cut();
      if (head === undefined) resolve({ kind: 'failed', error: upstreamFailure(cause, false) });
      else content.fail(upstreamFailure(cause, true));
    };
    const content = new HeldContent(
      {
        pause: () => {
          isPaused = true;
          socket.pause();
        },
        resume: () => {
          isPaused = false;
          if (!isOver) socket.setTimeout(request.idleTimeoutMs);
          socket.resume();
        },
        cancel: () => fail(notWanted()),
      },
      request.maxOctetsHeld,
    );
    const reader = new ResponseReader(
      { method: request.method, isUpgrade: true, latin1, ...limits },
      {
        interim: ({ status, fields }) => request.onInterim?.(status, fields),
        head: (received) => {
          head = received;
          clearTimeout(headDeadline);
          if (received.status === 101) return;
          socket.setTimeout(request.idleTimeoutMs);
          resolve({ kind: 'response', head: received, content });
        },
        content: (octets) => content.push(octets as Buffer),
        end: (trailers) => content.end(trailers),
      },
    );
    const onData = (octets: Buffer) => {
      const reading = reader.read(octets);
      if (reading.kind === 'failed') fail(reading.error);
      if (reading.kind !== 'complete' || isOver) return;
      over();
      if (head?.status !== 101) {
        socket.destroy();
        return;
      }
      socket.pause();
      if (reading.rest > 0) socket.unshift(octets.subarray(-reading.rest));
      resolve({ kind: 'switched', head, socket });
    };
    const onEnd = () => {
      const reading = reader.finish();
      if (reading.kind !== 'complete')
        fail(reading.kind === 'failed' ? reading.error : upstreamError('connection_terminated', undefined));
      if (isOver) return;
      over();
      socket.destroy();
    };
    const onTimeout = () => {
      if (!isPaused) fail(upstreamError('connection_read_timeout', undefined)); // else it is the client that is slow
    };
    const onError = (cause: Error) => {
      broken = cause;
    };
    const onClose = () => fail(broken ?? upstreamError('connection_terminated', undefined));
    const headDeadline = setTimeout(
      () => fail(upstreamError('http_response_timeout', undefined)),
      request.headDeadlineMs,
    );
    socket.on('data', onData).on('end', onEnd).on('timeout', onTimeout).on('error', onError).on('close', onClose);
    request.onLeave(() => fail(new ProxyError('http_request_error', 'The client has left.', { status: 499 })));
    socket.write(headOctets(request, absoluteForm), 'latin1');
  });
}
