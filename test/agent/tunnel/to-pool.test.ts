// A request for a WebSocket and the targets of its pool: the first that takes the connection has it.
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createPools } from '../../../agent/pools/pools.ts';
import { createToPool } from '../../../agent/tunnel/to-pool.ts';
import type { Connecting } from '../../../agent/upstream/connect.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { config } from '../../../schemas/config.ts';
import type { ErrorType } from '../../../schemas/error.ts';
import { plannedRequest, stillClock } from '../../support/walk.ts';

const targets = ['http://10.0.0.1:3000', 'https://b.internal', 'http://[::1]:81'];

/** What becomes of each attempt to connect, one after the other. */
function reaching(steps: readonly ('taken' | ErrorType)[], settings: object = {}) {
  const app = { targets: targets.map((url) => ({ url })), ...settings };
  const pools = createPools(config.parse({ pools: { app } }).pools, {
    clock: stillClock(),
    chance: () => 0,
    client: { send: () => Promise.reject(new Error('no checks')), close: async () => undefined },
  });
  const dialled: object[] = [];
  const socket = new PassThrough();
  const left = [...steps];
  const toPool = createToPool({
    pools,
    hop: { privacy: config.parse({}).privacy, pseudonym: 'edgehop-1', machine: 'm', clientPseudonym: () => 'p' },
    connect: async (address) => {
      dialled.push(address);
      const step = left.shift() ?? 'proxy_internal_error';
      if (step !== 'taken') return { kind: 'failed', error: new ProxyError(step, 'The destination is gone.') };
      const connected = {
        socket,
        protocol: 'http/1.1',
        address: '10.0.0.1',
        absoluteForm: undefined,
        cut: () => undefined,
      };
      return { kind: 'connected', connected } as unknown as Connecting;
    },
  });
  const reverse = { host: '*', path: '/ws', pool: 'app', stripPath: true };
  const request = plannedRequest({ host: 'app.localhost', port: 8080, path: '/ws/chat', reverse });
  const outstanding = () => pools.states()[0]?.targets.map((target) => target.outstanding);
  return { toPool, request, dialled, socket, outstanding, pools };
}

const staying = new AbortController().signal;

test('the target is asked in its own terms, and has an exchange until its connection closes', async () => {
  const { toPool, request, dialled, socket, outstanding } = reaching(['taken']);
  const reached = await toPool(request, staying);
  expect(reached).toMatchObject({
    kind: 'connected',
    asks: { origin: targets[0], path: '/chat', host: 'app.localhost:8080' },
  });
  expect(dialled).toEqual([{ scheme: 'http', host: '10.0.0.1', port: 3000 }]);
  expect(outstanding()).toEqual([1, 0, 0]);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  expect(outstanding()).toEqual([0, 0, 0]);
});

test('one that takes no connection is left for the next, which stands in the record', async () => {
  const { toPool, request, dialled, outstanding } = reaching(['connection_refused', 'tls_certificate_error', 'taken']);
  expect((await toPool(request, staying)).kind).toBe('connected');
  expect(dialled).toEqual([
    { scheme: 'http', host: '10.0.0.1', port: 3000 },
    { scheme: 'https', host: 'b.internal', port: 443 },
    { scheme: 'http', host: '::1', port: 81 },
  ]);
  expect(outstanding()).toEqual([0, 0, 1]);
  expect(request.trace).toMatchObject({
    retries: 2,
    pool: { target: targets[2], tried: [{ target: targets[0], because: 'it is gone' }, { target: targets[1] }] },
  });
});

test('when none takes it, 503 names them all', async () => {
  const { toPool, request } = reaching(['connection_refused', 'connection_refused', 'connection_refused']);
  const reached = await toPool(request, staying);
  expect(reached).toMatchObject({ kind: 'failed', error: { type: 'destination_unavailable', status: 503 } });
});

test('no more are tried than one request may try', async () => {
  const { toPool, request, dialled } = reaching(['connection_refused'], { retry: { maxTries: 1 } });
  expect(await toPool(request, staying)).toMatchObject({ kind: 'failed', error: { type: 'connection_refused' } });
  expect(dialled).toHaveLength(1);
});

test('a client that has left is nobody’s fault, and nobody else is asked', async () => {
  const { toPool, request, dialled, pools } = reaching(['http_request_error']);
  expect(await toPool(request, AbortSignal.abort())).toMatchObject({ error: { type: 'http_request_error' } });
  expect([dialled.length, pools.states()[0]?.targets[0]?.failures]).toEqual([1, 0]);
});
