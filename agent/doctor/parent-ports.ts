// Asks a parent proxy something that it answers by itself, so that nothing goes further than to it.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import type { Resolve, UpstreamClient } from '../proxy/ports.ts';
import { createUpstreamClient } from '../upstream/client.ts';
import { createConnect } from '../upstream/connect.ts';
import { createDial } from '../upstream/dial.ts';
import type { Parent } from '../upstream/parent.ts';
import { noParents } from '../upstream/parents.ts';
import { createParents } from '../upstream/parents-in-use.ts';
import type { ParentAnswer, ParentsPorts } from './parents.ts';

export interface ParentWay {
  readonly limits: Config['limits'];
  readonly resolve: Resolve;
  /** Whether edgehop listens there, or will. */
  readonly isOwn: (address: string, port: number) => boolean;
  /** For the connection, and then for the answer. */
  readonly timeoutMs: number;
}

/** A name that nobody has (RFC 6761 6.4), for a proxy that goes on although Max-Forwards says that it is the last. RFC 9110 7.6.2. */
const nowhere = 'http://edgehop.invalid';

export function parentPorts({ limits, resolve, isOwn, timeoutMs }: ParentWay): ParentsPorts {
  const bounds = { ...limits, connectTimeoutMs: Math.min(limits.connectTimeoutMs, timeoutMs) };
  return {
    asked: async (parent, signal) => {
      const parents = createParents({
        rules: { http: parent, https: undefined, exclusions: [] },
        resolve,
        isOwn,
        pseudonym: 'edgehop-doctor',
        say: () => undefined,
      });
      const reached = await reach(parent, await parents.addressesOf(parent), { bounds, signal });
      if (reached !== undefined) return reached;
      const connect = createConnect({
        dial: createDial(bounds, parents),
        // A parent that has names looked up is given an address that nobody has (RFC 5737).
        addresses: async () => ({ kind: 'resolved', addresses: parent.resolvesNames ? [] : ['192.0.2.1'] }),
        connectTimeoutMs: bounds.connectTimeoutMs,
        allowHttp2: false,
      });
      const client = createUpstreamClient({
        ...bounds,
        maxConnections: 1,
        keepAliveTimeoutMs: timeoutMs,
        connect,
      });
      try {
        return meaning(parent, await question(client, timeoutMs));
      } finally {
        await client.close();
      }
    },
  };
}

interface Bounded {
  readonly bounds: Config['limits'];
  readonly signal: AbortSignal;
}

/** Nothing where it accepts a connection. */
async function reach(
  { host, port, name, source }: Parent,
  resolution: Awaited<ReturnType<Resolve>>,
  { bounds, signal }: Bounded,
): Promise<ParentAnswer | undefined> {
  if (resolution.kind === 'failed') {
    if (resolution.error.type === 'proxy_loop_detected') return { kind: 'ourselves' };
    const message = `The name of the parent proxy ${name} cannot be resolved.`;
    return {
      kind: 'unreachable',
      error: new ProxyError('dns_error', message, { advice: `Check ${source}, and the name servers of this machine.` }),
    };
  }
  const dial = createDial(bounds, noParents);
  const dialled = await dial({ host, port, addresses: resolution.addresses, scheme: 'tunnel', signal });
  if (dialled.kind === 'connected') {
    dialled.socket.destroy();
    return undefined;
  }
  const { type, message } = dialled.error;
  const says = message.replace(/^The destination/, `The parent proxy ${name}`);
  const advice = `Start it, or correct ${source}; where it is needed no more, take ${source} away.`;
  return { kind: 'unreachable', error: new ProxyError(type, says, { advice }) };
}

function question(client: UpstreamClient, timeoutMs: number): ReturnType<UpstreamClient['send']> {
  return client.send({
    origin: nowhere,
    method: 'OPTIONS',
    path: '/',
    fields: [
      ['Host', new URL(nowhere).host],
      ['Max-Forwards', '0'],
      ['Connection', 'close'],
    ],
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
    maxOctetsHeld: 64 * 1024,
    onLeave: () => undefined,
  });
}

function meaning({ scheme, name, source }: Parent, answer: Awaited<ReturnType<typeof question>>): ParentAnswer {
  if (answer.kind === 'response') {
    answer.content.cancel();
    return { kind: 'answered', status: answer.status };
  }
  const { type, message, advice } = answer.error;
  if (type === 'connection_timeout' || type === 'http_response_timeout') return { kind: 'silent' };
  if (scheme.startsWith('socks') && !ownFailures.includes(type)) return { kind: 'answered', status: undefined };
  const says = message.replace(/^The destination/, `The parent proxy ${name}`);
  return {
    kind: 'refused',
    error: new ProxyError(type, says, { advice: advice ?? `Check scheme and port in ${source}.` }),
  };
}

/** Of the conversation itself. By SOCKS5 any other is that of the way behind the parent, where nothing is. */
const ownFailures: readonly ProxyError['type'][] = [
  'connection_terminated',
  'proxy_configuration_error',
  'http_protocol_error',
  'tls_certificate_error',
  'tls_protocol_error',
];
