// SOCKS5 on the port where HTTP is: the same tunnels as by CONNECT, refused in its own words, whatever pieces it comes in.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { selfSigned } from '../support/certificate.ts';
import { type Client, connectClient, exchangeOnce } from '../support/client.ts';
import { octetsOf } from '../support/messages.ts';
import { message, startOrigin } from '../support/origin.ts';
import { type Ran, run } from '../support/program.ts';
import { startSilentPort } from '../support/silent-port.ts';
import { startTcp } from '../support/tcp.ts';

let proxy: TestAgent;
let hasty: TestAgent;

beforeAll(async () => {
  const answers = { 'mapped.example': ['127.0.0.1'], 'nowhere.example': [] };
  proxy = await startTestAgent({ edge: 'none', answers });
  hasty = await startTestAgent({ edge: 'none', limits: { connectTimeoutMs: 400, headTimeoutMs: 400 } });
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await hasty[Symbol.asyncDispose]();
});

const hello = Buffer.of(5, 1, 0);
const welcome = Buffer.of(5, 0);
const reply = (code: number) => Buffer.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0);
const open = Buffer.concat([welcome, reply(0)]);
const echo = (socket: Socket) => void socket.pipe(socket);

function port16(port: number): Buffer {
  return Buffer.of(port >> 8, port & 255);
}

function toIpv4(port: number, ...octets: number[]): Buffer {
  return Buffer.concat([Buffer.of(5, 1, 0, 1, ...octets), port16(port)]);
}

function toName(name: string, port: number): Buffer {
  return Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), Buffer.from(name, 'latin1'), port16(port)]);
}

function toHere(port: number): Buffer {
  return toIpv4(port, 127, 0, 0, 1);
}

interface RecordedClient extends Client {
  /** The record of what came over this connection. Ports are used again, so those before it do not count. */
  record(): Promise<ExchangeRecord>;
}

async function connected(agent = proxy): Promise<RecordedClient> {
  const before = agent.records.length;
  const client = await connectClient(agent.port);
  const { localPort } = client.socket;
  const isOurs = (each: ExchangeRecord) => each.client.port === localPort && agent.records.indexOf(each) >= before;
  return Object.assign(client, { record: () => agent.recordWhere(isOurs) });
}

/** A tunnel that is open: what the client sends from here on reaches the port. */
async function openTunnel(port: number, request = toHere(port)): Promise<RecordedClient> {
  const client = await connected();
  client.send(hello);
  expect(await client.octets.exactly(2)).toEqual(welcome);
  client.send(request);
  expect(await client.octets.exactly(10)).toEqual(reply(0));
  return client;
}

async function sendOneByOne(client: Client, octets: Buffer): Promise<void> {
  for (const octet of octets) {
    client.send(Buffer.of(octet));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('curl', () => {
  const curl = (...args: string[]): Promise<Ran> => run('curl', '-sS', '--max-time', '20', ...args);
  const address = () => `127.0.0.1:${proxy.port}`;
  const hi = (_request: unknown, socket: Socket) =>
    void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'hi'));

  test.each([
    ['by address', '--socks5', 'http://127.0.0.1'],
    ['by a name that only the agent can resolve', '--socks5-hostname', 'http://mapped.example'],
  ])('gets a page %s', async (_, option, url) => {
    await using origin = await startOrigin(hi);
    expect(await curl(option, address(), `${url}:${origin.port}/page`)).toEqual({ code: 0, stdout: 'hi', stderr: '' });
    expect(origin.requests.map(({ target }) => target)).toEqual(['/page']);
  });

  test('gets a page with a user and a password', async () => {
    await using origin = await startOrigin(hi);
    expect(await curl('-x', `socks5h://me:secret@${address()}`, `${origin.url}/`)).toMatchObject({ stdout: 'hi' });
    expect(JSON.stringify(proxy.records)).not.toContain('secret');
  });

  test('gets a page over TLS', async () => {
    const tls = selfSigned('mapped.example');
    await using origin = await startOrigin(hi, { tls });
    const url = `https://mapped.example:${origin.port}/`;
    expect(await curl('-k', '--socks5-hostname', address(), url)).toMatchObject({ code: 0, stdout: 'hi' });
  });

  test.each(['--socks5', '--socks5-hostname'])('reaches an IPv6 address with %s', async (option) => {
    await using server = await startTcp(
      (socket) => void socket.once('data', () => socket.end(message(['HTTP/1.0 200 OK'], 'six'))),
      '::1',
    );
    expect(await curl(option, address(), `http://[::1]:${server.port}/`)).toMatchObject({ stdout: 'six' });
    expect(await proxy.recordOf(`[::1]:${server.port}`)).toMatchObject({
      request: { method: 'SOCKS5', httpVersion: '' },
      destination: { host: '[::1]', address: '::1', knownBy: 'socket' },
    });
  });

  test('says why there is no tunnel', async () => {
    const refused = await curl('--socks5-hostname', address(), 'http://nowhere.example/');
    expect([refused.code, refused.stderr]).toEqual([97, expect.stringContaining('nowhere.example. (4)')]);
  });
});

