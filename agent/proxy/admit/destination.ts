// Where something may go: not to ourselves, not to a private destination unless that is allowed.
import { canonicalAddress, classifyAddress, inRange } from '../../../http/address.ts';
import { type DestinationPolicy, judgeAddresses, judgeDestination } from '../../../http/destination.ts';
import { onlyPlainHttp, ownName } from '../../../http/own-name.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Destination, DestinationAdmission, Policy, Resolution, Resolve, Trace } from '../ports.ts';

export interface DestinationPorts {
  readonly policy: Policy;
  readonly resolve: Resolve;
  /** Whether this is an address and port that edgehop itself listens on. */
  readonly isOwn: (address: string, port: number) => boolean;
  /** `none`: requests go out from this machine. `deployed`: the edge looks names up itself. */
  readonly edge: 'embedded' | 'deployed' | 'none';
  /** The parent proxy through which this machine reaches a destination. One that resolves names needs no look-up here. */
  readonly parentOf: (target: {
    readonly scheme: 'http' | 'https' | 'tunnel';
    readonly host: string;
    readonly port: number;
    readonly addresses?: readonly string[];
  }) => { readonly name: string; readonly resolvesNames: boolean } | undefined;
}

/**
 * Judges a destination by name and by every address it resolves to. The addresses are those that may be dialled;
 * there are none where a deployed edge or a parent proxy is to look the name up.
 */
export function admitDestination(
  ports: DestinationPorts,
  destination: Destination,
  trace: Trace,
): DestinationAdmission | Promise<DestinationAdmission> {
  const policy = ports.policy();
  const { host, port, purpose } = destination;
  if (host === ownName) return refused(onlyPlainHttp()); // what it answers, apply has answered
  const verdict = judgeDestination({ host, port, purpose: purpose === 'tunnel' ? purpose : 'exchange' }, policy);
  if (verdict.kind === 'refused') return refused(prohibited(verdict.type, verdict.because));
  const isLeftToEdge = ports.edge === 'deployed' && destination.purpose === 'exchange';
  const parent = ports.parentOf(targetOf(destination));
  const isLeftToParent = parent?.resolvesNames === true;
  if (verdict.kind === 'name-to-resolve' && (isLeftToEdge ? !verdict.privateAllowed : isLeftToParent)) {
    if (!isLeftToParent) noteAddress(ports, destination, trace);
    return { kind: 'admitted', addresses: [], directOnly: false, parent: parent?.name };
  }
  const judged = (resolution: Resolution): DestinationAdmission =>
    resolution.kind === 'failed'
      ? refused(resolution.error)
      : admitAddresses(ports, destination, resolution.addresses, policy, trace);
  const literal = canonicalAddress(host);
  if (literal !== undefined) return judged({ kind: 'resolved', addresses: [literal] });
  const resolution = ports.resolve(host);
  return resolution instanceof Promise ? resolution.then(judged) : judged(resolution);
}

function admitAddresses(
  ports: DestinationPorts,
  destination: Destination,
  addresses: readonly string[],
  policy: DestinationPolicy,
  trace: Trace,
): DestinationAdmission {
  trace.address = addresses[0];
  trace.addressKnownBy = 'agent-dns';
  const addressed = judgeAddresses(destination, addresses, policy);
  if (addressed.kind === 'refused') return refused(prohibited(addressed.type, addressed.because));
  if (addresses.some((address) => ports.isOwn(address, destination.port))) return refused(ourselves());
  const target = targetOf(destination);
  return {
    kind: 'admitted',
    addresses,
    directOnly: isDirectOnly(ports, destination, addresses, policy),
    parent: ports.parentOf({ ...target, addresses })?.name,
  };
}

function targetOf(destination: Destination): Parameters<DestinationPorts['parentOf']>[0] {
  const { host, port } = destination;
  return { scheme: destination.purpose === 'exchange' ? destination.scheme : 'tunnel', host, port };
}

/** For the record only, and off the path: the edge looks the name up itself, and may find another address. */
function noteAddress({ resolve }: DestinationPorts, { host }: Destination, trace: Trace): void {
  void Promise.resolve(resolve(host)).then((resolution) => {
    if (resolution.kind === 'failed' || trace.address !== undefined) return;
    trace.address = resolution.addresses[0];
    trace.addressKnownBy = 'agent-dns';
  });
}

/** A private destination is out of a deployed edge's reach; the embedded one reaches what its network policy can name. */
export function isDirectOnly(
  { edge }: Pick<DestinationPorts, 'edge'>,
  { port }: Pick<Destination, 'port'>,
  addresses: readonly string[],
  policy: DestinationPolicy,
): boolean {
  const special = addresses.filter((address) => classifyAddress(address).kind === 'special');
  if (special.length === 0) return false;
  if (edge === 'deployed') return true;
  if (policy.allowPrivate) return false;
  return !special.every((address) =>
    policy.exceptions.some(
      (exception) =>
        exception.kind === 'range' &&
        (exception.port === undefined || exception.port === port) &&
        inRange(address, exception.range),
    ),
  );
}

function prohibited(type: 'destination_ip_prohibited' | 'http_request_denied', because: string): ProxyError {
  const advice =
    type === 'destination_ip_prohibited'
      ? 'To allow it, start the agent with --allow-private, or name it in admit.destinations.allow in edgehop.jsonc.'
      : 'To allow it, name host and port in admit.destinations.allow in edgehop.jsonc.';
  return new ProxyError(type, `edgehop does not go to this destination: ${because}.`, { status: 403, advice });
}

function ourselves(): ProxyError {
  return new ProxyError('destination_ip_prohibited', 'The destination is edgehop itself.', {
    status: 403,
    advice: 'Exclude this address in the proxy settings of your program.',
  });
}

function refused(error: ProxyError): { readonly kind: 'refused'; readonly error: ProxyError } {
  return { kind: 'refused', error };
}
