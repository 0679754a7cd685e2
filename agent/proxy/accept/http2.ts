// HTTP/2 inside of a connection whose TLS is ended here: each stream is an arrival of its own. RFC 9113.
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Config } from '../../../schemas/config.ts';
import type { Arrival, RequestHead } from '../ports.ts';
import { cut, type OpenConnection } from './connections.ts';
import { Http2Message } from './http2-message.ts';
import { Http2Reply } from './http2-reply.ts';
import type { RefusalPorts } from './turns.ts';

export interface Http2Ports extends Pick<RefusalPorts, 'clock' | 'begin'> {
  readonly limits: Config['limits'];
  readonly walk: (arrival: Arrival) => Promise<void> | void;
}

/** Serves what comes on the connection until it is closed. A stream that fails leaves those beside it alone. */
export function serveHttp2(ports: Http2Ports, connection: OpenConnection): void {
  const { limits } = ports;
  const session = performServerHandshake(connection.socket, {
    maxHeaderListPairs: limits.maxFields + pseudoFields,
    strictSingleValueFields: false, // what an origin says twice is passed on twice, as by HTTP/1.1
    settings: {
      enablePush: false,
      maxConcurrentStreams: limits.maxPipelinedRequests,
      maxHeaderListSize: limits.maxHeadBytes,
      initialWindowSize: limits.maxSocketBufferBytes,
    },
  });
  connection.leave = () => session.close(); // GOAWAY: what is under way is answered
  session.setTimeout(limits.idleTimeoutMs + limits.headDeadlineMs, () => cut(connection));
  session.on('error', () => connection.socket.destroy());
  session.on('stream', (stream, _headers, _flags, rawHeaders) =>
    arrive(ports, connection, session, stream, rawHeaders as unknown as string[]),
  );
}

/** `:method`, `:scheme`, `:authority`, `:path`. RFC 9113 8.3.1. */
const pseudoFields = 4;

function arrive(
  ports: Http2Ports,
  connection: OpenConnection,
  session: ServerHttp2Session,
  stream: ServerHttp2Stream,
  rawHeaders: readonly string[],
): void {
  stream.on('error', () => undefined); // the message and the reply hear of it by its close
  const head = headOf(rawHeaders, connection, !stream.endAfterHeaders);
  if (head === undefined) {
    stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
    return;
  }
  const trace = ports.begin('exchange', connection, ports.clock.now());
  trace.stamps['request-received'] = ports.clock.now();
  const message = new Http2Message(stream, head);
  const reply = new Http2Reply(stream, head.method ?? '');
  reply.on('error', () => undefined);
  connection.waiting++;
  const over = () => {
    connection.waiting--;
    if (!reply.shouldKeepAlive && !session.closed) session.close();
  };
  Promise.resolve(ports.walk({ trace, head, message, reply })).then(over, () => {
    over();
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
}

/** The head as HTTP/1.1 would have it; nothing where it is none. RFC 9113 8.2.3 and 8.3.1. */
function headOf(raw: readonly string[], { socket }: OpenConnection, hasContent: boolean): RequestHead | undefined {
  const pseudo = new Map<string, string>();
  const rawHeaders: string[] = [];
  const cookies: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i] as string, raw[i + 1] as string];
    if (name.startsWith(':')) pseudo.set(name, value);
    else if (name === 'cookie') cookies.push(value);
    else if (name !== 'host' || !pseudo.has(':authority')) rawHeaders.push(name, value);
  }
  const [method, path, authority] = [pseudo.get(':method'), pseudo.get(':path'), pseudo.get(':authority')];
  if (method === undefined || path === undefined || pseudo.get(':scheme') !== 'https') return undefined;
  if (cookies.length > 0) rawHeaders.push('cookie', cookies.join('; '));
  if (authority !== undefined) rawHeaders.unshift('host', authority);
  const version = {
    httpVersion: '2.0',
    httpVersionMajor: 2,
    httpVersionMinor: 0,
  };
  return { method, url: path, ...version, rawHeaders, socket, hasContent };
}
