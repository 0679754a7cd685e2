// The record of a tunnel: what it shows while it is open, what the client's TLS says, and who closes it how.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { carryOpenTunnel } from '../../../agent/tunnel/open-tunnel.ts';
import type { ExchangeRecord, TunnelClose } from '../../../schemas/exchange.ts';
import { pairs } from '../../support/pairs.ts';
import { listening, printedRecord, stillClock, testTrace } from '../../support/walk.ts';

test('octets and duration show while it is open, and the close once it is closed', async () => {
  const { client, origin, clock, record, carried, told } = await opened();
  client.write('hello');
  await once(origin, 'data');
  clock.at = 121;
  expect(record()).toMatchObject({ octets: { fromClient: 5, toClient: 0 }, tunnel: { durationMs: 100 } });
  expect(record().tunnel).toEqual({ durationMs: 100 });
  origin.end('you');
  client.end();
  clock.at = 221;
  await carried;
  clock.at = 999;
  const { octets, tunnel } = record();
  expect(octets).toEqual({ fromClient: 5, toClient: 3 });
  expect(tunnel).toMatchObject({ durationMs: 200, closedAt: '2026-01-02T03:04:05.221000Z', close: { how: 'end' } });
  expect(told).toEqual(['finished']);
});

test('octets that came before it was open are the first of it', async () => {
  const { sides, client, origin } = await pairs();
  sides.first.unshift(Buffer.from('early '));
  const { carried, record } = carry(sides.first, sides.second);
  client.end('bird');
  let received = '';
  origin.on('data', (octets) => {
    received += octets;
  });
  origin.end();
  client.resume();
  await carried;
  expect([received, record().octets]).toEqual(['early bird', { fromClient: 10, toClient: 0 }]);
});

test('a server name and protocols stand in the record as soon as the client has said them, in pieces too', async () => {
  const { client, origin, record, told } = await opened();
  const hello = await clientHello({ servername: 'O.Example', ALPNProtocols: ['h2', 'http/1.1'] });
  for (const piece of [hello.subarray(0, 1), hello.subarray(1, 99), hello.subarray(99, -1)]) {
    client.write(piece);
    expect((await once(origin, 'data'))[0]).toEqual(piece);
    expect([record().tunnel?.tls, told]).toEqual([undefined, []]);
  }
  client.write(hello.subarray(-1));
  await once(origin, 'data');
  expect(record().tunnel?.tls).toEqual({ serverName: 'o.example', alpn: ['h2', 'http/1.1'] });
  expect(told).toEqual(['server named']);
  client.resetAndDestroy();
});

test.each<[string, Buffer, object]>([
  ['TLS without a name', noNameHello(), { tls: {} }],
  ['what is not TLS', Buffer.from('SSH-2.0-x\r\n'), {}],
  ['what only looks like TLS', Buffer.of(22, 3, 1, 0, 0), {}],
])('%s names no server, and is carried', async (_, octets, expected) => {
  const { client, origin, record, carried, told } = await opened();
  client.end(octets);
  expect((await once(origin, 'data'))[0]).toEqual(octets);
  origin.end();
  await carried;
  const { durationMs, closedAt, close, ...rest } = record().tunnel as NonNullable<ExchangeRecord['tunnel']>;
  expect([rest, told]).toEqual([expected, ['finished']]);
});

test.each<[string, (ends: { client: Socket; origin: Socket; sides: { first: Socket } }) => unknown, TunnelClose]>([
  [
    'the client ends',
    ({ client, origin }) => origin.once('end', () => origin.end()) && client.end(),
    { by: 'client', how: 'end' },
  ],
  [
    'the destination ends',
    ({ client, origin }) => client.once('end', () => client.end()) && origin.end(),
    { by: 'destination', how: 'end' },
  ],
  ['the client resets', ({ client }) => client.resetAndDestroy(), { by: 'client', how: 'reset' }],
  ['the destination resets', ({ origin }) => origin.resetAndDestroy(), { by: 'destination', how: 'reset' }],
  ['the agent stops', ({ sides }) => sides.first.resetAndDestroy(), { by: 'agent', how: 'stop' }],
  ['nobody says anything', () => undefined, { by: 'agent', how: 'idle' }],
])('when %s, that is why it closed', async (what, act, close) => {
  const { carried, record, ...ends } = await opened(what === 'nobody says anything' ? 20 : 60_000);
  act(ends);
  await carried;
  expect(record().tunnel?.close).toEqual(close);
});

async function opened(tunnelIdleTimeoutMs = 60_000) {
  const { client, origin, sides } = await pairs();
  for (const end of [client, origin]) end.on('error', () => undefined).resume();
  return { client, origin, sides, ...carry(sides.first, sides.second, tunnelIdleTimeoutMs) };
}

function carry(first: Socket, second: Socket, tunnelIdleTimeoutMs = 60_000) {
  const clock = stillClock(21);
  const { observer, told } = listening();
  const trace = testTrace({ stamps: { 'response-sent': 21 } }, 'tunnel');
  const carried = carryOpenTunnel({ clock, observer, limits: { tunnelIdleTimeoutMs } }, trace, first, second);
  return { clock, told, carried, record: () => printedRecord(trace, clock) };
}

/** What Node's TLS client says first. */
async function clientHello(options: ConnectionOptions): Promise<Buffer> {
  const [near, far] = duplexPair();
  const client = connectTls({ ...options, socket: near });
  client.on('error', () => undefined);
  const [octets] = (await once(far, 'data')) as [Buffer];
  client.destroy();
  return octets;
}

/** A ClientHello without extensions. */
function noNameHello(): Buffer {
  const body = [3, 3, ...new Array(32).fill(9), 0, 0, 2, 0x13, 1, 1, 0];
  return Buffer.of(22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length, ...body);
}
