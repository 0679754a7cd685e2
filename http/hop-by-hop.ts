// Which fields end at this hop: the only home of that rule, for both halves and both directions. RFC 9110 7.6.1.
import { type Field, FieldNames, type Fields, fieldValues, listMembers } from './fields.ts';
import { remembered } from './remembered.ts';

const hopByHopNames = new FieldNames([
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
const protectedNames = new FieldNames([
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
const claimNames = [
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
];

const internalPrefix = 'edgehop-';

/** The one name of ours that origins write: directives for this cache alone. RFC 9213 2. */
const targetedCacheControl = 'edgehop-cache-control';
const targetedName = new FieldNames([targetedCacheControl]);

/** The fields of a request that go on: without hop-by-hop fields, nominated ones, claims about the client and names of ours. */
export function endToEndRequestFields(fields: Fields): Field[] {
  return endToEnd(fields, notInRequests);
}

const notInRequests = new FieldNames([...hopByHopNames, ...claimNames, targetedCacheControl, 'expect']);

/** The fields of a response that go on. `Expect` and claims do not occur there; names of ours are dropped. */
export function endToEndResponseFields(fields: Fields): Field[] {
  return endToEnd(fields, hopByHopNames);
}

/** Whether the sender of a request takes trailers behind the response's content. RFC 9110 10.1.4. */
export function takesTrailers(fields: Fields): boolean {
  return listMembers(fields, 'te').some((member) => member.split(';', 1)[0]?.trim().toLowerCase() === 'trailers');
}

/** Names that mean something only ahead of the content: how it is framed, where it goes, who may have it. RFC 9110 6.5.1. */
const neverTrailers = [
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
];

/** The fields of a trailer section that go on. */
export function endToEndTrailers(trailers: Fields): Field[] {
  return endToEnd(trailers, notInTrailers);
}

const notInTrailers = new FieldNames([...hopByHopNames, ...claimNames, targetedCacheControl, ...neverTrailers]);

function endToEnd(fields: Fields, dropped: FieldNames): Field[] {
  const nominated = nominatedNames(fields);
  return fields.filter(([name]) => !dropped.has(name) && !isInternal(name) && nominated?.has(name) !== true);
}

function isInternal(name: string): boolean {
  if (name.length < internalPrefix.length) return false;
  return name.slice(0, internalPrefix.length).toLowerCase() === internalPrefix && !targetedName.has(name);
}

function nominatedNames(fields: Fields): FieldNames | undefined {
  const values = fieldValues(fields, 'connection');
  if (values.length === 0) return undefined;
  const lists = values.map((value) => effectiveNames(value)).filter((names) => names !== undefined);
  return lists.length > 1 ? new FieldNames(lists.flatMap((names) => [...names])) : lists[0];
}

const maxRemembered = 64;

/** The names that one Connection field takes away. The same few values come over and over. */
const effectiveNames = remembered(maxRemembered, (value) => {
  const members = listMembers([['connection', value]], 'connection').map((member) => member.toLowerCase());
  const names = members.filter((name) => !isIneffective(name));
  return names.length === 0 ? undefined : new FieldNames(names);
});

/** Nominating these changes nothing: they cannot be taken away, or they go anyway, or they are no fields but options. */
function isIneffective(name: string): boolean {
  return protectedNames.has(name) || hopByHopNames.has(name) || name === 'close';
}
