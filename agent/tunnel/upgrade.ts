// Carries a request that asks for another protocol: judged like every exchange, a tunnel once the origin has said 101.

import type { Socket } from 'node:net';
import { withoutBrackets } from '../../http/authority.ts';
import { FieldNames, type Fields, fieldsWithout, fieldValues } from '../../http/fields.ts';
import { fieldLines } from '../../http/head.ts';
import { endToEndResponseFields } from '../../http/hop-by-hop.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { ResponseHead } from '../../http/response-reader.ts';
import { changesAsAsked, upgradeProtocols } from '../../http/upgrade.ts';
import { viaMember } from '../../http/via.ts';
import type { Config } from '../../schemas/config.ts';
import { onResponse } from '../proxy/apply/applied.ts';
import type { RulePorts } from '../proxy/apply/rule-ports.ts';
import type { TunnelShape } from '../proxy/apply/shaping.ts';
import { judgeStatus } from '../proxy/exchange/judge-response.ts';
import type {
  Arrival,
  Ending,
  Outcome,
  Plan,
  PlannedRequest,
  Ports,
  TargetRequest,
  UpgradeArrival,
  UpstreamResponse,
} from '../proxy/ports.ts';
import type { Connect, OriginAddress } from '../upstream/connect.ts';
import { carryOpenTunnel, type OpenTunnelPorts } from './open-tunnel.ts';
import { edgeOnly, shaped } from './ruled.ts';
import { askToSwitch, type SwitchLimits } from './switching.ts';
import type { Reached, ToPool } from './to-pool.ts';

export interface UpgradePorts extends OpenTunnelPorts, Pick<Ports, 'accept' | 'admit' | 'apply' | 'finish'> {
  readonly limits: SwitchLimits & Pick<Config['limits'], 'tunnelIdleTimeoutMs' | 'idleTimeoutMs' | 'headDeadlineMs'>;
  readonly pseudonym: string;
  /** Connects to an origin at addresses that were checked, for one use. The signal gives it up. */
  readonly connect: (origin: OriginAddress, signal: AbortSignal) => ReturnType<Connect>;
  /** Absent where there are no rules. */
  readonly rules?: RulePorts | undefined;
  /** Connects to a target of the pool of a reverse route; absent where there are none. */
  readonly toPool?: ToPool | undefined;
  /** Writes the last octets that a client gets, and closes. */
  readonly end: (client: Socket, octets: Buffer) => void;
}

/**
 * Carries one request to its response, or to the end of the tunnel that it becomes. `early` came right behind the head:
 * it belongs to the tunnel or, when there is none, to nobody, for the connection closes. RFC 9110 7.8.
 */
export function createUpgrade(
  ports: UpgradePorts,
): (arrival: UpgradeArrival, client: Socket, early: Buffer) => Promise<void> {
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
    const { head, fields, socket, shape } = result;
    client.write(switchingHead(head, fields, ports.pseudonym), 'latin1');
    trace.response = { status: head.status, reason: head.reason };
    trace.stamps['response-sent'] = clock.now();
    await carryOpenTunnel(ports, trace, client, socket, undefined, shape);
  };
}

interface Switched {
  readonly kind: 'switched';
  readonly head: ResponseHead;
  /** Those of its fields that go on. */
  readonly fields: Fields;
  readonly socket: Socket;
  readonly shape?: TunnelShape | undefined;
}

/** The walk from accept to the origin's answer, always directly. */
async function ask(ports: UpgradePorts, arrival: Arrival): Promise<Ending | Switched> {
  const { observer, rules } = ports;
  const { trace } = arrival;
  const accepted = ports.accept(arrival);
  if (accepted.kind === 'refused') return failed(accepted.error);
  const { request } = accepted;
  const admission = await ports.admit(request);
  const plan = admission.kind === 'refused' ? answered(admission.error) : await ports.apply(request);
  observer.requestReceived(trace);
  if (plan.kind === 'answer') return plan.ending;
  const error = edgeOnly(plan.request.plan);
  if (error !== undefined) return failed(error);
  const shaping = shaped(rules, trace, plan.request.plan);
  if (shaping.kind === 'dropped') return shaping;
  const answer = await askOrigin(ports, arrival, plan.request);
  const ending = rules === undefined ? answer : await judged(rules, plan.request, answer);
  return ending.kind === 'switched' ? { ...ending, shape: shaping.shape } : ending;
}

