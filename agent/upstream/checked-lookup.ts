// The look-up of connections that the agent dials itself: only addresses that the policy allows come out of it.
import type { LookupFunction } from 'node:net';
import { type DestinationPolicy, judgeAddresses } from '../../http/destination.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Resolve } from '../proxy/ports.ts';
import { pinned } from './pinned.ts';

/**
 * Judges what a name resolves to at the moment of dialling, so that an answer that has changed since the request was
 * admitted is never dialled. The port was judged before; ranges with a port are judged here by address alone.
 */
export function checkedLookup(resolve: Resolve, policy: () => DestinationPolicy): LookupFunction {
  return (host, options, callback) => {
    void resolve(host).then((resolution) => {
      if (resolution.kind === 'failed') return callback(resolution.error, '', 0);
      const verdict = judgeAddresses({ host, port: 0 }, resolution.addresses, forAnyPort(policy()));
      if (verdict.kind === 'refused') {
        return callback(
          new ProxyError('destination_ip_prohibited', `edgehop does not go there: ${verdict.because}.`, {
            status: 403,
          }),
          '',
          0,
        );
      }
      return pinned(resolution.addresses)(host, options, callback);
    });
  };
}

function forAnyPort({ allowPrivate, exceptions }: DestinationPolicy): DestinationPolicy {
  return { allowPrivate, exceptions: exceptions.map((exception) => ({ ...exception, port: undefined })) };
}