describe('a tunnel', () => {
  test('is recorded as those of CONNECT are', async () => {
    await using server = await startTcp(echo);
    using client = await openTunnel(server.port, toName('Mapped.Example.', server.port));
    client.send('hello');
    client.socket.end();
    expect((await client.octets.rest()).toString()).toBe('hello');
    const record = await client.record();
    expect(record).toMatchObject({
      kind: 'tunnel',
      request: { method: 'SOCKS5', url: `mapped.example:${server.port}`, httpVersion: '' },
      response: { status: 200, reason: 'SOCKS5 reply 0' },
      route: { kind: 'direct', because: 'connect' },
      destination: { host: 'mapped.example', port: server.port, address: '127.0.0.1', knownBy: 'socket' },
      octets: { fromClient: 5, toClient: 5 },
    });
    expect(Object.keys(record.stages)).toEqual([
      'client-accepted',
      'request-received',
      'request-relayed',
      'response-received',
      'response-sent',
    ]);
  });

  test('takes any user and password where the client offers nothing else', async () => {
    await using server = await startTcp(echo);
    using client = await connected();
    client.send(Buffer.of(5, 1, 2));
    expect(await client.octets.exactly(2)).toEqual(Buffer.of(5, 2));
    client.send(Buffer.from('\x01\x02me\x06secret', 'latin1'));
    expect(await client.octets.exactly(2)).toEqual(Buffer.of(1, 0));
    client.send(toHere(server.port));
    expect(await client.octets.exactly(10)).toEqual(reply(0));
  });

  test('C13: has octets that came in one segment with its request delivered once, when it is up', async () => {
    await using server = await startTcp(echo);
    using client = await connected();
    client.send(Buffer.concat([hello, toHere(server.port), Buffer.from('early')]));
    expect(await client.octets.exactly(12)).toEqual(open);
    client.send(' and late');
    client.socket.end();
    expect((await client.octets.rest()).toString()).toBe('early and late');
    expect((await client.record()).octets).toEqual({ fromClient: 14, toClient: 14 });
  });

  test('A18: comes from octets that each come alone, those of the tunnel too', async () => {
    await using server = await startTcp(echo);
    using client = await connected();
    await sendOneByOne(client, Buffer.concat([hello, toName('mapped.example', server.port), Buffer.from('early')]));
    client.socket.end();
    expect(await client.octets.exactly(12)).toEqual(open);
    expect((await client.octets.rest()).toString()).toBe('early');
    expect((await client.record()).octets).toEqual({ fromClient: 5, toClient: 5 });
  });

  test('carries what the server says first', async () => {
    await using server = await startTcp((socket) => void socket.write('220 ready\r\n'));
    using client = await openTunnel(server.port);
    expect((await client.octets.until('\r\n'))?.toString()).toBe('220 ready\r\n');
  });

  test('carries an end each way, and what comes after the other', async () => {
    await using server = await startTcp((socket) => {
      void octetsOf(socket)
        .rest()
        .then((got) => socket.end(`you said ${got}`));
    });
    using client = await openTunnel(server.port);
    client.send('all of this');
    client.socket.end();
    expect((await client.octets.rest()).toString()).toBe('you said all of this');
    expect(await client.ended).toBe('end');
  });

  test('passes resets on as resets', async () => {
    const ended = Promise.withResolvers<string>();
    await using server = await startTcp((socket) => {
      socket.once('data', (octets) => {
        if (octets.toString() === 'reset me') socket.resetAndDestroy();
      });
      void octetsOf(socket).ended.then(ended.resolve);
    });
    const leaving = await openTunnel(server.port);
    leaving.socket.resetAndDestroy();
    expect(await ended.promise).toBe('reset');
    using client = await openTunnel(server.port);
    client.send('reset me');
    expect(await client.ended).toBe('reset');
  });

  test('carries 4 MB that were sent before it was up, octet for octet', async () => {
    const received = Promise.withResolvers<Buffer>();
    await using server = await startTcp((socket) => void octetsOf(socket).rest().then(received.resolve));
    using client = await connected();
    const content = Buffer.alloc(4 * 1024 * 1024, 'abcdefghijklmnopqrstuvwxyz{}');
    client.send(Buffer.concat([hello, toHere(server.port), content]));
    client.socket.end();
    expect((await received.promise).equals(content)).toBe(true);
  });
});

