// What a target of a pool is asked, where the client asked a host of ours.
import { hostFieldOf } from '../../../http/authority.ts';
import { type Field, FieldNames, fieldsWithout } from '../../../http/fields.ts';
import { type PassingHop, passedOnFields } from '../../../http/privacy.ts';
import { strippedPath } from '../../../http/reverse-route.ts';
import type { PlannedRequest, TargetPool, TargetRequest } from '../ports.ts';

/**
 * The request for a target: its path, its Host, and Forwarded with its forerunners in place of what the client claimed by
 * them. They are added behind the cache, which stores no answer to a request that carries them.
 */
export function targetRequest(
  { host }: Pick<TargetPool, 'host'>,
  origin: string,
  request: PlannedRequest,
  hop: PassingHop,
): TargetRequest {
  const { reverse, scheme, httpVersion, trace } = request;
  const clientHost = hostFieldOf(scheme, request.host, request.port);
  const passing = { httpVersion, scheme, client: trace.connection.address, reverseHost: clientHost };
  const forwarded = passedOnFields(
    fieldsWithout(request.forwardFields, furtherClaims),
    passing,
    { ...hop, privacy: { ...hop.privacy, via: 'off' } }, // it is there already
  );
  return {
    origin,
    path: reverse === undefined ? request.path : strippedPath(reverse, request.path),
    host: host === 'client' ? clientHost : new URL(origin).host,
    fields: [...forwarded, ...forerunners(passing, hop)],
  };
}

/** What else of this kind servers believe. */
const furtherClaims = new FieldNames(['x-forwarded-prefix', 'x-forwarded-ssl', 'x-forwarded-scheme']);

/** Most servers know no Forwarded yet, but these. */
function forerunners(
  { client, reverseHost, scheme }: { readonly client: string; readonly reverseHost: string; readonly scheme: string },
  { privacy }: PassingHop,
): Field[] {
  return [
    ...(privacy.forwarded === 'pseudonym' ? [] : [['X-Forwarded-For', client] as const]),
    ['X-Forwarded-Host', reverseHost],
    ['X-Forwarded-Proto', scheme],
  ];
}
