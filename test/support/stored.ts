// Requests and stored responses for the tests of the cache's engine. The time is that of `arrival` unless said otherwise.
import type { CacheRequest, CacheResponse, StoredResponse } from '../../http/caching/stored.ts';
import type { Fields } from '../../http/fields.ts';

/** Sat, 21 Nov 2026 18:00:00 GMT. */
export const arrival = Date.UTC(2026, 10, 21, 18);

/** Such a date in the past, in seconds before the arrival. */
export function dateBefore(seconds: number): string {
  return new Date(arrival - seconds * 1_000).toUTCString();
}

/** `Name: value` each. */
export function fieldLines(...lines: readonly string[]): Fields {
  return lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)] as const;
  });
}

/** A GET of http://origin.test/a unless the method is another. */
export function requestWith(lines: readonly string[] = [], method = 'GET'): CacheRequest {
  return { method, url: 'http://origin.test/a', fields: fieldLines(...lines) };
}

export function responseWith(status: number, lines: readonly string[] = []): CacheResponse {
  return { status, reason: '', fields: fieldLines(...lines), requestTime: arrival - 10, responseTime: arrival };
}

/** A 200 of so many octets, stored ten seconds ago. With `first`: the 206 of a content of a hundred octets. */
export function storedWith(lines: readonly string[] = [], octets = 10, first?: number): StoredResponse {
  const time = arrival - 10_000;
  const isPart = first !== undefined;
  return {
    url: 'http://origin.test/a',
    status: isPart ? 206 : 200,
    reason: isPart ? 'Partial Content' : 'OK',
    fields: fieldLines(...lines),
    requestTime: time,
    responseTime: time,
    selecting: [],
    octets,
    ...(isPart && { part: { first, completeOctets: 100 } }),
  };
}
