// The head of CONNECT: what is refused before anything is looked up or dialled, and with what.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createTunnel } from '../../../agent/tunnel/tunnel.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { listening, stillClock, testTrace } from '../../support/walk.ts';

const host = ['Host', 'o.example:443'];

test.each([
  ['RFC 9110 9.3.6', 'o.example:443', host],
  ['no Host, which CONNECT does not need', 'o.example:443', []],
  ['WinINet’s length of zero', 'o.example:443', [...host, 'Content-Length', '0']],
])('%s: CONNECT %s with %j is judged as a destination', async (_, target, flatFields) => {
  const { asked, told, refusal, trace } = await connected(target, flatFields);
  expect(asked).toEqual([{ host: 'o.example', port: 443, purpose: 'tunnel' }]);
  expect(refusal).toMatchObject({ type: 'http_request_denied' });
  expect(told).toEqual(['request received', 'finished']);
  expect(trace).toMatchObject({
    method: 'CONNECT',
    url: 'o.example:443',
    response: { status: 403 },
    failure: { source: 'agent' },
  });
});

test.each([
  ['A24', '/', host, 'http_request_error', 400],
  ['A24', 'http://o.example:443', host, 'http_request_error', 400],
  ['A24', 'o.example', host, 'http_request_error', 400],
  ['C07', 'o.example:0443', host, 'http_request_error', 400],
  ['C14', 'o.example:443', [...host, 'Content-Length', '5'], 'http_request_error', 400],
  ['C14', 'o.example:443', [...host, 'Transfer-Encoding', 'chunked'], 'http_request_error', 400],
  ['C16', '\xf6.example:443', host, 'http_request_error', 400],
  ['A20', 'o.example:443', [...host, ...host], 'http_request_error', 400],
  ['A20', 'o.example:443', ['Host', 'a@b'], 'http_request_error', 400],
  ['C12', 'o.example:443', [...host, 'Via', '1.1 edgehop-1a2b'], 'proxy_loop_detected', 502],
] as const)('%s: CONNECT %s with %j is refused with %s', async (_, target, flatFields, type, status) => {
  const { asked, told, refusal } = await connected(target, flatFields);
  expect(refusal).toMatchObject({ type, status });
  expect(asked).toEqual([]);
  expect(told).toEqual(['finished']);
});

/** A CONNECT whose destination, when it comes to that, is refused. */
async function connected(target: string, flatFields: readonly string[]) {
  const { observer, told } = listening();
  const asked: unknown[] = [];
  const trace = testTrace({}, 'tunnel');
  const refusals: ProxyError[] = [];
  const tunnel = createTunnel({
    clock: stillClock(),
    observer,
    limits: { connectTimeoutMs: 1_000, tunnelIdleTimeoutMs: 1_000, maxSocketBufferBytes: 64 * 1024 },
    pseudonym: 'edgehop-1a2b',
    admit: async (destination) => {
      asked.push(destination);
      return { kind: 'refused', error: new ProxyError('http_request_denied', 'No.') };
    },
    refuse: (_, error) => void refusals.push(error),
  });
  const message = { url: target, httpVersion: '1.1', rawHeaders: flatFields } as unknown as IncomingMessage;
  await tunnel(trace, message, {} as Socket, Buffer.alloc(0));
  return { asked, told, trace, refusal: refusals[0] };
}
