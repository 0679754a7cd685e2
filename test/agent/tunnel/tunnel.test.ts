// The head of CONNECT: what is refused before anything is looked up or dialled, and with what.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { createAdmit } from '../../../agent/proxy/admit/admit.ts';
import { createTunnel } from '../../../agent/tunnel/tunnel.ts';
import type { Dialled, DialTarget } from '../../../agent/upstream/dial.ts';
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

describe('a tunnel that is being made', () => {
  test.each([
    [
      { addresses: ['192.0.2.1', '192.0.2.2'], parent: undefined },
      { kind: 'direct', because: 'connect' },
    ],
    [
      { addresses: [], parent: 'http://proxy.example:3128' },
      { kind: 'direct', because: 'connect', parent: 'http://proxy.example:3128' },
    ],
  ])('is dialled as it was admitted, %j, and the record says so', async (admission, route) => {
    const { targets, trace, refused } = making(admission);
    await refused(new ProxyError('connection_refused', 'No.'));
    const { addresses } = admission;
    expect(targets).toMatchObject([{ host: 'o.example', port: 443, addresses, scheme: 'tunnel' }]);
    expect(trace.route).toEqual(route);
    expect(trace).toMatchObject({ failure: { error: { type: 'connection_refused' } }, addressKnownBy: 'unknown' });
  });

  test.each(['end', 'close'])('is given up when the client leaves (%s)', async (event) => {
    const { targets, client, trace, refused } = making({ addresses: ['192.0.2.1'], parent: undefined });
    await vi.waitFor(() => expect(targets.length).toBe(1));
    expect(targets[0]?.signal?.aborted).toBe(false);
    client.emit(event);
    expect(targets[0]?.signal?.aborted).toBe(true);
    await refused(left);
    expect(trace).toMatchObject({ failure: { error: { status: 499 } } });
    expect([client.listenerCount('end'), client.listenerCount('close')]).toEqual(listenersBefore);
  });

  test('is not begun for a client that has left while its destination was judged', async () => {
    const { targets, client, refused } = making({ addresses: ['192.0.2.1'], parent: undefined });
    client.destroy();
    await refused(left);
    expect(targets[0]?.signal?.aborted).toBe(true);
  });
});

const left = new ProxyError('http_request_error', 'Left.', { status: 499 });
const listenersBefore = [new PassThrough().listenerCount('end'), new PassThrough().listenerCount('close')];

/** A CONNECT to o.example:443 that is admitted so, and whose dial ends when the test says how. */
function making(admission: { readonly addresses: readonly string[]; readonly parent: string | undefined }) {
  const targets: DialTarget[] = [];
  const dialled = Promise.withResolvers<Dialled>();
  const trace = testTrace({}, 'tunnel');
  const client = new PassThrough();
  const tunnel = createTunnel({
    clock: stillClock(),
    observer: listening().observer,
    limits: { tunnelIdleTimeoutMs: 1_000 },
    pseudonym: 'edgehop-1a2b',
    admit: createAdmit({ pseudonym: 'edgehop-1a2b' }),
    judge: async () => ({ kind: 'admitted', directOnly: false, ...admission }),
    dial: (target) => {
      targets.push(target);
      return dialled.promise;
    },
    refuse: () => undefined,
  });
  const message = { url: 'o.example:443', httpVersion: '1.1', rawHeaders: host } as unknown as IncomingMessage;
  const done = tunnel(trace, message, client as unknown as Socket, Buffer.alloc(0));
  const refused = async (error: ProxyError) => {
    dialled.resolve({ kind: 'failed', error });
    await done;
  };
  return { targets, trace, client, refused };
}

/** A CONNECT whose destination, when it comes to that, is refused. */
async function connected(target: string, flatFields: readonly string[]) {
  const { observer, told } = listening();
  const asked: unknown[] = [];
  const trace = testTrace({}, 'tunnel');
  const refusals: ProxyError[] = [];
  const tunnel = createTunnel({
    clock: stillClock(),
    observer,
    limits: { tunnelIdleTimeoutMs: 1_000 },
    pseudonym: 'edgehop-1a2b',
    admit: createAdmit({ pseudonym: 'edgehop-1a2b' }),
    judge: async (destination) => {
      asked.push(destination);
      return { kind: 'refused', error: new ProxyError('http_request_denied', 'No.') };
    },
    dial: async () => {
      throw new Error('dialled');
    },
    refuse: (_, error) => void refusals.push(error),
  });
  const message = { url: target, httpVersion: '1.1', rawHeaders: flatFields } as unknown as IncomingMessage;
  await tunnel(trace, message, {} as Socket, Buffer.alloc(0));
  return { asked, told, trace, refusal: refusals[0] };
}
