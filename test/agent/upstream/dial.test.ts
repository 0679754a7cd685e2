// Dialling real listeners on loopback: races of addresses, parents of every kind, and giving up.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createDial, type Dialled, type DialTarget } from '../../../agent/upstream/dial.ts';
import { type Parent, parseParent } from '../../../agent/upstream/parent.ts';
import { noParents, type Parents } from '../../../agent/upstream/parents.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { selfSigned } from '../../support/certificate.ts';
import { startHttpParent, startSocksParent, tunnelTo } from '../../support/parent.ts';
import { type SilentPort, startSilentPort } from '../../support/silent-port.ts';
import { closedPort, startTcp, type TcpServer } from '../../support/tcp.ts';

const limits = { connectTimeoutMs: 20_000, maxSocketBufferBytes: 64 * 1024 };
const hasty = { ...limits, connectTimeoutMs: 300 };

let silent: SilentPort;
let origin: TcpServer;

beforeAll(async () => {
  silent = await startSilentPort();
  origin = await startTcp((socket) => {
    socket.write('220 ');
    socket.pipe(socket);
  });
});

afterAll(async () => {
  await silent[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

describe('without a parent', () => {
  const dial = createDial(limits, noParents);

  test('the first address that accepts is the one, half-open and without delay', async () => {
    const { socket, address } = connected(await dial(target({ port: origin.port, addresses: ['127.0.0.1'] })));
    expect([address, socket.remoteAddress, socket.remotePort]).toEqual(['127.0.0.1', '127.0.0.1', origin.port]);
    expect([socket.allowHalfOpen, socket.readableHighWaterMark]).toEqual([true, limits.maxSocketBufferBytes]);
    expect(socket.listenerCount('error')).toBeGreaterThan(0);
    expect(await echoed(socket, 'hello')).toBe('220 hello');
  });

  test.each([
    [['::1', '127.0.0.1'], '127.0.0.1'],
    [['127.0.0.2', '127.0.0.1'], '127.0.0.1'],
    [['127.0.0.1', '127.0.0.2'], '127.0.0.1'],
  ])('of %j, of which one listens, that is the one', async (addresses, winner) => {
    const { address, socket } = connected(await dial(target({ port: origin.port, addresses })));
    expect([address, socket.remoteAddress]).toEqual([winner, winner]);
  });

  test('what is only passed on is read by the reader that comes with it, and all else is not', async () => {
    const to = target({ port: origin.port, addresses: ['127.0.0.1'] });
    const { socket, reader } = connected(await dial({ ...to, isPassedOn: true }));
    expect(socket.listenerCount('error')).toBeGreaterThan(0);
    await expect.poll(() => reader?.heldOctets).toBe('220 '.length);
    expect(connected(await dial(to)).reader).toBeUndefined();
  });

  test.each(['127.0.0.2', '::1'])('an address that is silent does not hold up %s', async (address) => {
    const { port } = silent;
    await listening(address, port);
    const dialled = connected(await dial(target({ port, addresses: ['127.0.0.1', address] })));
    expect([dialled.address, dialled.socket.remoteAddress]).toEqual([address, address]);
  });

  test('when all refuse, that is the error', async () => {
    const port = await closedPort();
    expect(await dial(target({ port, addresses: ['127.0.0.1', '::1'] }))).toMatchObject({
      kind: 'failed',
      error: {
        type: 'connection_refused',
        message: 'The destination refuses the connection. 2 of its addresses were tried.',
        cause: { code: 'ECONNREFUSED' },
      },
    });
  });

  test('nothing but an address is ever dialled', async () => {
    expect(await dial(target({ port: origin.port, addresses: [] }))).toMatchObject({ error: { type: 'dns_error' } });
  });

  test('the time is bounded', async () => {
    expect(await createDial(hasty, noParents)(target({ port: silent.port, addresses: ['127.0.0.1'] }))).toMatchObject({
      kind: 'failed',
      error: { type: 'connection_timeout', status: 504, message: expect.stringContaining('300 ms') },
    });
  });

  test('whoever has left is not waited for', async () => {
    const leaving = new AbortController();
    const dialled = dial(target({ port: silent.port, addresses: ['127.0.0.1'], signal: leaving.signal }));
    leaving.abort();
    expect(await dialled).toMatchObject({ kind: 'failed', error: { type: 'http_request_error', status: 499 } });
    const late = target({ port: origin.port, addresses: ['127.0.0.1'], signal: AbortSignal.abort() });
    expect(await dial(late)).toMatchObject({ error: { status: 499 } });
  });

  test('a signal after the connection is made concerns it no more', async () => {
    const leaving = new AbortController();
    const { socket } = connected(
      await dial(target({ port: origin.port, addresses: ['127.0.0.1'], signal: leaving.signal })),
    );
    leaving.abort();
    expect(await echoed(socket, 'hello')).toBe('220 hello');
  });
});

describe('through an HTTP parent', () => {
  test.each(['https', 'tunnel'] as const)('%s goes by CONNECT, with the name', async (scheme) => {
    await using parent = await startHttpParent(tunnelTo(origin.port));
    const dial = dialThrough(`http://127.0.0.1:${parent.port}`);
    const { socket, address, absoluteForm } = connected(await dial(target({ scheme, addresses: [] })));
    expect([address, absoluteForm]).toEqual([undefined, undefined]);
    expect(await echoed(socket, 'hello')).toBe('220 hello');
    expect(parent.asked).toEqual(['CONNECT o.example:443 HTTP/1.1\r\nHost: o.example:443\r\nVia: 1.1 edgehop-1a2b']);
  });

  test('with credentials, which are sent at once', async () => {
    await using parent = await startHttpParent(tunnelTo(origin.port));
    const dial = dialThrough(`http://me:secret@127.0.0.1:${parent.port}`);
    connected(await dial(target({})));
    expect(parent.asked[0]).toMatch(/\r\nProxy-Authorization: Basic bWU6c2VjcmV0$/);
  });

  test.each([
    ['', undefined],
    ['me:secret@', 'Basic bWU6c2VjcmV0'],
  ])('plain http is sent to it in absolute-form, nothing is said before (%s)', async (credentials, authorization) => {
    await using parent = await startHttpParent(() => undefined);
    const dial = dialThrough(`http://${credentials}127.0.0.1:${parent.port}`);
    const dialled = connected(await dial(target({ scheme: 'http', port: 80 })));
    expect(dialled.absoluteForm).toEqual({ authorization });
    expect([dialled.address, dialled.socket.remotePort]).toEqual([undefined, parent.port]);
    expect(parent.asked).toEqual([]);
  });

  test('octets that come in one segment with its head are the destination’s', async () => {
    const greeting = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nSSH-2.0 ';
    await using parent = await startHttpParent(tunnelTo(origin.port, greeting));
    const { socket } = connected(await dialThrough(`http://127.0.0.1:${parent.port}`)(target({})));
    expect(await echoed(socket, 'hello')).toBe('SSH-2.0 220 hello');
  });

  test('a head that comes one octet at a time is one head', async () => {
    await using parent = await startHttpParent(async (_head, socket) => {
      for (const octet of 'HTTP/1.1 200 OK\r\nX: y\r\n\r\nfirst') {
        await new Promise((written) => socket.write(octet, written));
        await new Promise(setImmediate);
      }
      socket.end();
    });
    const { socket } = connected(await dialThrough(`http://127.0.0.1:${parent.port}`)(target({})));
    expect(await textOf(socket)).toBe('first');
  });

  test('that opens the way and closes leaves a connection that ends', async () => {
    await using parent = await startHttpParent((_head, socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n'));
    const { socket } = connected(await dialThrough(`http://127.0.0.1:${parent.port}`)(target({})));
    if (!socket.readableEnded) await once(socket.resume(), 'end');
  });

  test.each<readonly [what: string, answer: (socket: Socket) => void, type: string, status: number]>([
    ['asks for credentials', says('HTTP/1.1 407 Who\r\n\r\n'), 'proxy_configuration_error', 502],
    ['denies', says('HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nBody'), 'http_request_denied', 403],
    ['cannot reach it', says('HTTP/1.1 503 No\r\n\r\n'), 'destination_unavailable', 502],
    ['speaks garbage', says('\x00\xff\x00\xff'), 'proxy_configuration_error', 502],
    ['closes', (socket) => void socket.end(), 'connection_terminated', 502],
    ['resets', (socket) => void socket.resetAndDestroy(), 'connection_terminated', 502],
    ['has an endless head', endless, 'http_response_header_section_size', 502],
  ])('that %s is told as such, and its connection is closed', async (_, answer, type, status) => {
    const ended = Promise.withResolvers<unknown>();
    await using parent = await startHttpParent((_head, socket) => {
      socket.on('end', ended.resolve).on('close', ended.resolve);
      answer(socket);
      socket.resume();
    });
    const dialled = await dialThrough(`http://127.0.0.1:${parent.port}`)(target({}));
    expect(dialled).toMatchObject({ kind: 'failed', error: { type, status } });
    expect(errorOf(dialled).message).toContain(`http://127.0.0.1:${parent.port}`);
    await ended.promise;
  });

  test('that is silent is given up in time, and at once when the client leaves', async () => {
    const asked = Promise.withResolvers<void>();
    await using parent = await startHttpParent(() => asked.resolve());
    expect(errorOf(await dialThrough(`http://127.0.0.1:${parent.port}`, hasty)(target({})))).toMatchObject({
      type: 'connection_timeout',
      status: 504,
      message: expect.stringContaining('did not open the way in time'),
    });
    const leaving = new AbortController();
    const dialled = dialThrough(`http://127.0.0.1:${parent.port}`)(target({ signal: leaving.signal }));
    await asked.promise;
    leaving.abort();
    expect(errorOf(await dialled)).toMatchObject({ type: 'http_request_error', status: 499 });
  });

  test.each([
    ['refuses', async () => closedPort(), 'connection_refused', /parent proxy .* refuses the connection\./],
    [
      'does not accept',
      async () => silent.port,
      'connection_timeout',
      /parent proxy .* did not open the way in time\./,
    ],
  ] as const)('that %s is told as the parent’s, not the destination’s', async (_, port, type, says) => {
    const error = errorOf(await dialThrough(`http://127.0.0.1:${await port()}`, boundFor(type))(target({})));
    expect(error).toMatchObject({ type, message: expect.stringMatching(says) });
    expect(error.advice).toBe('Check HTTPS_PROXY, or name the destination in NO_PROXY.');
  });

  test.each([
    ['dns_error', /has a name that cannot be resolved/],
    ['proxy_loop_detected', /is edgehop itself/],
  ] as const)('whose addresses are not to be had (%s) is told', async (type, says) => {
    const error = new ProxyError(type, 'No.');
    const dial = dialThrough('http://proxy.example:1', limits, async () => ({ kind: 'failed', error }));
    expect(errorOf(await dial(target({})))).toMatchObject({ type, message: expect.stringMatching(says) });
  });

  test('whose name server is silent is given up in time', async () => {
    const dial = dialThrough('http://proxy.example:1', hasty, () => new Promise(() => undefined));
    expect(errorOf(await dial(target({})))).toMatchObject({ type: 'connection_timeout' });
  });

  test('is raced like a destination', async () => {
    await using parent = await startHttpParent(tunnelTo(origin.port));
    const addresses = ['::1', '127.0.0.2', '127.0.0.1'];
    const dial = dialThrough(`http://proxy.example:${parent.port}`, limits, async () => ({
      kind: 'resolved',
      addresses,
    }));
    expect(await echoed(connected(await dial(target({}))).socket, 'hello')).toBe('220 hello');
  });
});

describe('through an https parent', () => {
  const certificate = selfSigned('127.0.0.1', 'proxy.example');
  const others = getCACertificates('default');
  const loopback = async () => ({ kind: 'resolved' as const, addresses: ['127.0.0.1'] });

  beforeAll(() => setDefaultCACertificates([...others, certificate.cert]));
  afterAll(() => setDefaultCACertificates(others));

  test.each(['127.0.0.1', 'proxy.example'])('%s, octets, ends and both forms go as through any other', async (host) => {
    await using parent = await startHttpParent(tunnelTo(origin.port, 'HTTP/1.1 200 OK\r\n\r\nfirst '), certificate);
    const dial = dialThrough(`https://me:secret@${host}:${parent.port}`, limits, loopback);
    const { socket, address } = connected(await dial(target({})));
    expect([address, socket.allowHalfOpen]).toEqual([undefined, true]);
    expect(await echoed(socket, 'hello')).toBe('first 220 hello');
    expect(connected(await dial(target({ scheme: 'http' }))).absoluteForm?.authorization).toMatch(/^Basic /);
  });

  test('a reset is a reset of the connection below', async () => {
    const ended = Promise.withResolvers<unknown>();
    await using parent = await startHttpParent((_head, socket) => {
      socket.on('error', ended.resolve).on('end', ended.resolve).resume();
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
    }, certificate);
    const dial = dialThrough(`https://127.0.0.1:${parent.port}`);
    const { socket } = connected(await dial(target({})));
    const closed = once(socket, 'close');
    socket.resetAndDestroy();
    await closed;
    expect(await ended.promise).toMatchObject({ code: 'ECONNRESET' });
  });

  test('whose certificate is for another name, or trusted by nobody, is refused before it learns anything', async () => {
    const heads: string[] = [];
    const unknown = selfSigned('127.0.0.1');
    await using other = await startHttpParent((head) => void heads.push(head), certificate);
    await using untrusted = await startHttpParent((head) => void heads.push(head), unknown);
    for (const url of [`https://other.example:${other.port}`, `https://127.0.0.1:${untrusted.port}`]) {
      expect(errorOf(await dialThrough(url, limits, loopback)(target({})))).toMatchObject({
        type: 'tls_certificate_error',
        message: expect.stringMatching(/parent proxy .* certificate that is not trusted/),
      });
    }
    expect(heads).toEqual([]);
  });

  test.each<readonly [what: string, accept: (socket: Socket) => void, type: string]>([
    ['speaks no TLS', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'tls_protocol_error'],
    ['closes in the handshake', (socket) => void socket.end(), 'connection_terminated'],
    ['resets in the handshake', (socket) => void socket.resetAndDestroy(), 'connection_terminated'],
    ['is silent in the handshake', () => undefined, 'connection_timeout'],
  ])('that %s is %#', async (_, accept, type) => {
    await using server = await startTcp((socket) => void socket.once('data', () => accept(socket)));
    const error = errorOf(await dialThrough(`https://127.0.0.1:${server.port}`, boundFor(type))(target({})));
    expect([error.type, error.message]).toEqual([type, expect.stringContaining('parent proxy')]);
  });
});

describe('through a SOCKS5 parent', () => {
  const toOrigin = () => ({ port: origin.port });

  test.each(['http', 'https', 'tunnel'] as const)('socks5h: %s goes with the name', async (scheme) => {
    await using parent = await startSocksParent({ destination: toOrigin });
    const dial = dialThrough(`socks5h://127.0.0.1:${parent.port}`);
    const { socket, address, absoluteForm } = connected(await dial(target({ scheme })));
    expect([address, absoluteForm]).toEqual([undefined, undefined]);
    expect(await echoed(socket, 'hello')).toBe('220 hello');
    expect(parent.asked).toEqual(['o.example:443']);
  });

  test('socks5: the judged address goes, never the name', async () => {
    await using parent = await startSocksParent({ destination: toOrigin });
    const dial = dialThrough(`socks5://127.0.0.1:${parent.port}`);
    connected(await dial(target({ addresses: ['192.0.2.1', '2001:db8::1'] })));
    expect(parent.asked).toEqual(['192.0.2.1:443']);
    expect(errorOf(await dial(target({ addresses: [] })))).toMatchObject({ type: 'dns_error' });
    expect(parent.connections).toBe(1);
  });

  test('socks5: an address that it does not reach gives way to the next, one that it refuses does not', async () => {
    const reply = (asked: string) => (asked.startsWith('[') ? { reply: 4 } : { port: origin.port });
    await using parent = await startSocksParent({ destination: reply });
    const addresses = ['2001:db8::1', '2001:db8::2', '192.0.2.1'];
    connected(await dialThrough(`socks5://127.0.0.1:${parent.port}`)(target({ addresses })));
    expect(parent.asked).toEqual(['[2001:0db8:0000:0000:0000:0000:0000:0001]:443', '192.0.2.1:443']);
    await using strict = await startSocksParent({ destination: () => ({ reply: 2 }) });
    const error = errorOf(await dialThrough(`socks5://127.0.0.1:${strict.port}`)(target({ addresses })));
    expect([error.type, strict.asked.length]).toEqual(['http_request_denied', 1]);
  });

  test('socks5: a bounded number of addresses is tried', async () => {
    await using parent = await startSocksParent({ destination: () => ({ reply: 5 }) });
    const addresses = Array.from({ length: 9 }, (_, i) => `192.0.2.${i}`);
    const error = errorOf(await dialThrough(`socks5://127.0.0.1:${parent.port}`)(target({ addresses })));
    expect([error.type, parent.asked.length]).toEqual(['connection_refused', 4]);
  });

  test.each([
    ['me:secret@', undefined],
    ['', 'asks for credentials'],
    ['me:wrong@', 'does not take the credentials'],
  ])('credentials %s: %s', async (credentials, says) => {
    await using parent = await startSocksParent({ credentials: 'me:secret', destination: toOrigin });
    const dialled = await dialThrough(`socks5h://${credentials}127.0.0.1:${parent.port}`)(target({}));
    if (says === undefined) expect(await echoed(connected(dialled).socket, 'hello')).toBe('220 hello');
    else expect(errorOf(dialled).message).toContain(says);
  });

  test.each<readonly [what: string, accept: (socket: Socket) => void, type: string]>([
    ['speaks HTTP', says('HTTP/1.1 400 Bad Request\r\n\r\n'), 'proxy_configuration_error'],
    ['closes after the greeting', (socket) => void socket.end(Buffer.of(5, 0)), 'connection_terminated'],
    ['grants half a reply and closes', (socket) => void socket.end(Buffer.of(5, 0, 5, 0, 0)), 'connection_terminated'],
    ['is silent', () => undefined, 'connection_timeout'],
  ])('that %s is %#', async (_, accept, type) => {
    await using server = await startTcp(accept);
    expect(errorOf(await dialThrough(`socks5h://127.0.0.1:${server.port}`, boundFor(type))(target({}))).type).toBe(
      type,
    );
  });
});

/** Only what is to run out of time has little of it. */
function boundFor(type: string): typeof limits {
  return type === 'connection_timeout' ? hasty : limits;
}

function target(parts: Partial<DialTarget>): DialTarget {
  return { host: 'o.example', port: 443, addresses: [], scheme: 'https', ...parts };
}

/** A dial for which everything goes through this parent. Without `addressesOf` its host is an address. */
function dialThrough(url: string, of = limits, addressesOf?: Parents['addressesOf']) {
  const parent: Parent = parseParent(url, 'HTTPS_PROXY');
  return createDial(of, {
    of: () => parent,
    addressesOf: addressesOf ?? (async () => ({ kind: 'resolved', addresses: [parent.host] })),
    pseudonym: 'edgehop-1a2b',
  });
}

function connected(dialled: Dialled): Extract<Dialled, { kind: 'connected' }> {
  if (dialled.kind === 'failed') throw dialled.error;
  onTestFinished(() => void dialled.socket.destroy());
  return dialled;
}

function errorOf(dialled: Dialled): ProxyError {
  if (dialled.kind === 'connected') throw new Error('connected');
  return dialled.error;
}

function says(latin1: string): (socket: Socket) => void {
  return (socket) => void socket.write(latin1, 'latin1');
}

function endless(socket: Socket): void {
  const line = `X: ${'y'.repeat(1_000)}\r\n`;
  socket.write('HTTP/1.1 200 OK\r\n');
  const pour = () => {
    if (!socket.destroyed) socket.write(line, pour);
  };
  pour();
}

/** Sends a text and its end, and gives all that comes back. */
function echoed(socket: Socket, text: string): Promise<string> {
  const all = textOf(socket);
  socket.end(text);
  return all;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (octets) => {
    text += octets;
  });
  await once(socket, 'end');
  return text;
}

async function listening(host: string, port = 0): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await once(server.listen(port, host), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
