// Carries a request that asks for another protocol: judged like every exchange, a tunnel once the origin has said 101.
import type { Socket } from 'node:net';
import { FieldNames, type Fields, fieldsWithout, fieldValues } from '../../http/fields.ts';
import { fieldLines } from '../../http/head.ts';
import { endToEndResponseFields } from '../../http/hop-by-hop.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { ResponseHead } from '../../http/response-reader.ts';
import { changesAsAsked, upgradeProtocols } from '../../http/upgrade.ts';
import { hasPassed, viaMember } from '../../http/via.ts';
import type { Config } from '../../schemas/config.ts';
import { judgeStatus } from '../proxy/exchange/judge-response.ts';
import type { Arrival, Outcome, PlannedRequest, Ports, Trace } from '../proxy/ports.ts';
import type { Connect, OriginAddress } from '../upstream/connect.ts';
import { carryOpenTunnel, type OpenTunnelPorts } from './open-tunnel.ts';
import { askToSwitch, type SwitchLimits } from './switching.ts';

export interface UpgradePorts extends OpenTunnelPorts, Pick<Ports, 'accept' | 'apply' | 'finish'> {
  readonly limits: SwitchLimits & Pick<Config['limits'], 'tunnelIdleTimeoutMs' | 'idleTimeoutMs' | 'headDeadlineMs'>;
  readonly pseudonym: string;
  readonly admit: (
    destination: { readonly host: string; readonly port: number; readonly purpose: 'upgrade' },
    trace: Trace,
  ) => Promise<
    | { readonly kind: 'admitted'; readonly parent: string | undefined }
    | { readonly kind: 'refused'; readonly error: ProxyError }
  >;
  /** Connects to an origin at addresses that were checked, for one use. The signal gives it up. */
  readonly connect: (origin: OriginAddress, signal: AbortSignal) => ReturnType<Connect>;
  /** Writes the last octets that a client gets, and closes. */
  readonly end: (client: Socket, octets: Buffer) => void;
}

/**
 * Carries one request to its response, or to the end of the tunnel that it becomes. `early` came right behind the head:
 * it belongs to the tunnel or, when there is none, to nobody, for the connection closes. RFC 9110 7.8.
 */
export function createUpgrade(ports: UpgradePorts): (arrival: Arrival, client: Socket, early: Buffer) => Promise<void> {
  const { clock, limits } = ports;
  return async (arrival, client, early) => {
    const { trace, reply } = arrival;
    if (early.length > 0) client.unshift(early); // nothing reads them before the tunnel, or the end
    // The HTTP server has let go of the connection, and with it of these two.
    const onDrain = () => reply.emit('drain');
    const onTimeout = () => client.resetAndDestroy();
    client.on('drain', onDrain);
    client.setTimeout(limits.idleTimeoutMs + limits.headDeadlineMs, onTimeout);
    // Nobody ends before the answer but who has left; that closes the reply, too.
    const onEnd = () => client.destroy();
    client.once('end', onEnd);
    const result = await ask(ports, arrival);
    client.off('end', onEnd);
    if (result.kind !== 'switched') {
      await ports.finish(arrival, result);
      ports.end(client, Buffer.alloc(0));
      return;
    }
    client.off('drain', onDrain).off('timeout', onTimeout);
    reply.detachSocket(client);
    const { head, socket } = result;
    client.write(switchingHead(head, ports.pseudonym), 'latin1');
    trace.response = { status: head.status, reason: head.reason };
    trace.stamps['response-sent'] = clock.now();
    await carryOpenTunnel(ports, trace, client, socket);
  };
}

type Asked = Outcome | { readonly kind: 'switched'; readonly head: ResponseHead; readonly socket: Socket };

