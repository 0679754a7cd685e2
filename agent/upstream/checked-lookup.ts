// The addresses of what the agent dials itself: only those that the policy allows, judged at the moment of dialling.
import { canonicalAddress } from '../../http/address.ts';
import { type DestinationPolicy, judgeAddresses } from '../../http/destination.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Resolution, Resolve } from '../proxy/ports.ts';

/**
 * Resolves a host and judges what it resolves to, so that an answer that has changed since the request was admitted is
 * never dialled.
 */
export function checkedAddresses(
  resolve: Resolve,
  policy: () => DestinationPolicy,
): (host: string, port: number) => Promise<Resolution> {
  return async (host, port) => {
    const resolution = await addressesOf(resolve, host);
    if (resolution.kind === 'failed') return resolution;
    const verdict = judgeAddresses({ host, port }, resolution.addresses, policy());
    if (verdict.kind !== 'refused') return resolution;
    const message = `edgehop does not go there: ${verdict.because}.`;
    return { kind: 'failed', error: new ProxyError('destination_ip_prohibited', message, { status: 403 }) };
  };
}

/** The addresses of a host; of an address that alone. */
export async function addressesOf(resolve: Resolve, host: string): Promise<Resolution> {
  const literal = canonicalAddress(host);
  return literal === undefined ? resolve(host) : { kind: 'resolved', addresses: [literal] };
}
