// Other protocols on the proxy's port: each gets an end that its own programs can tell, and harms nobody else.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { run } from '../support/program.ts';

let proxy: TestAgent;
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(
    (_request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok')),
  );
  proxy = await startTestAgent({ edge: 'none', limits: { headTimeoutMs: 400 } });
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

async function expectSentinel(): Promise<void> {
  expect((await getOnce(proxy.port, `${origin.url}/sentinel`)).content.toString()).toBe('ok');
}

const refusals = () => proxy.records.filter(({ error }) => error !== undefined).length;

const url = (scheme: string) => `${scheme}://127.0.0.1:${proxy.port}`;

describe('A23: TLS', () => {
  test('from curl, which takes the proxy for one by https', async () => {
    const { code, stderr } = await run('curl', '-sS', '--max-time', '20', '-x', url('https'), 'http://a.example/');
    expect([code, stderr]).toEqual([35, expect.stringMatching(/wrong version number/)]);
    const record = await proxy.recordWhere(({ error }) => error?.message.includes('TLS') === true);
    expect(record).toMatchObject({ error: { type: 'http_request_error', advice: expect.stringContaining('http://') } });
    await expectSentinel();
  });

  test('from openssl', async () => {
    const { stderr } = await run('openssl', 's_client', '-connect', `127.0.0.1:${proxy.port}`);
    expect(stderr).toMatch(/wrong version number/);
    await expectSentinel();
  });

  test('from Node', async () => {
    const [failure] = await once(connectTls(proxy.port, '127.0.0.1'), 'error').catch((error) => [error]);
    expect(failure).toMatchObject({ code: 'ERR_SSL_WRONG_VERSION_NUMBER' });
    await expectSentinel();
  });
});

describe('A23: HTTP/2 without TLS', () => {
  test('from curl', async () => {
    const { code, stderr } = await run('curl', '-sv', '--max-time', '20', '--http2-prior-knowledge', url('http'));
    expect([code, stderr]).toEqual([expect.toSatisfy((each) => each > 0), expect.stringMatching(/GOAWAY, error=13/)]);
    await expectSentinel();
  });

  test('from Node, which hears that HTTP/1.1 is required', async () => {
    const session = connectHttp2(url('http'));
    const goaway = once(session, 'goaway');
    session.on('error', () => undefined);
    session.request().on('error', () => undefined);
    expect((await goaway)[0]).toBe(constants.NGHTTP2_HTTP_1_1_REQUIRED);
    session.destroy();
    await expectSentinel();
  });

  test.each([
    ['in one piece', 24],
    ['octet by octet', 1],
  ])('as its preface alone, %s', async (_, size) => {
    using client = await connectClient(proxy.port);
    const before = proxy.records.length;
    const { localPort } = client.socket;
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    for (let at = 0; at < preface.length; at += size) {
      client.send(preface.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.octets.rest()).toString('hex')).toMatch(/^000000040000000000.{32}0d$/);
    expect(await client.ended).toBe('end');
    const isOurs = (each: ExchangeRecord) => each.client.port === localPort && proxy.records.indexOf(each) >= before;
    expect((await proxy.recordWhere(isOurs)).response).toMatchObject({ status: 505 });
    await expectSentinel();
  });
});

test('A23: SOCKS4 from curl', async () => {
  const { code, stderr } = await run('curl', '-sS', '--max-time', '20', '-x', url('socks4'), 'http://127.0.0.1:1/');
  expect([code, stderr]).toEqual([97, expect.stringMatching(/SOCKS4.*\(91\)/)]);
  await expectSentinel();
});

test('A23: a megabyte of random octets behind any first octet is closed, with one record at most', async () => {
  const noise = randomBytes(1024 * 1024);
  const count = refusals();
  for (const first of [0, 4, 5, 10, 13, 22, 71, 80, 128, 255]) {
    using client = await connectClient(proxy.port);
    client.send(Buffer.concat([Buffer.of(first), noise]));
    await client.ended;
  }
  await proxy.active(0);
  expect(refusals() - count).toBeLessThanOrEqual(10);
  await expectSentinel();
});

test('A23: every first octet comes to an end, alone and with a line behind it', async () => {
  const count = refusals();
  const all = Array.from({ length: 256 }, (_, octet) => octet);
  await Promise.all(
    all.flatMap((octet) =>
      ['', 'x\r\n\r\n\r\n'].map(async (rest) => {
        using client = await connectClient(proxy.port);
        client.send(Buffer.concat([Buffer.of(octet), Buffer.from(rest)]));
        await client.ended;
      }),
    ),
  );
  await proxy.active(0);
  expect(refusals() - count).toBeLessThanOrEqual(2 * all.length);
  await expectSentinel();
});
