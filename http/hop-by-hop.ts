// Which fields end at this hop: the only home of that rule, for both halves and both directions. RFC 9110 7.6.1.
import { type Field, type Fields, listMembers } from './fields.ts';

const hopByHopNames = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings', // RFC 9113 3.1: means nothing without the upgrade it came with
  'proxy-authenticate', // RFC 9110 11.7.1: speaks to the next client on the chain only
  'proxy-authentication-info', // RFC 9110 11.7.3
  'proxy-authorization', // RFC 9110 11.7.2: consumed by the first proxy
]);

/** Names that a `Connection` field cannot take away: without them the message means something else, or a loop is hidden. */
const protectedNames = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'date',
  'via',
  'cdn-loop', // RFC 8586 2: nobody may remove it, nor let it be removed
]);

/** Fields by which platforms and proxies speak of a client. From a client they are claims, so they are dropped. */
const claimNames = new Set([
  'proxy',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-worker',
  'cf-ew-via',
  'cf-ipcountry',
  'cf-ray',
  'cf-visitor',
  'true-client-ip',
  'x-real-ip',
]);

const internalPrefix = 'edgehop-';

/** The fields of a request that go on: without hop-by-hop fields, nominated ones, claims about the client and names of ours. */
export function endToEndRequestFields(fields: Fields): Field[] {
  return endToEnd(fields, (name) => claimNames.has(name) || name === 'expect');
}

/** The fields of a response that go on. `Expect` and claims do not occur there; names of ours are dropped. */
export function endToEndResponseFields(fields: Fields): Field[] {
  return endToEnd(fields, () => false);
}

/** Whether the sender of a request takes trailers behind the response's content. RFC 9110 10.1.4. */
export function takesTrailers(fields: Fields): boolean {
  return listMembers(fields, 'te').some((member) => member.split(';', 1)[0]?.trim().toLowerCase() === 'trailers');
}

/** Names that mean something only ahead of the content: how it is framed, where it goes, who may have it. RFC 9110 6.5.1. */
const neverTrailers = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'expires',
  'host',
  'location',
  'max-forwards',
  'set-cookie',
  'vary',
  'www-authenticate',
]);

/** The fields of a trailer section that go on. */
export function endToEndTrailers(trailers: Fields): Field[] {
  return endToEnd(trailers, (name) => neverTrailers.has(name) || claimNames.has(name));
}

function endToEnd(fields: Fields, isDropped: (lowerName: string) => boolean): Field[] {
  const nominated = nominatedNames(fields);
  const kept: Field[] = [];
  for (const field of fields) {
    const name = field[0].toLowerCase();
    if (hopByHopNames.has(name) || nominated?.has(name) || name.startsWith(internalPrefix) || isDropped(name)) continue;
    kept.push(field);
  }
  return kept;
}

function nominatedNames(fields: Fields): ReadonlySet<string> | undefined {
  const members = listMembers(fields, 'connection');
  const names = members.map((member) => member.toLowerCase()).filter((name) => !isIneffective(name));
  return names.length === 0 ? undefined : new Set(names);
}

/** Nominating these changes nothing: they cannot be taken away, or they go anyway, or they are no fields but options. */
function isIneffective(name: string): boolean {
  return protectedNames.has(name) || hopByHopNames.has(name) || name === 'close';
}
