// The reason phrases of the statuses that edgehop itself answers with. RFC 9110 15, RFC 6585 5.

/** The phrase of a status; `Error` for one that edgehop never answers with. */
export function reasonPhrase(status: number): string {
  return phrases.get(status) ?? 'Error';
}

const phrases: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [431, 'Request Header Fields Too Large'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
]);
