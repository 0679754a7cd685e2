// Answers CONNECT: judged like every destination, dialled at the checked address, 200 only when that has accepted.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { parseAuthority, parseHostField } from '../../http/authority.ts';
import { fieldsFromFlat, fieldValues } from '../../http/fields.ts';
import { requestFraming } from '../../http/framing.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { hasPassed, viaMember } from '../../http/via.ts';
import type { Config } from '../../schemas/config.ts';
import type { Clock, Observer, Trace } from '../proxy/ports.ts';
import { type DialLimits, dial } from './dial.ts';
import { splice } from './splice.ts';

export interface TunnelPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: DialLimits & Pick<Config['limits'], 'tunnelIdleTimeoutMs'>;
  readonly pseudonym: string;
  readonly admit: (
    destination: { readonly host: string; readonly port: number; readonly purpose: 'tunnel' },
    trace: Trace,
  ) => Promise<
    | { readonly kind: 'admitted'; readonly addresses: readonly string[] }
    | { readonly kind: 'refused'; readonly error: ProxyError }
  >;
  /** Writes an error response to the client and closes. */
  readonly refuse: (socket: Socket, error: ProxyError, exchange: string) => void;
}

/** Carries one CONNECT from its head to the end of its tunnel. RFC 9110 9.3.6. `early` came right behind the head. */
export function createTunnel(
  ports: TunnelPorts,
): (trace: Trace, message: IncomingMessage, client: Socket, early: Buffer) => Promise<void> {
  return async (trace, message, client, early) => {
    const opened = await open(ports, trace, message, client);
    if (opened.kind === 'failed') {
      trace.failure = { error: opened.error, source: 'agent' };
      trace.response = { status: opened.error.status, reason: '' };
      ports.refuse(client, opened.error, trace.id);
      trace.stamps['response-sent'] = ports.clock.now();
      ports.observer.finished(trace);
      return;
    }
    const { socket } = opened;
    trace.response = { status: 200, reason: 'Connection established' };
    client.write(`HTTP/1.1 200 Connection established\r\nVia: ${viaMember('1.1', ports.pseudonym)}\r\n\r\n`);
    trace.stamps['response-sent'] = ports.clock.now();
    if (early.length > 0) socket.write(early);
    const { fromFirst, toFirst } = await splice(client, socket, ports.limits.tunnelIdleTimeoutMs);
    trace.fromClient = fromFirst + early.length;
    trace.toClient = toFirst;
    ports.observer.finished(trace);
  };
}

type Opened =
  | { readonly kind: 'opened'; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly error: ProxyError };

async function open(ports: TunnelPorts, trace: Trace, message: IncomingMessage, client: Socket): Promise<Opened> {
  const { clock, observer, limits } = ports;
  trace.method = 'CONNECT';
  trace.httpVersion = message.httpVersion;
  const authority = parseAuthority(message.url ?? '');
  if (authority.kind === 'malformed')
    return failed(malformed(`The target of CONNECT is not host:port: ${authority.because}.`));
  const { host, port } = authority;
  trace.url = `${host}:${port}`;
  trace.host = host;
  trace.port = port;
  const fields = fieldsFromFlat(message.rawHeaders);
  const hosts = fieldValues(fields, 'host');
  if (hosts.length > 1 || (hosts[0] !== undefined && parseHostField(hosts[0]).kind === 'malformed')) {
    return failed(malformed('The Host field of CONNECT is malformed or doubled.'));
  }
  const framing = requestFraming(message.httpVersion, fields);
  // WinINet, and with it much of what runs on Windows, sends a length of 0.
  if (framing.kind !== 'none' && !(framing.kind === 'length' && framing.octets === 0))
    return failed(malformed('CONNECT has no content, so it has no length.'));
  if (hasPassed(fields, ports.pseudonym))
    return failed(new ProxyError('proxy_loop_detected', 'The request has already come through this agent.'));
  const admission = await ports.admit({ host, port, purpose: 'tunnel' }, trace);
  observer.requestReceived(trace);
  if (admission.kind === 'refused') return failed(admission.error);
  trace.route = { kind: 'direct', because: 'connect' };
  trace.stamps['request-relayed'] = clock.now();
  observer.requestRelayed(trace);
  const dialled = await dial(admission.addresses, port, limits);
  if (dialled.kind === 'failed') return failed(dialled.error);
  const { socket } = dialled;
  if (client.destroyed) {
    socket.destroy();
    return failed(new ProxyError('http_request_error', 'The client left before the tunnel was open.', { status: 499 }));
  }
  trace.stamps['response-received'] = clock.now();
  if (socket.remoteAddress !== undefined) {
    trace.address = socket.remoteAddress;
    trace.addressKnownBy = 'socket';
  }
  observer.responseReceived(trace);
  return { kind: 'opened', socket };
}

function malformed(message: string): ProxyError {
  return new ProxyError('http_request_error', message, { status: 400 });
}

function failed(error: ProxyError): Opened {
  return { kind: 'failed', error };
}