describe('a client is refused', () => {
  /** Sends everything at once, with octets behind it that are nobody's, and gives all that is answered. */
  async function refusal(octets: Buffer, agent = proxy) {
    using client = await connected(agent);
    client.send(Buffer.concat([octets, Buffer.from('early octets are nobody’s')]));
    const replied = [...(await client.octets.rest())];
    const ending = await client.ended;
    return { replied, ending, record: await client.record() };
  }

  async function expectRefused(request: Buffer, code: number, type: string, agent = proxy): Promise<void> {
    const { record, ...seen } = await refusal(Buffer.concat([hello, request]), agent);
    expect(seen).toEqual({ replied: [...welcome, ...reply(code)], ending: 'end' });
    expect(record).toMatchObject({
      kind: 'tunnel',
      request: { method: 'SOCKS5' },
      response: { reason: `SOCKS5 reply ${code}` },
      error: { type, source: 'agent' },
    });
    expect(record.octets).toEqual({ fromClient: 0, toClient: 0 });
    await expectSentinel(agent);
  }

  async function expectSentinel(agent = proxy): Promise<void> {
    const response = await exchangeOnce(agent.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect([response.status, response.ending]).toEqual([400, 'end']);
  }

  test('that wants BIND', () => expectRefused(Buffer.of(5, 2, 0, 1), 7, 'http_request_error'));
  test('that wants UDP ASSOCIATE', () => expectRefused(Buffer.of(5, 3, 0, 1), 7, 'http_request_error'));
  test('with an unknown kind of address', () => expectRefused(Buffer.of(5, 1, 0, 5), 8, 'http_request_error'));
  test('C16: with a name outside ASCII', () => expectRefused(toName('b\xfccher.example', 80), 1, 'http_request_error'));
  test('D07: with a name that has CR and LF', () =>
    expectRefused(toName('a.example\r\nx', 80), 1, 'http_request_error'));
  test('C07: when the port is for sending mail', () => expectRefused(toHere(25), 2, 'http_request_denied'));
  test('C07: when the port is 0', () => expectRefused(toHere(0), 1, 'http_request_error'));
  test('when the name does not exist', () => expectRefused(toName('nowhere.example', 443), 4, 'dns_error'));

  test('when the destination refuses', async () => {
    const gone = await startTcp(echo);
    await gone[Symbol.asyncDispose]();
    await expectRefused(toHere(gone.port), 5, 'connection_refused');
  });

  test('when the destination does not accept in time', async () => {
    await using silent = await startSilentPort();
    await expectRefused(toHere(silent.port), 6, 'connection_timeout', hasty);
  });

  test('C05: when the destination is the agent itself', async () => {
    await expectRefused(toHere(proxy.port), 2, 'destination_ip_prohibited');
    await expectRefused(toName('mapped.example', proxy.controlPort), 2, 'destination_ip_prohibited');
  });

  test.each(routes)('C01: by edge %s when the destination is private, and nothing is dialled', async (edge) => {
    await using server = await startTcp(echo);
    const answers = { 'rebound.example': ['93.184.216.34', '127.0.0.1'] };
    await using strict = await startTestAgent({ edge, allowPrivate: false, answers });
    const mapped = Buffer.from('00000000000000000000ffff7f000001', 'hex');
    for (const request of [
      toHere(server.port),
      toIpv4(server.port, 0, 0, 0, 0),
      Buffer.concat([Buffer.of(5, 1, 0, 4), mapped, port16(server.port)]),
      toName('127.0.0.1', server.port),
      toName('::1', server.port),
      toName('localhost', server.port),
      toName('rebound.example', server.port),
    ]) {
      await expectRefused(request, 2, 'destination_ip_prohibited', strict);
    }
    expect(server.connections).toBe(0);
  });

  test('without an acceptable method', async () => {
    expect(await refusal(Buffer.of(5, 1, 1))).toMatchObject({ replied: [5, 255], ending: 'end' });
    await expectSentinel();
  });

  test.each([
    ['its greeting', Buffer.of(5, 200), [5, 255]],
    ['its user and password', Buffer.of(5, 1, 2, 1, 200, 65), [5, 2, 1, 1]],
    ['its request', Buffer.concat([hello, Buffer.of(5, 1, 0, 3, 200)]), [...welcome, ...reply(1)]],
  ])('that does not come to the end of %s, though it goes on sending', async (_, octets, replied) => {
    using client = await connected(hasty);
    client.send(octets);
    const sending = setInterval(() => client.send('x'), 50);
    expect([...(await client.octets.rest())]).toEqual(replied);
    expect(await client.ended).toBe('end');
    clearInterval(sending);
    const { error } = await client.record();
    expect(error).toMatchObject({ status: 408, message: 'The SOCKS5 handshake did not come in time.' });
  });
});

test('a client that leaves at any point leaves nothing behind, and no record before its request', async () => {
  const count = proxy.records.length;
  const ports: unknown[] = [];
  for (const octets of [Buffer.of(5), hello, Buffer.concat([hello, Buffer.of(5, 1, 0)])]) {
    for (const leave of ['end', 'resetAndDestroy', 'destroy'] as const) {
      const client = await connected();
      ports.push(client.socket.localPort);
      client.send(octets);
      await new Promise((resolve) => setImmediate(resolve));
      client.socket[leave]();
      await client.ended;
      client.socket.destroy();
    }
  }
  await proxy.active(0);
  expect(proxy.records.slice(count).filter(({ client }) => ports.includes(client.port))).toEqual([]);
});

test('a client that leaves while its destination is dialled leaves no connection behind', async () => {
  await using silent = await startSilentPort();
  const client = await connected(hasty);
  client.send(Buffer.concat([hello, toHere(silent.port)]));
  await client.octets.exactly(2);
  client.socket.resetAndDestroy();
  expect((await client.record()).error).toBeDefined();
  await hasty.active(0);
});

test('an agent that is told to drain waits for a tunnel, and not for a handshake', async () => {
  await using server = await startTcp(echo);
  await using draining = await startTestAgent({ edge: 'none' });
  using half = await connectClient(draining.port);
  half.send(hello);
  await half.octets.exactly(2);
  using client = await connectClient(draining.port);
  client.send(Buffer.concat([hello, toHere(server.port)]));
  await client.octets.exactly(12);
  const drained = draining.agent.drain();
  expect(await half.ended).toBe('end');
  client.send('still here');
  expect((await client.octets.exactly(10)).toString()).toBe('still here');
  client.socket.end();
  await once(client.socket, 'close');
  await drained;
});
