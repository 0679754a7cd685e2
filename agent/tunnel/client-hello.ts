// Reads what a TLS client says in clear before anything else: the server's name and the protocols of its ClientHello.
import { parseHost } from '../../http/authority.ts';

/** The longest ClientHello that is read, without the heads of its records. Real ones have 200 to 2,500 octets. */
export const maxClientHelloBytes = 16 * 1024;

/** The most protocol names that are kept of one ClientHello. */
export const maxAlpnProtocols = 16;

/**
 * What the first octets of a connection are. With Encrypted Client Hello the name is the outer one, which leads to the
 * provider and not to the site. `alpn`: protocol names in the client's order, as RFC 7301 3.1 has them.
 */
export type ClientHello =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not-tls' }
  | {
      readonly kind: 'none';
      readonly because: 'no-name' | 'not-a-name' | 'malformed' | 'too-long';
      readonly alpn: readonly string[];
    }
  | { readonly kind: 'found'; readonly serverName: string; readonly alpn: readonly string[] };

/**
 * Reads a connection's first octets in whatever pieces they come: each call takes the next ones and says what is known.
 * Once it is anything but `incomplete` it stays that. RFC 8446 4.1.2 and 5.1.
 */
export function clientHelloReader(): (octets: Uint8Array) => ClientHello {
  const recordHead = new Uint8Array(recordHeadBytes);
  let recordHeadOctets = 0;
  let recordLeft = 0;
  let message: Uint8Array = nothing;
  let messageOctets = 0;
  let known: ClientHello = { kind: 'incomplete' };

  const take = (fragment: Uint8Array): ClientHello => {
    // Mostly the whole message is in one piece, and is read where it stands.
    const held = messageOctets === 0 ? fragment : appended(message, messageOctets, fragment);
    messageOctets += fragment.length;
    const length = messageLength(held.subarray(0, messageOctets));
    if (length === 'unknown' || (typeof length === 'number' && messageOctets < length)) {
      message = held === fragment ? new Uint8Array(fragment) : held;
      return { kind: 'incomplete' };
    }
    message = nothing;
    if (length === 'not-a-client-hello') return none('malformed');
    return length === 'too-long' ? none('too-long') : parsed(held.subarray(messageHeadBytes, length));
  };

  const next = (octets: Uint8Array): ClientHello => {
    for (let at = 0; at < octets.length; ) {
      if (recordLeft === 0) {
        recordHead[recordHeadOctets++] = octets[at++] as number;
        const isFirst = messageOctets === 0;
        if (!beginsRecord(recordHead, recordHeadOctets)) return isFirst ? { kind: 'not-tls' } : none('malformed');
        if (recordHeadOctets < recordHeadBytes) continue;
        recordHeadOctets = 0;
        recordLeft = uint16(recordHead, 3);
        // An empty one would let a message come in more octets than its bound has room for.
        if (recordLeft === 0 || recordLeft > maxRecordBytes) return none('malformed');
        continue;
      }
      const fragment = octets.subarray(at, at + recordLeft);
      at += fragment.length;
      recordLeft -= fragment.length;
      const judged = take(fragment);
      if (judged.kind !== 'incomplete') return judged;
    }
    return { kind: 'incomplete' };
  };

  return (octets) => {
    if (known.kind === 'incomplete') known = next(octets);
    return known;
  };
}

const recordHeadBytes = 5; // RFC 8446 5.1
const maxRecordBytes = 2 ** 14;
const messageHeadBytes = 4; // RFC 8446 4
const handshake = 22;
const clientHello = 1;
const nothing = new Uint8Array(0);
const leastRoom = 1024;

/** Whether so much of a record's head may be that of a handshake record. Every version of TLS has 3 as its first number. */
function beginsRecord(head: Uint8Array, octets: number): boolean {
  return head[0] === handshake && (octets < 2 || head[1] === 3);
}

/** Octets of the whole message with its head, or why it is not read. */
function messageLength(message: Uint8Array): number | 'unknown' | 'not-a-client-hello' | 'too-long' {
  if (message.length > 0 && message[0] !== clientHello) return 'not-a-client-hello';
  if (message.length < messageHeadBytes) return 'unknown';
  const length = messageHeadBytes + uint24(message, 1);
  return length > maxClientHelloBytes ? 'too-long' : length;
}

