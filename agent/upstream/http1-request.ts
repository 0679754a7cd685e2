// Writes a request as HTTP/1.1 has it. RFC 9112 3, 6 and 7.1.
import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import { fieldLines } from '../../http/head.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { UpstreamRequest } from '../proxy/ports.ts';
import { upstreamError } from './upstream-error.ts';

/** How requests look to an HTTP proxy. RFC 9112 3.2.2, RFC 9110 11.7.2. */
export interface AbsoluteForm {
  /** The value of Proxy-Authorization. */
  readonly authorization: string | undefined;
}

/** The head, one character for each octet. Names, values and target have been judged before. */
export function headOctets(request: UpstreamRequest, absoluteForm: AbsoluteForm | undefined): string {
  const { method, path, fields, framing } = request;
  // RFC 9112 3.2.4: only the last proxy makes `*` of an URL without a path.
  const target = absoluteForm === undefined ? path : request.origin + (path === '*' ? '' : path);
  let text = `${method} ${target} HTTP/1.1\r\n`;
  text += fieldLines(fields);
  if (absoluteForm?.authorization !== undefined) text += `Proxy-Authorization: ${absoluteForm.authorization}\r\n`;
  if (framing.kind === 'length') text += `Content-Length: ${framing.octets}\r\n`;
  else if (framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  return `${text}\r\n`;
}

/** Octets as text, one character for each, for whoever reads responses. */
export function latin1(octets: Uint8Array, start: number, end: number): string {
  return (octets as Buffer).toString('latin1', start, end);
}

export interface Sending {
  /** The content has been written whole. */
  sent(): void;
  /** For the request's idleTimeoutMs the other side has taken no more; once more each time that it is so again. */
  stalled(): void;
  failed(cause: unknown): void;
}

/** Content that is not what the head of its request announced: no octet beyond that goes out, and no end before it. */
export function otherLength(): ProxyError {
  return upstreamError('http_request_error', undefined, 400);
}

/** Writes content in its framing, at the pace of the socket. */
export function sendContent(
  content: NonNullable<UpstreamRequest['content']>,
  { framing, trailers, idleTimeoutMs }: UpstreamRequest,
  socket: Socket,
  { sent, stalled, failed }: Sending,
): void {
  const isChunked = framing.kind === 'chunked';
  let left = framing.kind === 'length' ? framing.octets : Number.POSITIVE_INFINITY;
  let deadline: NodeJS.Timeout | undefined;
  const onDrain = () => {
    clearInterval(deadline);
    content.resume();
  };
  const done = () => {
    clearInterval(deadline);
    socket.off('drain', onDrain);
    socket.off('close', onClose);
    content.off('data', onData);
  };
  const onData = (octets: Buffer) => {
    if (socket.destroyed) return;
    left -= octets.length;
    if (left < 0) return failed(otherLength());
    const wantsMore = isChunked ? writeChunk(socket, octets) : socket.write(octets);
    if (wantsMore) return;
    content.pause();
    clearInterval(deadline);
    deadline = setInterval(stalled, idleTimeoutMs);
  };
  const onClose = () => {
    done();
    content.resume(); // what the client still sends is nobody's
  };
  socket.on('drain', onDrain);
  socket.once('close', onClose);
  content.on('data', onData);
  content.resume(); // HTTP/2 may have had it before, and stopped it
  // Also of content that has failed before anyone read it.
  finished(content, { writable: false }, (cause) => {
    done();
    if (cause != null) return failed(cause);
    if (left > 0 && !isChunked) return failed(otherLength());
    if (isChunked && !socket.destroyed) socket.write(`0\r\n${fieldLines(trailers?.() ?? [])}\r\n`, 'latin1');
    sent();
  });
}

function writeChunk(socket: Socket, octets: Buffer): boolean {
  socket.cork();
  socket.write(`${octets.length.toString(16)}\r\n`, 'latin1');
  socket.write(octets);
  const wantsMore = socket.write('\r\n', 'latin1');
  socket.uncork();
  return wantsMore;
}