/** The walk from accept to the origin's answer, always directly. */
async function ask(ports: UpgradePorts, arrival: Arrival): Promise<Asked> {
  const { clock, observer } = ports;
  const { trace } = arrival;
  const accepted = ports.accept(arrival);
  if (accepted.kind === 'refused') return failed(accepted.error);
  const { request } = accepted;
  if (hasPassed(request.fields, ports.pseudonym)) return failed(loop());
  const { host, port, scheme } = request;
  const admission = await ports.admit({ host, port, purpose: 'upgrade' }, trace);
  observer.requestReceived(trace);
  if (admission.kind === 'refused') return failed(admission.error);
  const { parent } = admission;
  const plan = ports.apply({ ...request, addresses: [], directOnly: true, parent });
  if (plan.kind === 'answer') return plan.outcome;
  trace.route = { kind: 'direct', because: 'upgrade', ...(parent !== undefined && { parent }) };
  trace.stamps['request-relayed'] = clock.now();
  observer.requestRelayed(trace);
  const left = new AbortController();
  const leave = () => left.abort();
  if (arrival.reply.socket?.destroyed !== false) leave();
  arrival.reply.once('close', leave);
  const connecting = await ports.connect({ scheme, host: host.replace(/^\[(.*)\]$/, '$1'), port }, left.signal);
  arrival.reply.off('close', leave);
  if (connecting.kind === 'failed') return failed(connecting.error);
  const { connected } = connecting;
  if (left.signal.aborted) {
    connected.cut();
    return failed(clientLeft());
  }
  const protocols = upgradeProtocols(request.httpVersion, request.fields);
  const answer = await askToSwitch(connected, upstreamRequest(plan.request, protocols, ports), ports.limits);
  if (answer.kind === 'failed') return failed(answer.error);
  const { head } = answer;
  trace.stamps['response-received'] = clock.now();
  if (connected.address !== undefined) {
    trace.address = connected.address;
    trace.addressKnownBy = 'socket';
  }
  observer.responseReceived(trace);
  if (answer.kind === 'switched') {
    if (changesAsAsked(protocols, head.fields)) return answer;
    connected.cut();
    return failed(new ProxyError('http_upgrade_failed', 'The origin changed to a protocol that was not asked for.'));
  }
  const wrong = judgeStatus(head.status);
  if (wrong !== undefined) {
    answer.content.cancel();
    return failed(wrong);
  }
  return { kind: 'response', response: { ...head, content: contentOf(head, answer.content) } };
}

/** The request as the origin gets it: the fields that ended here are written anew for the next hop. */
function upstreamRequest(
  { method, url, path, forwardFields, interim, onLeave, trailers }: PlannedRequest,
  protocols: readonly string[],
  { limits }: UpgradePorts,
): Parameters<typeof askToSwitch>[1] {
  const { origin, host } = new URL(url);
  const upgrade: Fields = [
    ['Connection', 'Upgrade'],
    ['Upgrade', protocols.join(', ')],
  ];
  return {
    origin,
    method,
    path,
    fields: [['Host', host], ...(protocols.length > 0 ? upgrade : []), ...forwardFields],
    framing: { kind: 'none' },
    content: undefined,
    trailers,
    headDeadlineMs: limits.headDeadlineMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    maxOctetsHeld: limits.maxHeadBytes,
    onInterim: interim,
    onLeave,
  };
}

function contentOf(
  { framing }: ResponseHead,
  source: Extract<Awaited<ReturnType<typeof askToSwitch>>, { kind: 'response' }>['content'],
): Extract<Outcome, { kind: 'response' }>['response']['content'] {
  if (framing.kind === 'none') return { kind: 'none' };
  return { kind: 'some', octets: framing.kind === 'length' ? framing.octets : undefined, source };
}

/** The origin's 101 as the client gets it. One character for each octet. RFC 9110 15.2.2. */
function switchingHead({ reason, fields }: ResponseHead, pseudonym: string): string {
  const all: Fields = [
    ...fieldsWithout(endToEndResponseFields(fields), contentLength), // RFC 9110 8.6: a 101 has none
    ['Connection', 'Upgrade'],
    ['Upgrade', fieldValues(fields, 'upgrade').join(', ')],
    ['Via', viaMember('1.1', pseudonym)],
  ];
  return `HTTP/1.1 101 ${reason}\r\n${fieldLines(all)}\r\n`;
}

const contentLength = new FieldNames(['content-length']);

function loop(): ProxyError {
  return new ProxyError('proxy_loop_detected', 'The request has already come through this agent.');
}

function clientLeft(): ProxyError {
  return new ProxyError('http_request_error', 'The client left before the tunnel was open.', { status: 499 });
}

function failed(error: ProxyError): Outcome {
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
