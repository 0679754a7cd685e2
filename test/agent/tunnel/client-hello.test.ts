// The first octets of tunnels: real ClientHellos in whatever pieces, and octets that want to be one or to break the reader.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type ClientHello,
  clientHelloReader,
  maxAlpnProtocols,
  maxClientHelloBytes,
} from '../../../agent/tunnel/client-hello.ts';
import { startTcp } from '../../support/tcp.ts';

describe('a real client', () => {
  test.each<[string, ConnectionOptions, ClientHello]>([
    ['a name', { servername: 'o.example' }, found('o.example')],
    ['a name in upper case', { servername: 'O.Example' }, found('o.example')],
    [
      'a name with underscore and digits',
      { servername: '_a1.xn--bcher-kva.example' },
      found('_a1.xn--bcher-kva.example'),
    ],
    ['no name', {}, none('no-name')],
    [
      'protocols',
      { servername: 'o.example', ALPNProtocols: ['h2', 'http/1.1'] },
      found('o.example', ['h2', 'http/1.1']),
    ],
    ['protocols and no name', { ALPNProtocols: ['h2'] }, none('no-name', ['h2'])],
    ['TLS 1.2', { servername: 'o.example', maxVersion: 'TLSv1.2' }, found('o.example')],
    ['TLS 1.3 only', { servername: 'o.example', minVersion: 'TLSv1.3' }, found('o.example')],
  ])('of Node says %s', async (_, options, expected) => {
    const octets = await helloOfNode(options);
    expect(read(octets)).toEqual(expected);
    expect(read(...singly(octets))).toEqual(expected);
  });

  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  test.skipIf(!hasOpenssl).each<[string, string[], ClientHello]>([
    ['a name', ['-servername', 'o.example'], found('o.example')],
    ['no name', ['-noservername'], none('no-name')],
    ['protocols', ['-servername', 'o.example', '-alpn', 'h2,http/1.1'], found('o.example', ['h2', 'http/1.1'])],
    ['TLS 1.2', ['-servername', 'o.example', '-tls1_2'], found('o.example')],
    ['a name that is none', ['-servername', 'o..example'], none('not-a-name')],
  ])('of OpenSSL says %s', async (_, options, expected) => {
    const octets = await helloOfOpenssl(options);
    expect(read(octets)).toEqual(expected);
    expect(read(...singly(octets))).toEqual(expected);
  });

  test('H13: a ClientHello far larger than others is not read, and nothing of it is kept', async () => {
    const many = Array.from({ length: 240 }, (_, i) => `${i}`.padStart(250, 'x'));
    expect(read(await helloOfNode({ servername: 'o.example', ALPNProtocols: many }))).toEqual(none('too-long'));
  });

  test('many protocols are kept up to a bound', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `p${i}`);
    const hello = read(await helloOfNode({ servername: 'o.example', ALPNProtocols: many }));
    expect(hello).toEqual(found('o.example', many.slice(0, maxAlpnProtocols)));
  });
});

describe('pieces', () => {
  test('H13: any pieces and any records give the same answer as one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(600)), fc.integer({ min: 1, max: 600 }), (cuts, recordBytes) => {
        const octets = inRecords(hello([serverName('o.example'), alpn('h2')]), recordBytes);
        expect(read(...piecesOf(octets, cuts))).toEqual(found('o.example', ['h2']));
      }),
    );
  });

  test('up to the last octet it is incomplete, and what comes after changes nothing', () => {
    const next = clientHelloReader();
    const octets = inRecords(hello([serverName('o.example')]));
    expect(next(octets.subarray(0, -1))).toEqual({ kind: 'incomplete' });
    expect(next(Buffer.alloc(0))).toEqual({ kind: 'incomplete' });
    expect(next(octets.subarray(-1))).toEqual(found('o.example'));
    expect(next(inRecords(hello([serverName('other.example')])))).toEqual(found('o.example'));
    expect(read(Buffer.concat([octets, Buffer.from('more')]))).toEqual(found('o.example'));
  });

  test('what was read may be written over afterwards', () => {
    const next = clientHelloReader();
    const octets = inRecords(hello([serverName('o.example')]));
    const piece = Buffer.from(octets.subarray(0, -1));
    next(piece);
    piece.fill(0);
    expect(next(octets.subarray(-1))).toEqual(found('o.example'));
  });

  test('the longest that is read, and one octet more', () => {
    const padding = maxClientHelloBytes - hello([serverName('o.example'), [21, Buffer.alloc(0)]]).length;
    const longest = hello([[21, Buffer.alloc(padding)], serverName('o.example')]);
    const longer = hello([[21, Buffer.alloc(padding + 1)], serverName('o.example')]);
    expect(read(...singly(inRecords(longest, 100)))).toEqual(found('o.example'));
    expect(read(inRecords(longer, 100))).toEqual(none('too-long'));
    expect(read(inRecords(longer).subarray(0, 9))).toEqual(none('too-long')); // its head is enough to know
  });
});

