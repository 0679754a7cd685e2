// A request for another protocol: judged before anything is dialled, and told like every exchange.
import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { accept } from '../../../agent/proxy/accept/accept.ts';
import { createAdmit } from '../../../agent/proxy/admit/admit.ts';
import { createApply } from '../../../agent/proxy/apply/apply.ts';
import type { RulePorts } from '../../../agent/proxy/apply/rule-ports.ts';
import type { DestinationAdmission, Ending, Judge } from '../../../agent/proxy/ports.ts';
import { createUpgrade } from '../../../agent/tunnel/upgrade.ts';
import type { RequestPlan } from '../../../http/plan/plan.ts';
import type { PassingHop } from '../../../http/privacy.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { pairs } from '../../support/pairs.ts';
import { listening, stillClock, testTrace } from '../../support/walk.ts';

const fields = ['Host', 'o.example', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'X-Edgehop', '\xe9'];
const denied = new ProxyError('http_request_denied', 'No.');

test('is judged as an upgrade, told, asked for and tunnelled', async () => {
  const { client, origin, told, asked, trace, carried } = await carry();
  const [head] = (await once(origin, 'data')) as [Buffer];
  expect(head.toString('latin1')).toBe(
    [
      'GET /chat?a=%20b HTTP/1.1',
      'Host: o.example:8080',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'X-Edgehop: \xe9',
      'Via: 1.1 edgehop-1a2b',
      '\r\n',
    ].join('\r\n'),
  );
  origin.write(
    'HTTP/1.1 101 Los\r\nUpgrade: WebSocket\r\nConnection: upgrade, X-Hop\r\nX-Hop: 1\r\nSec: s\r\n\r\nwelcome',
  );
  let received = '';
  client.on('data', (octets) => {
    received += octets;
  });
  await expect.poll(() => received).toMatch(/welcome$/);
  expect(received).toBe(
    [
      'HTTP/1.1 101 Los',
      'Sec: s',
      'Connection: Upgrade',
      'Upgrade: WebSocket',
      'Via: 1.1 edgehop-1a2b',
      '',
      'welcome',
    ].join('\r\n'),
  );
  expect(asked).toEqual([{ host: 'o.example', port: 8080, purpose: 'upgrade' }]);
  expect(told).toEqual(['request received', 'request relayed', 'response received']);
  expect(trace).toMatchObject({
    response: { status: 101 },
    route: { kind: 'direct', because: 'upgrade' },
    address: '192.0.2.1',
    tunnel: { state: { kind: 'open' } },
  });
  client.resetAndDestroy();
  await carried;
  expect(told.at(-1)).toBe('finished');
  expect(trace.tunnel?.state).toMatchObject({ kind: 'closed', close: { by: 'client', how: 'reset' } });
});

test.each<[string, CarryOptions, string, string[]]>([
  ['a head that is not accepted', { flat: [...fields, 'Host', 'x'] }, 'http_request_error', []],
  ['a loop', { flat: [...fields, 'Via', '1.1 edgehop-1a2b'] }, 'proxy_loop_detected', ['request received']],
  [
    'a destination that is denied',
    { admission: { kind: 'refused', error: denied } },
    denied.type,
    ['request received'],
  ],
  [
    'a destination that cannot be reached',
    { failure: new ProxyError('connection_refused', 'No.') },
    'connection_refused',
    ['request received', 'request relayed'],
  ],
])('%s is an outcome like any other', async (_, options, type, events) => {
  const { outcomes, told, carried, client } = await carry(options);
  const ended = once(client.resume(), 'end');
  await carried;
  expect(outcomes).toMatchObject([{ kind: 'failed', error: { type }, source: 'agent', mayRetry: false }]);
  expect(told).toEqual(events);
  await ended;
});

test('through a parent proxy the record says so', async () => {
  const parent = 'http://proxy.example:3128';
  const { trace, origin } = await carry({ admission: { ...admitted, parent } });
  await once(origin, 'data');
  expect(trace.route).toEqual({ kind: 'direct', because: 'upgrade', parent });
});

test('a change of protocol is not made where a rule answers in its place', async () => {
  const action = { kind: 'block', block: { status: 403 } } as const;
  const plan: RequestPlan = { rules: ['r'], onResponse: { answer: [{ rule: 'r', action, when: { status: [101] } }] } };
  const { origin, outcomes, carried, trace } = await carry({ plan });
  await once(origin, 'data');
  origin.write('HTTP/1.1 101 Los\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n');
  const closed = new Promise((resolve) => origin.once('close', resolve));
  await carried;
  await closed;
  expect(outcomes).toMatchObject([{ kind: 'failed', error: { message: 'r' } }]);
  expect(trace).toMatchObject({ rules: ['r'], tunnel: undefined });
});