/** `held` with the fragment behind its first `octets`, in the same room while there is some: each octet is moved few times. */
function appended(held: Uint8Array, octets: number, fragment: Uint8Array): Uint8Array {
  const needed = octets + fragment.length;
  const room = needed <= held.length ? held : new Uint8Array(Math.max(leastRoom, 2 * needed));
  if (room !== held) room.set(held.subarray(0, octets));
  room.set(fragment, octets);
  return room;
}

/** A ClientHello without its head. RFC 8446 4.1.2; one of TLS 1.2 may end before the extensions. */
function parsed(body: Uint8Array): ClientHello {
  const rest = [8, 16, 8].reduce<Uint8Array | undefined>(
    (left, sizeBits) => left && split(left, sizeBits)?.rest, // session identifier, cipher suites, compression
    body.length < versionAndRandomBytes ? undefined : body.subarray(versionAndRandomBytes),
  );
  if (rest === undefined) return none('malformed');
  if (rest.length === 0) return none('no-name');
  const extensions = split(rest, 16);
  if (extensions === undefined || extensions.rest.length > 0) return none('malformed');
  let names: Uint8Array | undefined;
  let alpn: readonly string[] | undefined;
  for (let left = extensions.vector; left.length > 0; ) {
    const extension = left.length < 2 ? undefined : split(left.subarray(2), 16);
    if (extension === undefined) return none('malformed');
    const type = uint16(left, 0);
    if (type === serverNameExtension) {
      if (names !== undefined) return none('malformed'); // two, of which others may read the other one
      names = extension.vector;
    }
    if (type === alpnExtension) {
      alpn = protocols(extension.vector);
      if (alpn === undefined) return none('malformed');
    }
    left = extension.rest;
  }
  return names === undefined ? none('no-name', alpn) : named(names, alpn);
}

const versionAndRandomBytes = 2 + 32;
const serverNameExtension = 0; // RFC 6066 3
const alpnExtension = 16; // RFC 7301 3.1
const hostName = 0;
const maxNameBytes = 254; // 253 and a root dot

/** The first host name of a server name list. RFC 6066 3. */
function named(extension: Uint8Array, alpn: readonly string[] | undefined): ClientHello {
  const list = split(extension, 16);
  if (list === undefined || list.rest.length > 0 || list.vector.length === 0) return none('malformed');
  for (let left = list.vector; left.length > 0; ) {
    const name = split(left.subarray(1), 16);
    if (name === undefined) return none('malformed');
    if (left[0] === hostName) {
      const host = name.vector.length > maxNameBytes ? undefined : parseHost(text(name.vector));
      return host?.kind === 'host'
        ? { kind: 'found', serverName: host.host, alpn: alpn ?? [] }
        : none('not-a-name', alpn);
    }
    left = name.rest;
  }
  return none('no-name', alpn);
}

/** The names of a protocol name list that can be printed, which leaves out those of GREASE, RFC 8701 3. */
function protocols(extension: Uint8Array): readonly string[] | undefined {
  const list = split(extension, 16);
  if (list === undefined || list.rest.length > 0) return undefined;
  const all: string[] = [];
  for (let left = list.vector; left.length > 0; ) {
    const name = split(left, 8);
    if (name === undefined) return undefined;
    const protocol = text(name.vector);
    if (all.length < maxAlpnProtocols && /^[\x21-\x7e]+$/.test(protocol)) all.push(protocol);
    left = name.rest;
  }
  return all;
}

/** What begins with a vector whose length stands before it in 8 or 16 bits: the vector, and what follows. RFC 8446 3.4. */
function split(
  octets: Uint8Array,
  sizeBits: number,
): { readonly vector: Uint8Array; readonly rest: Uint8Array } | undefined {
  const sizeBytes = sizeBits / 8;
  if (octets.length < sizeBytes) return undefined;
  const end = sizeBytes + (sizeBits === 8 ? (octets[0] as number) : uint16(octets, 0));
  return octets.length < end ? undefined : { vector: octets.subarray(sizeBytes, end), rest: octets.subarray(end) };
}

function none(because: Extract<ClientHello, { kind: 'none' }>['because'], alpn: readonly string[] = []): ClientHello {
  return { kind: 'none', because, alpn };
}

function uint16(octets: Uint8Array, at: number): number {
  return ((octets[at] as number) << 8) | (octets[at + 1] as number);
}

function uint24(octets: Uint8Array, at: number): number {
  return ((octets[at] as number) << 16) | uint16(octets, at + 1);
}

function text(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}