describe('what it is told', () => {
  test.each<[string, Extension[], ClientHello]>([
    [
      'GREASE before and behind',
      [[0x0a0a, Buffer.alloc(1)], serverName('o.example'), [0xfafa, Buffer.alloc(0)]],
      found('o.example'),
    ],
    ['GREASE among the protocols', [alpn('\x0a\x0a', 'h2'), serverName('o.example')], found('o.example', ['h2'])],
    [
      'Encrypted Client Hello: the outer name',
      [[0xfe0d, Buffer.alloc(200, 7)], serverName('outer.example')],
      found('outer.example'),
    ],
    ['a root dot', [serverName('o.example.')], found('o.example')],
    ['an IPv4 address, which RFC 6066 forbids and programs send', [serverName('192.0.2.1')], found('192.0.2.1')],
    ['a name of another kind before it', [[0, list16(entry(7, 'x'), entry(0, 'o.example'))]], found('o.example')],
    ['only a name of another kind', [[0, list16(entry(7, 'x'))]], none('no-name')],
    ['no extensions', [], none('no-name')],
    ['control characters', [serverName('o.\x1b[2Jexample')], none('not-a-name')],
    ['NUL', [serverName('o.example\0.evil.example')], none('not-a-name')],
    ['H09: a path', [serverName('../../etc/x')], none('not-a-name')],
    ['H09: a wildcard', [serverName('*')], none('not-a-name')],
    ['octets beyond ASCII', [serverName('\xf6.example')], none('not-a-name')],
    ['an empty name', [serverName('')], none('not-a-name')],
    ['a name of 253 characters', [serverName(`${'a.'.repeat(126)}a`)], found(`${'a.'.repeat(126)}a`)],
    ['a longer one', [serverName(`${'a.'.repeat(127)}a`)], none('not-a-name')],
    ['a very long one', [serverName('a'.repeat(10_000))], none('not-a-name')],
    ['two names in two extensions', [serverName('o.example'), serverName('evil.example')], none('malformed')],
    ['an empty list of names', [[0, list16()]], none('malformed')],
    ['a name longer than its list', [[0, Buffer.of(0, 5, 0, 0, 9, 97, 97)]], none('malformed')],
    ['a list longer than its extension', [[0, Buffer.of(0, 9, 0, 0, 1, 97)]], none('malformed')],
    ['octets behind the list', [[0, Buffer.of(0, 4, 0, 0, 1, 97, 0)]], none('malformed')],
    [
      'protocols longer than their extension',
      [[16, Buffer.of(0, 3, 9, 97, 97)], serverName('o.example')],
      none('malformed'),
    ],
  ])('%s', (_, extensions, expected) => {
    expect(read(inRecords(hello(extensions)))).toEqual(expected);
  });

  test('a ClientHello of TLS 1.2 may end before its extensions', () => {
    expect(read(inRecords(handshake(1, head())))).toEqual(none('no-name'));
  });
});

describe('what is no ClientHello', () => {
  test.each<[string, Buffer, ClientHello]>([
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), { kind: 'not-tls' }],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), { kind: 'not-tls' }],
    ['one octet of anything', Buffer.of(0), { kind: 'not-tls' }],
    ['SSL 2', Buffer.of(0x80, 0x2e, 1, 3, 1), { kind: 'not-tls' }],
    ['a handshake record of no TLS', Buffer.of(22, 2, 0, 0, 5), { kind: 'not-tls' }],
    ['an alert first', Buffer.of(21, 3, 1, 0, 2, 2, 40), { kind: 'not-tls' }],
    ['an empty record', Buffer.of(22, 3, 1, 0, 0), none('malformed')],
    ['a record longer than one may be', Buffer.of(22, 3, 1, 0x40, 1), none('malformed')],
    ['a ServerHello', inRecords(handshake(2, head())), none('malformed')],
    [
      'another record within the message',
      Buffer.concat([inRecords(hello([])).subarray(0, 3), Buffer.of(0, 1, 1, 23)]),
      none('malformed'),
    ],
    ['a random that is cut off', inRecords(handshake(1, Buffer.alloc(33))), none('malformed')],
    [
      'a session identifier longer than the message',
      inRecords(handshake(1, Buffer.concat([Buffer.alloc(34), Buffer.of(255)]))),
      none('malformed'),
    ],
    [
      'extensions longer than the message',
      inRecords(handshake(1, Buffer.concat([head(), Buffer.of(255, 255)]))),
      none('malformed'),
    ],
    [
      'octets behind the extensions',
      inRecords(handshake(1, Buffer.concat([head(), list16(), Buffer.of(0)]))),
      none('malformed'),
    ],
    [
      'half an extension',
      inRecords(handshake(1, Buffer.concat([head(), list16(Buffer.of(0, 0, 0))]))),
      none('malformed'),
    ],
    [
      'a lone octet as extension',
      inRecords(handshake(1, Buffer.concat([head(), list16(Buffer.of(0))]))),
      none('malformed'),
    ],
  ])('%s', (_, octets, expected) => {
    expect(read(octets)).toEqual(expected);
    expect(read(...singly(octets))).toEqual(expected);
  });

  test('an octet is enough to know that it is not TLS', () => {
    expect(clientHelloReader()(Buffer.from('S'))).toEqual({ kind: 'not-tls' });
  });

  test('no octets of whatever kind make it throw or say what is no name, and pieces change nothing', () => {
    const valid = inRecords(hello([[0x0a0a, Buffer.alloc(3)], serverName('o.example'), alpn('h2', 'http/1.1')]), 40);
    const mutation = fc.record({ at: fc.nat(valid.length - 1), octet: fc.nat(255) });
    const mutated = fc.array(mutation, { maxLength: 8 }).map((mutations) => {
      const octets = Buffer.from(valid);
      for (const { at, octet } of mutations) octets[at] = octet;
      return octets;
    });
    const any = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets));
    fc.assert(
      fc.property(fc.oneof(mutated, any), fc.array(fc.nat(300)), (octets, cuts) => {
        const judged = read(octets);
        if (judged.kind === 'found') expect(judged.serverName).toMatch(/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/);
        expect(read(...piecesOf(octets, cuts))).toEqual(judged);
        expect(read(...singly(octets))).toEqual(judged);
      }),
      { numRuns: 2_000 },
    );
  });
});

