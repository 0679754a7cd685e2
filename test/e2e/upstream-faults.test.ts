// What an origin does wrong reaches the client as an RFC 9209 type or as a broken transfer, never as a clean end.
import { execFile, spawnSync } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ErrorType } from '../../schemas/error.ts';
import { routes, startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { selfSigned } from '../support/certificate.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';
import { startSilentPort } from '../support/silent-port.ts';
import { closedPort, startTcp } from '../support/tcp.ts';

const hasCurl = spawnSync('curl', ['--version']).error === undefined;
if (!hasCurl) console.warn('the tests of what curl makes of cut content are skipped: curl is not installed');

type Fault = (socket: Socket, request: OriginRequest) => void;

const ok = 'HTTP/1.1 200 OK';
const sends =
  (...lines: string[]): Fault =>
  (socket) =>
    void socket.write(message(lines, 'hello'));

/** Faults that the client learns of instead of a response. */
const refusals: readonly [name: string, fault: Fault, type: ErrorType, status: number][] = [
  ['resets', (socket) => void socket.resetAndDestroy(), 'connection_terminated', 502],
  ['closes without an answer', (socket) => void socket.end(), 'connection_terminated', 502],
  ['closes in its head', (socket) => void socket.end(`${ok}\r\nContent-Le`), 'connection_terminated', 502],
  ['does not answer', () => undefined, 'http_response_timeout', 504],
  ['stops in its head', (socket) => void socket.write(`${ok}\r\nX: `), 'http_response_timeout', 504],
  ['answers with garbage', (socket) => void socket.end('what?\r\n\r\n'), 'http_protocol_error', 502],
  ['sends a head of 100 kB', sends(ok, `X: ${'y'.repeat(100_000)}`), 'http_response_header_section_size', 502],
  [
    'sends both length and chunks',
    sends(ok, 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    'http_protocol_error',
    502,
  ],
  ['sends two lengths', sends(ok, 'Content-Length: 5', 'Content-Length: 6'), 'http_protocol_error', 502],
  ['sends a negative length', sends(ok, 'Content-Length: -5'), 'http_protocol_error', 502],
  ['sends a control octet in a field', sends(ok, 'X: a\x01b', 'Content-Length: 5'), 'http_protocol_error', 502],
  [
    'asks for proxy credentials',
    sends('HTTP/1.1 407 Hm', 'Proxy-Authenticate: Basic realm=x', 'Content-Length: 5'),
    'http_protocol_error',
    502,
  ],
  [
    'switches protocols unasked',
    sends('HTTP/1.1 101 Switching', 'Connection: upgrade', 'Upgrade: x'),
    'http_protocol_error',
    502,
  ],
];

/** Faults that come when the client already has the head. */
const cuts: readonly [name: string, fault: Fault][] = [
  ['ends before its announced length', (socket) => void socket.end(message([ok, 'Content-Length: 100'], 'hello'))],
  [
    'resets before its announced length',
    (socket) => socket.write(message([ok, 'Content-Length: 100'], 'hello'), () => socket.resetAndDestroy()),
  ],
  [
    'ends between chunks',
    (socket) => void socket.end(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello')])),
  ],
  ['ends within a chunk', (socket) => void socket.end(message([ok, 'Transfer-Encoding: chunked'], 'a\r\nhello'))],
  [
    'resets between chunks',
    (socket) =>
      socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello')]), () =>
        socket.resetAndDestroy(),
      ),
  ],
  [
    'sends a chunk size that is none',
    (socket) =>
      void socket.write(
        Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello'), Buffer.from('zz\r\n')]),
      ),
  ],
];

describe.each(upstreams)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;
  /** By path. Each test has its own, so that no connection with a past is used again unless a test wants that. */
  const faults = new Map<string, Fault>();

  beforeAll(async () => {
    origin = await startOrigin((request, socket) => {
      const fault = faults.get(request.target);
      if (fault !== undefined) return fault(socket, request);
      socket.write(message([ok, `Content-Length: ${request.target.length}`], request.target));
    });
    const answers = { 'nowhere.example': [], 'rebound.example': ['93.184.216.34', '10.0.0.1'] };
    proxy = await startTestAgent({
      edge,
      limits: { headDeadlineMs: 500, connectTimeoutMs: 400 },
      answers,
    });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  let count = 0;
  const urlOf = (fault: Fault) => {
    const path = `/fault-${++count}`;
    faults.set(path, fault);
    return origin.url + path;
  };

  async function expectFailed(url: string, type: ErrorType, status: number): Promise<void> {
    const response = await getOnce(proxy.port, url);
    expect([response.status, response.field('proxy-status')?.match(/error=(\w+)/)?.[1]]).toEqual([status, type]);
    expect(response.isComplete).toBe(true);
    const record = await proxy.recordOf(new URL(url).pathname);
    expect(record.error).toMatchObject({ type, status });
    expect(record.response?.status).toBe(status);
    await expectSentinel();
  }

  async function expectSentinel(): Promise<void> {
    const path = `/sentinel-${++count}`;
    expect((await getOnce(proxy.port, origin.url + path)).content.toString()).toBe(path);
  }

  describe('an origin that', () => {
    test.each(refusals)('%s', async (_name, fault, type, status) => {
      await expectFailed(urlOf(fault), type, status);
    });

    test('refuses the connection', async () => {
      const port = await closedPort();
      await expectFailed(`http://127.0.0.1:${port}/refused`, 'connection_refused', 502);
    });

    test('does not take the connection', async () => {
      await using silent = await startSilentPort();
      await expectFailed(`http://127.0.0.1:${silent.port}/silent`, 'connection_timeout', 504);
    });

    test('has a certificate that nobody trusts', async () => {
      await using secure = await startOrigin(sends(ok, 'Content-Length: 5') as never, { tls: selfSigned('127.0.0.1') });
      await expectFailed(`${secure.url}/self-signed`, 'tls_certificate_error', 502);
      expect(secure.requests.length).toBe(0);
    });

    test('does not speak TLS where it should', async () => {
      const url = urlOf(() => undefined).replace('http:', 'https:');
      await using deaf = createServer(
        (socket) =>
          void socket
            .on('error', () => undefined)
            .resume()
            .end('220 hello\r\n'),
      );
      await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
      const { port } = deaf.address() as { port: number };
      await expectFailed(url.replace(/:\d+/, `:${port}`), 'tls_protocol_error', 502);
    });

    test('takes no more of an upload', async () => {
      const taken = Promise.withResolvers<Socket>();
      await using deaf = await startTcp((socket) => taken.resolve(socket.pause()));
      await using impatient = await startTestAgent({ edge, limits: { idleTimeoutMs: 1_000 } });
      const content = Buffer.alloc(16 * 1024 * 1024);
      const head = [`PUT http://127.0.0.1:${deaf.port}/up HTTP/1.1`, 'Host: x', 'Connection: close'];
      const response = await exchangeOnce(
        impatient.port,
        message([...head, `Content-Length: ${content.length}`], content),
      );
      expect([response.status, response.isComplete]).toEqual([504, true]);
      expect((await impatient.recordOf('/up')).error?.type).toBe('connection_write_timeout');
      const socket = await taken.promise;
      await new Promise((resolve) => socket.once('end', resolve).once('close', resolve).resume()); // let go
    });

    test('has a name that does not exist', async () => {
      await expectFailed('http://nowhere.example/nowhere', 'dns_error', 502);
    });
  });

  describe('content of an origin that', () => {
    test.each(cuts)('%s is cut for the client too', async (_name, fault) => {
      const url = urlOf(fault);
      using client = await connectClient(proxy.port);
      client.sendHead(`GET ${url} HTTP/1.1`, 'Host: x', 'Connection: close');
      const octets = (await client.octets.rest()).toString('latin1');
      // A fault that comes with the head may be known before the client's head is on its way.
      if (edge === 'embedded-socket' && octets.startsWith('HTTP/1.1 502 ')) {
        return expect(octets).toContain('error=http_protocol_error');
      }
      expect(octets).toMatch(/^$|^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n(5\r\nhello\r\n|hello)?$/);
      expect(await client.ended).toBe('reset');
      const record = await proxy.recordOf(new URL(url).pathname);
      expect(record.error?.type).toMatch(/^http_(response_incomplete|protocol_error)$/);
      await expectSentinel();
    });

    test.skipIf(!hasCurl).each(cuts)(
      '%s makes curl exit with 18, 56 or, for an error in words, 22',
      async (_name, fault) => {
        const exit = await new Promise<number | string | null | undefined>((resolve) =>
          execFile('curl', ['-sSf', '-x', `http://127.0.0.1:${proxy.port}`, urlOf(fault)], (error) =>
            resolve(error?.code ?? 0),
          ),
        );
        expect(edge === 'embedded-socket' ? [18, 56, 22] : [18, 56]).toContain(exit);
      },
    );

    test('is cut is reset for a client of HTTP/1.0, which knows no length', async () => {
      const piece = Buffer.alloc(20_000, 'a');
      const isRead = Promise.withResolvers<void>();
      const url = urlOf((socket) => {
        socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk(piece)]));
        void isRead.promise.then(() => socket.end('a\r\nhello'));
      });
      using client = await connectClient(proxy.port);
      client.sendHead(`GET ${url} HTTP/1.0`, 'Host: x');
      await client.octets.until('\r\n\r\n');
      expect((await client.octets.exactly(10_000)).length).toBe(10_000);
      isRead.resolve();
      expect((await client.octets.rest()).length).toBeLessThan(10_010);
      expect(await client.ended).toBe('reset');
    });

    test('stops for too long is cut', async () => {
      await using impatient = await startTestAgent({ edge, limits: { idleTimeoutMs: 1_000 } });
      const url = urlOf((socket) => void socket.write(message([ok, 'Content-Length: 100'], 'hello')));
      const response = await getOnce(impatient.port, url);
      expect([response.status, response.isComplete, response.ending]).toEqual([200, false, 'reset']);
      expect((await impatient.recordOf(new URL(url).pathname)).error?.type).toBe('connection_read_timeout');
    });

    test('is longer than announced spoils no later exchange', () => expectNoSpoiling(Buffer.from('hello, and more')));
    test('has trailers spoils no later exchange', () =>
      expectNoSpoiling(
        Buffer.concat([chunk('hello'), Buffer.from('0\r\nX: y\r\n\r\n')]),
        'Transfer-Encoding: chunked',
      ));

    // workerd takes a whole response that follows one on its connection for the next one, and nothing makes it close.
    (edge === 'embedded' ? test.fails : test)('B02 is followed by a second response gives nobody the second', () =>
      expectNoSpoiling(Buffer.concat([Buffer.from('hello'), message([ok, 'Content-Length: 6'], 'poison')])),
    );

    async function expectNoSpoiling(content: Buffer, framing = 'Content-Length: 5'): Promise<void> {
      await using wordy = await startOrigin(({ target }, socket) => {
        if (target === '/wordy') socket.write(message([ok, framing], content));
        else socket.write(message([ok, `Content-Length: ${target.length}`], target));
      });
      expect((await getOnce(proxy.port, `${wordy.url}/wordy`)).content.toString()).toBe('hello');
      for (let i = 0; i < 3; i++) {
        expect((await getOnce(proxy.port, `${wordy.url}/after-${i}`)).content.toString()).toBe(`/after-${i}`);
      }
    }
  });

  test('B03: early hints go on ahead of the final response, and are not taken for it', async () => {
    await using early = await startOrigin((_request, socket) => {
      const interim = message(['HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload']);
      socket.write(Buffer.concat([interim, message([ok, 'Content-Length: 5'], 'hello')]));
    });
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${early.url}/early HTTP/1.1`, 'Host: x');
    const hints = await client.response();
    expect([hints.status, hints.field('link')]).toEqual([103, '</a.css>; rel=preload']);
    expect((await client.response()).content.toString()).toBe('hello');
  });

  test("a response of 500 is the origin's own, with its content", async () => {
    const url = urlOf(sends('HTTP/1.1 500 Broken', 'Content-Length: 5'));
    const response = await getOnce(proxy.port, url);
    expect([response.startLine, response.content.toString()]).toEqual(['HTTP/1.1 500 Broken', 'hello']);
    expect(response.field('proxy-status')).toMatch(/received-status=500/);
    expect((await proxy.recordOf(new URL(url).pathname)).error).toBeUndefined();
  });
});

test.each(routes)(
  'a name of which one address is private is refused by edge %s, and nothing is dialled',
  async (edge) => {
    await using trap = await startOrigin(() => undefined);
    const answers = { 'rebound.example': ['93.184.216.34', '127.0.0.1'], 'inside.example': ['10.0.0.1'] };
    await using proxy = await startTestAgent({ edge, allowPrivate: false, answers });
    for (const host of Object.keys(answers)) {
      const response = await getOnce(proxy.port, `http://${host}:${trap.port}/`);
      expect(response.status).toBe(403);
      expect(response.field('proxy-status')).toMatch(/error=destination_ip_prohibited/);
      expect(response.content.toString()).toMatch(/admit\.destinations\.allow/);
    }
    expect(proxy.records.map(({ error }) => error?.type)).toEqual([
      'destination_ip_prohibited',
      'destination_ip_prohibited',
    ]);
    expect(trap.connections).toBe(0);
  },
);
