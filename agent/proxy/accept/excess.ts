// What a client asks too much of: requests that wait on its connection, and fields of one head.
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Config } from '../../../schemas/config.ts';
import type { RequestHead } from '../ports.ts';
import type { OpenConnection } from './connections.ts';

type Limits = Config['limits'];

/** Why a request may not wait for its turn, if it may not. */
export function tooManyWaiting({ waiting }: OpenConnection, { maxPipelinedRequests }: Limits): ProxyError | undefined {
  if (waiting < maxPipelinedRequests) return undefined;
  const message = `More than ${maxPipelinedRequests} requests wait on one connection.`;
  return new ProxyError('connection_limit_reached', message, { advice: 'Open more connections, or wait for answers.' });
}

/** Why a head has too many fields, if it has. RFC 6585 5. */
export function tooManyFields({ rawHeaders }: RequestHead, { maxFields }: Limits): ProxyError | undefined {
  if (rawHeaders.length <= maxFields * 2) return undefined; // names and values in turn
  const message = `The head of the request has more than ${maxFields} fields.`;
  return new ProxyError('http_request_error', message, {
    status: 431,
    advice: 'Raise limits.maxFields if it must have them.',
  });
}