test('where a rule lets only an edge carry it nobody is asked', async () => {
  const plan: RequestPlan = {
    rules: ['r'],
    route: { rule: 'r', action: 'edge' },
    fallback: { rule: 'r', action: 'fail' },
    onResponse: {},
  };
  const { outcomes, told, carried } = await carry({ plan });
  await carried;
  expect(outcomes).toMatchObject([{ kind: 'failed', error: { type: 'proxy_configuration_error', status: 502 } }]);
  expect(told).toEqual(['request received']);
});

test('a client that has left meanwhile takes the connection with it', async () => {
  const { client, origin, outcomes, carried, connected } = await carry({ isHeld: true });
  client.resetAndDestroy();
  const closed = new Promise((resolve) => origin.once('close', resolve));
  await connected();
  await carried;
  await closed;
  expect(outcomes).toMatchObject([{ kind: 'failed', error: { status: 499 } }]);
});

const admitted = { kind: 'admitted', addresses: [], directOnly: true, parent: undefined } as const;

const hop: PassingHop = {
  privacy: { via: 'pseudonym', forwarded: 'off' },
  pseudonym: 'edgehop-1a2b',
  machine: 'here',
  clientPseudonym: () => 'client',
};

interface CarryOptions {
  readonly flat?: readonly string[];
  readonly admission?: DestinationAdmission;
  readonly failure?: ProxyError;
  readonly plan?: RequestPlan;
  /** The connection is made when the client has gone. */
  readonly isHeld?: boolean;
}

async function carry({ flat = fields, admission, failure, plan, isHeld = false }: CarryOptions = {}) {
  const { client, origin, sides } = await pairs();
  for (const end of [client, origin, sides.first, sides.second]) end.on('error', () => undefined);
  onTestFinished(() => void [client, origin].map((end) => end.destroy()));
  origin.resume();
  const { observer, told } = listening();
  const asked: unknown[] = [];
  const outcomes: Ending[] = [];
  const trace = testTrace();
  const judge: Judge = async (destination) => {
    asked.push(destination);
    return admission ?? admitted;
  };
  const gone = new Promise<void>((resolve) => sides.first.once('close', () => resolve()));
  const rules: RulePorts = {
    planOf: () => plan,
    answer: ({ rule }) => ({
      kind: 'failed',
      error: new ProxyError('http_request_denied', rule),
      source: 'agent',
      mayRetry: false,
    }),
    shaping: { exchange: async (request, _, next) => next(request), tunnel: () => undefined },
  };
  const own = () => {
    throw new Error('this is not for edgehop itself');
  };
  const upgrade = createUpgrade({
    clock: stillClock(30),
    observer,
    limits: {
      maxHeadBytes: 65_536,
      maxFields: 100,
      maxInterimResponses: 2,
      tunnelIdleTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      headDeadlineMs: 60_000,
    },
    pseudonym: 'edgehop-1a2b',
    accept,
    admit: createAdmit({ pseudonym: 'edgehop-1a2b' }),
    apply: createApply({ purpose: 'upgrade', judge, own, hop, rules }),
    rules,
    finish: async (_, outcome) => void outcomes.push(outcome),
    end: (socket: Socket, octets) => void socket.end(octets),
    connect: async () => {
      if (isHeld) await gone;
      if (failure !== undefined) return { kind: 'failed', error: failure };
      const cut = () => void sides.second.resetAndDestroy();
      const connected = {
        socket: sides.second,
        protocol: 'http/1.1',
        address: '192.0.2.1',
        absoluteForm: undefined,
        cut,
      } as const;
      return { kind: 'connected', connected };
    },
  });
  const message = new IncomingMessage(sides.first);
  Object.assign(message, { method: 'GET', url: 'http://o.example:8080/chat?a=%20b', httpVersion: '1.1' });
  Object.assign(message, { httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders: flat, complete: true });
  const reply = new ServerResponse(message);
  reply.assignSocket(sides.first);
  const carried = upgrade({ trace, head: message, message, reply }, sides.first, Buffer.alloc(0));
  return { client, origin, told, asked, outcomes, trace, carried, connected: () => gone };
}
