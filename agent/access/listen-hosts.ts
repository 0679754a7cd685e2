// Where the agent listens: on loopback for anybody, elsewhere only where it is said who may come.

import { canonicalAddress } from '../../http/address.ts';
import { withoutBrackets } from '../../http/authority.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import { isLoopback } from './client-list.ts';

export interface ListenHosts {
  readonly hosts: readonly string[];
  /** A sentence for the person at the terminal. */
  readonly warning: string | undefined;
}

/** Throws a ProxyError of type `proxy_configuration_error` where everybody on the network could use the proxy. */
export function listenHosts({ listen: { host }, admit }: Pick<Config, 'listen' | 'admit'>): ListenHosts {
  if (host === '127.0.0.1' || host === 'localhost') return { hosts: ['127.0.0.1', '::1'], warning: undefined };
  const address = canonicalAddress(withoutBrackets(host));
  if (address === undefined) throw refused(`edgehop listens on addresses, and "${host}" is none.`, onLoopback);
  if (isLoopback(address)) return { hosts: [address], warning: undefined };
  const asksCredentials = admit.credentials.length > 0;
  const asksAddresses = admit.clients.allow.length > 0;
  if (!asksCredentials && !asksAddresses) {
    const because = 'everybody who reaches this address could use the proxy';
    throw refused(`edgehop does not listen on ${host} without knowing for whom: ${because}.`, onOther);
  }
  const who = [
    ...(asksAddresses ? ['to the clients of admit.clients.allow'] : []),
    ...(asksCredentials ? ['with credentials, which travel in clear'] : []),
  ];
  return { hosts: [address], warning: `the proxy is open to the network on ${host}: ${who.join(', and only ')}` };
}

const onLoopback = 'Use --host 127.0.0.1, or the address of a network card.';
const onOther =
  'Add credentials with `edgehop config credential NAME --write`, or name the addresses of the clients in admit.clients.allow, or use --host 127.0.0.1.';

/** Where this machine reaches what listens on an address: one that stands for all of them is none to ask. */
export function hostFromHere(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
}

function refused(message: string, advice: string): ProxyError {
  return new ProxyError('proxy_configuration_error', message, { advice });
}