function found(serverName: string, alpn: string[] = []): ClientHello {
  return { kind: 'found', serverName, alpn };
}

function none(because: Extract<ClientHello, { kind: 'none' }>['because'], alpn: string[] = []): ClientHello {
  return { kind: 'none', because, alpn };
}

function read(...pieces: Buffer[]): ClientHello {
  const next = clientHelloReader();
  let known: ClientHello = { kind: 'incomplete' };
  for (const piece of pieces) known = next(piece);
  return known;
}

function singly(octets: Buffer): Buffer[] {
  return Array.from(octets, (octet) => Buffer.of(octet));
}

function piecesOf(octets: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts, octets.length].sort((a, b) => a - b);
  return ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end));
}

type Extension = readonly [type: number, content: Buffer];

/** A handshake message: a ClientHello with these extensions. */
function hello(extensions: readonly Extension[]): Buffer {
  const all = extensions.map(([type, content]) => Buffer.concat([uint(2, type), uint(2, content.length), content]));
  return handshake(1, Buffer.concat([head(), list16(...all)]));
}

/** What stands before the extensions: version, random, session identifier, cipher suites, compression. */
function head(): Buffer {
  return Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 9),
    Buffer.of(32),
    Buffer.alloc(32, 8),
    Buffer.of(0, 2, 0x13, 1, 1, 0),
  ]);
}

function handshake(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type), uint(3, body.length), body]);
}

function inRecords(message: Buffer, recordBytes = 2 ** 14): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordBytes) {
    const fragment = message.subarray(at, at + recordBytes);
    records.push(Buffer.of(22, 3, 1), uint(2, fragment.length), fragment);
  }
  return Buffer.concat(records);
}

function serverName(name: string): Extension {
  return [0, list16(entry(0, name))];
}

function entry(type: number, name: string): Buffer {
  return Buffer.concat([Buffer.of(type), uint(2, name.length), Buffer.from(name, 'latin1')]);
}

function alpn(...names: string[]): Extension {
  return [16, list16(...names.map((name) => Buffer.concat([uint(1, name.length), Buffer.from(name, 'latin1')])))];
}

function list16(...members: Buffer[]): Buffer {
  const content = Buffer.concat(members);
  return Buffer.concat([uint(2, content.length), content]);
}

function uint(bytes: number, value: number): Buffer {
  const octets = Buffer.alloc(bytes);
  octets.writeUIntBE(value, 0, bytes);
  return octets;
}

/** The first flight of Node's TLS client. */
async function helloOfNode(options: ConnectionOptions): Promise<Buffer> {
  const [near, far] = duplexPair();
  const client = connect({ ...options, socket: near });
  client.on('error', () => undefined);
  onTestFinished(() => void client.destroy());
  return firstFlight(far);
}

async function helloOfOpenssl(options: readonly string[]): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  await using server = await startTcp((socket) => void firstFlight(socket).then(resolve));
  const openssl = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, ...options], {
    stdio: 'ignore',
  });
  const exited = once(openssl, 'exit');
  const octets = await Promise.race([promise, once(openssl, 'error').then(([cause]) => Promise.reject(cause))]);
  openssl.kill();
  await exited;
  return octets;
}

/** Octets up to the end of the first record, and of those after it that have come by then. */
async function firstFlight(stream: NodeJS.ReadableStream): Promise<Buffer> {
  let octets = Buffer.alloc(0);
  for await (const piece of stream) {
    octets = Buffer.concat([octets, piece as Buffer]);
    if (octets.length >= 5 && octets.length >= 5 + octets.readUInt16BE(3)) break;
  }
  return octets;
}
