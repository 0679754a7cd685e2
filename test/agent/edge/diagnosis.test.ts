// What an embedded edge could not say is found in workerd's log, or by a connection of the agent's own.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDiagnosis } from '../../../agent/edge/diagnosis.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { ErrorType } from '../../../schemas/error.ts';
import { selfSigned } from '../../support/certificate.ts';
import { startOrigin } from '../../support/origin.ts';
import { startTcp } from '../../support/tcp.ts';

const unavailable = new ProxyError('destination_unavailable', 'Not there.', { status: 502 });
const nowhere = { scheme: 'http', host: 'o.example', port: 80, address: undefined } as const;

describe('by the log', () => {
  test.each<[string, ErrorType]>([
    ['kj/async-io-unix.c++:1298: failed: DNS lookup failed.; params.host = o.example', 'dns_error'],
    ['kj/async-io.c++:2848: failed: connect() blocked by restrictPeers()', 'destination_ip_prohibited'],
    [
      "kj/compat/tls.c++:221: failed: TLS peer's certificate is not trusted; reason = self-signed certificate",
      'tls_certificate_error',
    ],
    ['kj/compat/tls.c++:81: failed: OpenSSL error; message = wrong version number', 'tls_protocol_error'],
    ['kj/compat/http.c++:1512: failed: unknown transfer encoding', 'http_response_transfer_coding'],
    ['connect(): Connection timed out', 'connection_timeout'],
    ['connect(): Network is unreachable', 'destination_ip_unroutable'],
    ['HTTP header too large', 'http_response_header_section_size'],
    ['kj/compat/http.c++:2000: failed: expected response', 'http_protocol_error'],
  ])('%s is %s', async (line, type) => {
    const diagnosis = createDiagnosis();
    diagnosis.note(line);
    diagnosis.note('stack: a b c; wdErrId = abc123');
    expect(await diagnosis.explain(unavailable, 'abc123', nowhere)).toMatchObject({ type, cause: unavailable });
  });

  test('the line may come after the reply', async () => {
    const diagnosis = createDiagnosis();
    const explained = diagnosis.explain(unavailable, 'abc', nowhere);
    diagnosis.note('DNS lookup failed.');
    diagnosis.note('wdErrId = abc');
    expect((await explained).type).toBe('dns_error');
  });

  test.each([
    ['of another reference', 'wdErrId = other'],
    ['in words that are not known', 'something new; wdErrId = abc'],
  ])('a line %s leaves the error as it is', async (_, line) => {
    const diagnosis = createDiagnosis();
    diagnosis.note(line);
    expect(await diagnosis.explain(unavailable, 'abc', nowhere)).toBe(unavailable);
  });

  test('only the newest lines are remembered', async () => {
    const diagnosis = createDiagnosis();
    for (let i = 0; i <= 256; i++) diagnosis.note(`DNS lookup failed; wdErrId = r${i}`);
    expect((await diagnosis.explain(unavailable, 'r1', nowhere)).type).toBe('dns_error');
    expect(await diagnosis.explain(unavailable, 'r0', nowhere)).toBe(unavailable);
  });
});

describe('by a connection of our own', () => {
  const timeout = new ProxyError('http_response_timeout', 'Silent.');

  test('an origin that refuses is told as such', async () => {
    const { port, close } = await listening();
    await close();
    expect(await explained(unavailable, port)).toMatchObject({ type: 'connection_refused' });
    expect(await explained(timeout, port)).toMatchObject({ type: 'connection_refused' });
  });

  test('an origin that accepts had closed, or is silent as was said', async () => {
    const { port } = await listening();
    expect(await explained(unavailable, port)).toMatchObject({ type: 'connection_terminated', cause: unavailable });
    expect(await explained(timeout, port)).toBe(timeout);
  });

  test('is made only where the error is unclear and an address was checked', async () => {
    const clear = new ProxyError('http_protocol_error', 'What?');
    const { port, connections } = await listening();
    expect(await explained(clear, port)).toBe(clear);
    expect(await createDiagnosis().explain(unavailable, undefined, { ...nowhere, port })).toBe(unavailable);
    expect(connections()).toBe(0);
  });

  test.each<[string, Parameters<typeof selfSigned>[0], ErrorType]>([
    ['nobody trusts', '127.0.0.1', 'tls_certificate_error'],
    ['is for another name', 'other.example', 'tls_certificate_error'],
  ])('an origin whose certificate %s is told as such', async (_, name, type) => {
    await using origin = await startOrigin(() => undefined, { tls: selfSigned(name) });
    expect(await explained(unavailable, origin.port, 'https')).toMatchObject({ type });
    expect(await explained(timeout, origin.port, 'https')).toBe(timeout); // it had got that far
  });

  test('an origin that does not speak TLS is told as such', async () => {
    await using server = await startTcp((socket) => void socket.resume().end('220 hello\r\n'));
    expect(await explained(unavailable, server.port, 'https')).toMatchObject({ type: 'tls_protocol_error' });
  });

  function explained(error: ProxyError, port: number, scheme: 'http' | 'https' = 'http'): Promise<ProxyError> {
    return createDiagnosis().explain(error, undefined, { scheme, host: 'o.example', port, address: '127.0.0.1' });
  }
});

async function listening() {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.on('error', () => undefined).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  onTestFinished(close);
  return { port, close, connections: () => count };
}