/** The answer as rules leave it. A change of protocol is told with other fields, or not at all. */
async function judged(
  { answer }: RulePorts,
  request: PlannedRequest,
  asked: Outcome | Switched,
): Promise<Ending | Switched> {
  const { plan } = request;
  if (plan === undefined) return asked;
  if (asked.kind !== 'switched') return onResponse(answer, request, plan, asked);
  const { status, reason } = asked.head;
  const response: UpstreamResponse = { status, reason, fields: asked.fields, content: { kind: 'none' } };
  const ending = await onResponse(answer, request, plan, { kind: 'response', response });
  if (ending.kind === 'response' && ending.response.status === status) {
    return { ...asked, fields: ending.response.fields };
  }
  asked.socket.resetAndDestroy();
  return ending;
}

/** Asks the origin, or a target of a pool, for another protocol. */
async function askOrigin(ports: UpgradePorts, arrival: Arrival, planned: PlannedRequest): Promise<Outcome | Switched> {
  const { clock, observer } = ports;
  const { trace, httpVersion, fields, scheme, host, port, parent, plan } = planned;
  const toPool = planned.reverse === undefined ? undefined : ports.toPool;
  const because = toPool !== undefined ? 'pool' : plan?.route?.action === 'direct' ? 'rule' : 'upgrade';
  trace.route = { kind: 'direct', because, ...(parent !== undefined && { parent }) };
  trace.stamps['request-relayed'] = clock.now();
  observer.requestRelayed(trace);
  const left = new AbortController();
  const leave = () => left.abort();
  if (arrival.reply.socket?.destroyed !== false) leave();
  arrival.reply.once('close', leave);
  const connecting: Reached =
    toPool === undefined
      ? await ports.connect({ scheme, host: withoutBrackets(host), port }, left.signal)
      : await toPool(planned, left.signal);
  arrival.reply.off('close', leave);
  if (connecting.kind === 'failed') return failed(connecting.error);
  const { connected } = connecting;
  if (left.signal.aborted) {
    connected.cut();
    return failed(clientLeft());
  }
  const protocols = upgradeProtocols(httpVersion, fields);
  const asked = upstreamRequest(planned, protocols, ports, connecting.asks ?? asksOf(planned));
  const answer = await askToSwitch(connected, asked, ports.limits);
  if (answer.kind === 'failed') return failed(answer.error);
  const { head } = answer;
  trace.stamps['response-received'] = clock.now();
  if (connected.address !== undefined) {
    trace.address = connected.address;
    trace.addressKnownBy = 'socket';
  }
  observer.responseReceived(trace);
  if (answer.kind === 'switched') {
    if (changesAsAsked(protocols, head.fields)) return { ...answer, fields: endToEndResponseFields(head.fields) };
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
  { method, interim, onLeave, trailers }: PlannedRequest,
  protocols: readonly string[],
  { limits }: UpgradePorts,
  { origin, path, host, fields }: TargetRequest,
): Parameters<typeof askToSwitch>[1] {
  const upgrade: Fields = [
    ['Connection', 'Upgrade'],
    ['Upgrade', protocols.join(', ')],
  ];
  return {
    origin,
    method,
    path,
    fields: [['Host', host], ...(protocols.length > 0 ? upgrade : []), ...fields],
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

function asksOf({ url, path, forwardFields }: PlannedRequest): TargetRequest {
  const { origin, host } = new URL(url);
  return { origin, path, host, fields: forwardFields };
}

function contentOf(
  { framing }: ResponseHead,
  source: Extract<Awaited<ReturnType<typeof askToSwitch>>, { kind: 'response' }>['content'],
): Extract<Outcome, { kind: 'response' }>['response']['content'] {
  if (framing.kind === 'none') return { kind: 'none' };
  return { kind: 'some', octets: framing.kind === 'length' ? framing.octets : undefined, source };
}

/** The origin's 101 as the client gets it. One character for each octet. RFC 9110 15.2.2. */
function switchingHead({ reason, fields }: ResponseHead, passedOn: Fields, pseudonym: string): string {
  const all: Fields = [
    ...fieldsWithout(passedOn, contentLength), // RFC 9110 8.6: a 101 has none
    ['Connection', 'Upgrade'],
    ['Upgrade', fieldValues(fields, 'upgrade').join(', ')],
    ['Via', viaMember('1.1', pseudonym)],
  ];
  return `HTTP/1.1 101 ${reason}\r\n${fieldLines(all)}\r\n`;
}

const contentLength = new FieldNames(['content-length']);

function clientLeft(): ProxyError {
  return new ProxyError('http_request_error', 'The client left before the tunnel was open.', { status: 499 });
}

function answered(error: ProxyError): Plan {
  return { kind: 'answer', ending: failed(error) };
}

function failed(error: ProxyError): Outcome {
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
