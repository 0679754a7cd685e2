// All checks of `edgehop doctor`, in the order in which they are told, with the machine, the network and the agents behind them.
import type { Clock } from '../clock.ts';
import { compatibilityDate } from '../edge/runtime.ts';
import { portHolder } from '../machine/port-holder.ts';
import { processExists } from '../machine/processes.ts';
import { createResolver, systemLookup } from '../proxy/admit/resolver.ts';
import { noParents, type Parents, parentRules } from '../upstream/parents.ts';
import { createParents } from '../upstream/parents-in-use.ts';
import { agentsCheck } from './agents.ts';
import type { Ask } from './ask.ts';
import type { Check } from './check.ts';
import { clockCheck } from './clock.ts';
import { configurationCheck } from './configuration.ts';
import { deployedEdgeCheck } from './deployed-edge.ts';
import { dnsCheck } from './dns.ts';
import { edgePorts } from './edge-ports.ts';
import { edgeTrial } from './edge-trial.ts';
import { embeddedEdgeCheck } from './embedded-edge.ts';
import type { DoctorHost } from './host.ts';
import { ipv6Check } from './ipv6.ts';
import { diskCheck, openFilesCheck } from './limits.ts';
import { loopbackCheck } from './loopback.ts';
import { nodeCheck } from './node.ts';
import { parentPorts } from './parent-ports.ts';
import { parentsChecks } from './parents.ts';
import { portsChecks } from './ports.ts';
import { shellProxyCheck } from './shell-proxy.ts';
import type { Situation } from './situation.ts';
import { type SystemProxyPorts, systemProxyCheck } from './system-proxy.ts';
import { tlsEnvironmentCheck } from './tls-environment.ts';
import { type TrustPorts, trustCheck } from './trust.ts';

export interface ChecksPorts extends Pick<TrustPorts, 'trust'>, SystemProxyPorts {
  readonly clock: Clock;
  readonly host: DoctorHost;
  readonly ask: Ask;
}

export interface Checks {
  /** They listen for an instant on the ports in question, so that the others must not look for a listener meanwhile. */
  readonly first: readonly Check[];
  readonly others: readonly Check[];
}

/** What is not set up is skipped, and what cannot be known is said to be so. */
export function checksOf(situation: Situation, ports: ChecksPorts): Checks {
  const { config } = situation;
  const { clock, host, ask } = ports;
  const wallTime = () => clock.wallTime(clock.now());
  const limits = { ...config.limits, dnsTimeoutMs: Math.min(config.limits.dnsTimeoutMs, dnsTimeoutMs) };
  const resolve = createResolver(systemLookup, clock, limits);
  const isOwn = ownPorts(situation, host);
  const parents = parentsOf(situation, { resolve, isOwn });
  const { versions, execPath, platform, arch } = process;
  const lookup = async (name: string) => resolve(name);
  const target = { scheme: 'http', host: 'example.com', port: 80 } as const;
  const parent = [parents.of(target), parents.of({ ...target, scheme: 'https' })].find(
    (each) => each?.resolvesNames === true,
  );
  return {
    first: [
      nodeCheck({ version: versions.node, path: execPath, platform, arch }),
      configurationCheck(situation, host),
      ...portsChecks(situation, { bind: host.bind, holder: portHolder }),
    ],
    others: [
      agentsCheck(situation, { ...host, ask }),
      embeddedEdgeCheck(situation, { tried: edgeTrial(ask), isRunning: processExists }),
      ...config.edge.edges.map((edge) => deployedEdgeCheck(edge, edgePorts(situation, { clock, resolve, parents }))),
      ...parentsChecks(situation, parentPorts({ limits, resolve, isOwn, timeoutMs: parentTimeoutMs })),
      trustCheck({ trust: ports.trust, wallTime }),
      systemProxyCheck(situation, ports),
      shellProxyCheck(situation, host),
      loopbackCheck,
      dnsCheck({ lookup, parent: parent?.name }),
      ipv6Check(situation, host),
      openFilesCheck(situation, host),
      diskCheck(situation, host),
      clockCheck({ wallTime, notBefore: compatibilityDate }),
      tlsEnvironmentCheck(situation),
    ],
  };
}

const dnsTimeoutMs = 4_000;
const parentTimeoutMs = 4_000;

type Way = Pick<Parameters<typeof createParents>[0], 'resolve' | 'isOwn'>;

/** Whether an agent listens there; where none runs, whether one would. */
function ownPorts({ agents, config }: Situation, { isOwnAddress }: DoctorHost): Way['isOwn'] {
  const own = new Set(
    agents.length > 0 ? agents.flatMap(({ port, controlPort }) => [port, controlPort]) : [config.listen.port],
  );
  return (address, port) =>
    own.has(port) && (/^(127\.|0\.)/.test(address) || address === '::1' || isOwnAddress(address));
}

/** None, where one cannot be read: the check of parents says so. */
function parentsOf({ config, env }: Situation, way: Way): Parents {
  try {
    const rules = parentRules(config.parents, env);
    const parents = createParents({ rules, ...way, pseudonym: 'edgehop-doctor', say: () => undefined });
    parents.listening();
    return parents;
  } catch {
    return noParents;
  }
}
