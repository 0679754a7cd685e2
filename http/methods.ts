// What is known of request methods. RFC 9110 9.

/** Whether a request with this method may be sent twice. RFC 9110 9.2.2, and the registry of methods. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}

const idempotentMethods = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'QUERY',
]);
