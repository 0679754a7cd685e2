// Tunnels of CONNECT and SOCKS5: judged like every destination, open only when the checked address has accepted.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { parseAuthority, parseHostField } from '../../http/authority.ts';
import { fieldsFromFlat, fieldValues } from '../../http/fields.ts';
import { requestFraming } from '../../http/framing.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { viaMember } from '../../http/via.ts';
import type { Config } from '../../schemas/config.ts';
import type { RulePorts } from '../proxy/apply/rule-ports.ts';
import type { TunnelShape } from '../proxy/apply/shaping.ts';
import type { Admit, Clock, Dropped, Judge, Observer, Trace } from '../proxy/ports.ts';
import type { BulkReader } from '../upstream/bulk-reader.ts';
import type { Dial } from '../upstream/dial.ts';
import { type InterceptPorts, intercepted } from './intercept.ts';
import { carryOpenTunnel } from './open-tunnel.ts';
import { type Refused, ruled, shaped } from './ruled.ts';

export interface TunnelPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Pick<Config['limits'], 'tunnelIdleTimeoutMs'>;
  readonly pseudonym: string;
  /** Judges who asks. */
  readonly admit: Admit;
  readonly judge: Judge;
  readonly dial: Dial;
  /** Absent where there are no rules. */
  readonly rules?: RulePorts | undefined;
  /** Absent where no host is intercepted. */
  readonly intercept?: InterceptPorts | undefined;
  /** Writes an error response to the client and closes. */
  readonly refuse: (socket: Socket, error: ProxyError, exchange: string) => void;
}

/** Carries one CONNECT from its head to the end of its tunnel. RFC 9110 9.3.6. `early` came right behind the head. */
export function createTunnel(
  ports: TunnelPorts,
): (trace: Trace, message: IncomingMessage, client: Socket, early: Buffer) => Promise<void> {
  return async (trace, message, client, early) => {
    if (early.length > 0) client.unshift(early); // they flow into the tunnel once it is open
    const target = await understand(ports, trace, message);
    await carry(ports, trace, target, {
      socket: client,
      accept: () => {
        trace.response = { status: 200, reason: 'Connection established' };
        client.write(`HTTP/1.1 200 Connection established\r\nVia: ${viaMember('1.1', ports.pseudonym)}\r\n\r\n`);
      },
      refuse: (error) => {
        trace.response = { status: error.status, reason: '' };
        ports.refuse(client, error, trace.id);
      },
    });
  };
}

/** Where a tunnel is to lead. The host is canonical, IPv6 in brackets. */
export type Target = { readonly kind: 'target'; readonly host: string; readonly port: number } | Refused;

/** A client that waits for its tunnel, and the words of its protocol. Both write the record's response too. */
export interface TunnelClient {
  /** Nothing reads it; what it has sent already is held for the tunnel. */
  readonly socket: Socket;
  /** Says that the tunnel is open. */
  readonly accept: () => void;
  /** Says why there is none, and closes. */
  readonly refuse: (error: ProxyError) => void;
}

export type CarryPorts = Omit<TunnelPorts, 'admit' | 'refuse' | 'pseudonym'>;

/** Carries one tunnel from the judgement of its destination to its end, and completes the record. */
export async function carry(ports: CarryPorts, trace: Trace, target: Target, client: TunnelClient): Promise<void> {
  const { intercept, clock, observer } = ports;
  if (target.kind === 'failed' || intercept?.wants(target.host) !== true) return carryOn(ports, trace, target, client);
  observer.requestReceived(trace);
  client.accept();
  trace.stamps['response-sent'] = clock.now();
  const { host, port } = target;
  if ((await intercepted(intercept, trace, { host, port }, client.socket)) === 'done') return;
  // No TLS, or not for this host: a tunnel like any other, whose client has been told already that it is open.
  await carryOn(ports, trace, target, {
    ...client,
    accept: () => undefined,
    refuse: () => client.socket.resetAndDestroy(),
  });
}

async function carryOn(ports: CarryPorts, trace: Trace, target: Target, client: TunnelClient): Promise<void> {
  const opened = target.kind === 'failed' ? target : await open(ports, trace, target, client.socket);
  if (opened.kind !== 'opened') {
    trace.failure = { error: opened.error, source: 'agent' };
    if (opened.kind === 'dropped') client.socket.resetAndDestroy();
    else {
      client.refuse(opened.error);
      trace.stamps['response-sent'] = ports.clock.now();
    }
    ports.observer.finished(trace);
    return;
  }
  client.accept();
  trace.stamps['response-sent'] = ports.clock.now();
  await carryOpenTunnel(ports, trace, client.socket, opened.socket, opened.reader, opened.shape);
}

interface Opened {
  readonly kind: 'opened';
  readonly socket: Socket;
  readonly reader: BulkReader | undefined;
  readonly shape: TunnelShape | undefined;
}

/** The head of a CONNECT. RFC 9110 9.3.6. */
async function understand({ admit }: TunnelPorts, trace: Trace, message: IncomingMessage): Promise<Target> {
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
  const admission = await admit({ trace, fields });
  return admission.kind === 'refused' ? failed(admission.error) : { kind: 'target', host, port };
}

async function open(
  { clock, observer, judge, dial, rules }: CarryPorts,
  trace: Trace,
  { host, port }: { readonly host: string; readonly port: number },
  client: Socket,
): Promise<Opened | Refused | Dropped> {
  const going = ruled(rules, trace, { host, port });
  if (going.kind !== 'goes-on') {
    observer.requestReceived(trace);
    return going;
  }
  const { plan } = going;
  const admission = await judge({ host, port, purpose: 'tunnel' }, trace, plan);
  observer.requestReceived(trace);
  if (admission.kind === 'refused') return failed(admission.error);
  const shaping = shaped(rules, trace, plan);
  if (shaping.kind === 'dropped') return shaping;
  const { shape } = shaping;
  const { addresses, parent } = admission;
  const because = plan?.route?.action === 'direct' ? 'rule' : 'connect';
  trace.route = { kind: 'direct', because, ...(parent !== undefined && { parent }) };
  trace.stamps['request-relayed'] = clock.now();
  observer.requestRelayed(trace);
  const leaving = leavingOf(client);
  const isPassedOn = shape === undefined; // what is shaped is read by itself
  const dialled = await dial({ host, port, addresses, scheme: 'tunnel', isPassedOn, signal: leaving.signal });
  leaving.end();
  if (dialled.kind === 'failed') return failed(dialled.error);
  const { socket, address, reader } = dialled;
  if (client.destroyed) {
    socket.destroy();
    return failed(new ProxyError('http_request_error', 'The client left before the tunnel was open.', { status: 499 }));
  }
  trace.stamps['response-received'] = clock.now();
  if (address !== undefined) {
    trace.address = address;
    trace.addressKnownBy = 'socket';
  }
  observer.responseReceived(trace);
  return { kind: 'opened', socket, reader, shape };
}

/**
 * Aborts when the client closes while its tunnel is being made. One that has sent octets for it already may have ended
 * no more than its own sending: as long as they wait in the socket, that has no end.
 */
function leavingOf(client: Socket): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const leave = () => controller.abort();
  client.once('end', leave).once('close', leave);
  if (client.destroyed || client.readableEnded) leave();
  return { signal: controller.signal, end: () => client.off('end', leave).off('close', leave) };
}

function malformed(message: string): ProxyError {
  return new ProxyError('http_request_error', message, { status: 400 });
}

function failed(error: ProxyError): Refused {
  return { kind: 'failed', error };
}
