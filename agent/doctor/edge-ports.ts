// How the checks reach deployed edges: the way that the agent takes, parent proxies included.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Clock } from '../clock.ts';
import { askEdge, connectDeployed } from '../edge/deployed.ts';
import type { Resolve } from '../proxy/ports.ts';
import { createDial } from '../upstream/dial.ts';
import { type Parents, unlessLeftToParent } from '../upstream/parents.ts';
import { secure } from '../upstream/secure.ts';
import type { CertificateFacts, EdgePorts } from './deployed-edge.ts';
import type { Situation } from './situation.ts';

export interface EdgeWay {
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly parents: Parents;
}

/** For an edge that is waited for no longer than a person waits. */
const timeoutMs = 5_000;

export function edgePorts({ config }: Pick<Situation, 'config'>, { clock, resolve, parents }: EdgeWay): EdgePorts {
  const limits = { ...config.limits, connectTimeoutMs: Math.min(config.limits.connectTimeoutMs, timeoutMs) };
  const dial = createDial(limits, parents);
  const wallTime = () => clock.wallTime(clock.now());
  return {
    wallTime,
    parentOf: parents.of,
    lookup: async (host) => resolve(host),
    connect: async ({ tls, ...target }, signal) => {
      const dialled = await dial({ ...target, signal });
      if (dialled.kind === 'failed') return dialled;
      if (!tls) {
        dialled.socket.destroy();
        return { kind: 'reached', certificate: undefined };
      }
      return secured(dialled.socket, target.host, limits.connectTimeoutMs);
    },
    ask: async ({ name, url, token }) => {
      const addresses = unlessLeftToParent(parents, resolve);
      await using edge = connectDeployed({ name, url, token, limits, dial, addresses });
      const askedAt = wallTime();
      const answer = await askEdge(edge, '/v1/hello', { timeoutMs, maxBytes: 64 * 1024 });
      return { answer, askedAt, answeredAt: wallTime() };
    },
  };
}

async function secured(raw: Socket, host: string, withinMs: number): ReturnType<EdgePorts['connect']> {
  const late = new AbortController();
  const error = new ProxyError('connection_timeout', `TLS was not agreed on within ${withinMs} ms.`);
  const deadline = setTimeout(() => late.abort(error), withinMs);
  const result = await secure(raw, host, ['http/1.1'], late.signal);
  clearTimeout(deadline);
  const certificate = result.kind === 'connected' ? factsOf(result.socket) : undefined;
  raw.destroy();
  return result.kind === 'failed' ? result : { kind: 'reached', certificate };
}

function factsOf(socket: Socket): CertificateFacts {
  const { issuer, valid_to: until } = (socket as TLSSocket).getPeerCertificate();
  const name = issuer.O ?? issuer.CN ?? 'nobody in particular';
  return { issuer: Array.isArray(name) ? name.join(' ') : name, notAfter: Date.parse(until) };
}
