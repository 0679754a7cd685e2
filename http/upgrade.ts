// Which other protocol a request asks for, and whether a hop may carry what comes after the change. RFC 9110 7.8.
import { type Fields, listMembers } from './fields.ts';
import { requestFraming } from './framing.ts';

/**
 * The protocols to ask the origin for, as the client named them; none when the request goes on as a plain one. Any
 * protocol is passed on but HTTP itself: behind `h2c` there would be requests that this hop never judges (and RFC 9113 3.1
 * has done away with it). Nor is one passed on from HTTP/1.0, or together with content, which would have to come first.
 */
export function upgradeProtocols(httpVersion: string, fields: Fields): readonly string[] {
  if (httpVersion !== '1.1' || !asksForUpgrade(fields)) return [];
  const framing = requestFraming(httpVersion, fields);
  if (framing.kind !== 'none' && !(framing.kind === 'length' && framing.octets === 0)) return [];
  return listMembers(fields, 'upgrade').filter((protocol) => isProtocol(protocol) && !isHttp(protocol));
}

/** Whether a 101 changes to protocols that were asked for, and to one at least. RFC 9110 15.2.2. */
export function changesAsAsked(asked: readonly string[], fields: Fields): boolean {
  const names = new Set(asked.map((protocol) => protocol.toLowerCase()));
  const chosen = listMembers(fields, 'upgrade');
  return chosen.length > 0 && chosen.every((protocol) => names.has(protocol.toLowerCase()));
}

/** RFC 9110 7.8: an Upgrade field without this option is for another hop. */
function asksForUpgrade(fields: Fields): boolean {
  return listMembers(fields, 'connection').some((option) => option.toLowerCase() === 'upgrade');
}

function isProtocol(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/.test(text);
}

function isHttp(protocol: string): boolean {
  return /^(?:h2c?|h3|http)(?:$|[/-])/i.test(protocol);
}
