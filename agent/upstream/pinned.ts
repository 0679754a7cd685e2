// A look-up that answers addresses which are known already, whatever is asked.
import type { LookupFunction } from 'node:net';

/** For a connection that must lead to one of these addresses. There is at least one. */
export function pinned(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return (_host, options, callback) => {
    const [first] = answers;
    if (first === undefined) callback(new Error('no address'), '', 0);
    else if (options.all === true) callback(null, answers);
    else callback(null, first.address, first.family);
  };
}
