// How long a response is fresh where a rule says it in the place of the origin: by the field that speaks to this cache alone. RFC 9213.
import { type Field, FieldNames, fieldsWithout } from '../fields.ts';
import { correctedInitialAgeMs } from './freshness.ts';
import type { CacheResponse } from './stored.ts';

/** What is cacheable without being told, less what is partial or an error of the server's, and 304, which freshens. RFC 9110 15.1. */
const meantStatuses = new Set([200, 203, 204, 206, 300, 301, 304, 308, 404, 405, 410, 414]);

const targeted = new FieldNames(['edgehop-cache-control']);

/**
 * The fields with the freshness that a rule says, counted from now on: what the response has aged already is added.
 * Nothing where the status is none that may be kept because a rule says so. It makes neither a response with Set-Cookie
 * storable nor the answer to an authorised request (RFC 9111 3.5): `max-age` does not say that it is shared.
 */
export function overriddenFields(response: CacheResponse, freshnessSeconds: number): Field[] | undefined {
  if (!meantStatuses.has(response.status)) return undefined;
  const agedSeconds = freshnessSeconds === 0 ? 0 : Math.ceil(correctedInitialAgeMs(response) / 1000);
  const value = `max-age=${freshnessSeconds + agedSeconds}`;
  return [...fieldsWithout(response.fields, targeted), ['Edgehop-Cache-Control', value]];
}
