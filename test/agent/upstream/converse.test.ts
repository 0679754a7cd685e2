// A conversation with a parent over a real connection: bounded, given up in time, and the octets behind it kept.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { converse, type Heard, maxParentHeadBytes, type Turn } from '../../../agent/upstream/converse.ts';
import { parseParent } from '../../../agent/upstream/parent.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { startTcp } from '../../support/tcp.ts';

const parent = parseParent('http://proxy.example:3128', 'HTTPS_PROXY');
const refusal = new ProxyError('http_request_denied', 'No.');

/** Waits for `one;` and says `two`, waits for `three;`: then the way is open. `no;` refuses. */
const dialogue: Turn = turn('hello', 'one;', {
  kind: 'next',
  octets: 4,
  turn: turn('two', 'three;', { kind: 'open', octets: 6 }),
});

test('turns are taken until the way is open; what comes behind is the first that is read', async () => {
  const { socket, other } = await connected();
  const done = converse(socket, parent, dialogue, never());
  expect(await said(other, 5)).toBe('hello');
  other.write('on');
  other.write('e;');
  expect(await said(other, 3)).toBe('two');
  other.write('three;first octets');
  expect(await done).toEqual({ kind: 'open' });
  other.end(', and the last');
  expect(await textOf(socket)).toBe('first octets, and the last');
});

test('everything may come in one piece, with the end behind it', async () => {
  const { socket, other } = await connected();
  const done = converse(socket, parent, dialogue, never());
  other.end('one;three;all');
  expect(await done).toEqual({ kind: 'open' });
  expect(await textOf(socket)).toBe('all');
});

test('behind it a socket flows and ends like every other one', async () => {
  const { socket, other } = await connected();
  const done = converse(socket, parent, dialogue, never());
  other.write('one;three;');
  expect(await done).toEqual({ kind: 'open' });
  expect(socket.listenerCount('readable')).toBe(0);
  socket.write('question');
  expect(await said(other, 11)).toBe('hellotwoquestion'.slice(0, 11));
  other.end('answer');
  expect(await textOf(socket)).toBe('answer');
});

test('a refusal ends it, and the connection', async () => {
  const { socket, other } = await connected();
  const done = converse(socket, parent, dialogue, never());
  other.write('no;');
  expect(await done).toEqual({ kind: 'refused', error: refusal });
  expect(socket.destroyed).toBe(true);
});

test.each(['end', 'resetAndDestroy'] as const)('a parent that closes is told (%s)', async (close) => {
  const { socket, other } = await connected();
  const done = converse(socket, parent, dialogue, never());
  await said(other, 5);
  other[close]();
  expect(await done).toMatchObject({ kind: 'refused', error: { type: 'connection_terminated', status: 502 } });
  expect(socket.destroyed).toBe(true);
});

test('a head without end is given up at its bound', async () => {
  const { socket, other } = await connected();
  const done = converse(socket, parent, dialogue, never());
  other.write('x'.repeat(maxParentHeadBytes - 1));
  other.write('x');
  expect(await done).toMatchObject({ kind: 'refused', error: { type: 'http_response_header_section_size' } });
  expect(socket.destroyed).toBe(true);
});

test('the signal ends it with its reason', async () => {
  const { socket, other } = await connected();
  const controller = new AbortController();
  const done = converse(socket, parent, dialogue, controller.signal);
  await said(other, 5);
  const reason = new ProxyError('connection_timeout', 'Too long.');
  controller.abort(reason);
  expect(await done).toEqual({ kind: 'refused', error: reason });
  expect(socket.destroyed).toBe(true);
  const late = await connected();
  expect(await converse(late.socket, parent, dialogue, AbortSignal.abort(reason))).toMatchObject({ error: reason });
});

function turn(send: string, awaited: string, then: Heard): Turn {
  return {
    send: Buffer.from(send),
    hear: (octets) => {
      const text = octets.toString();
      if (text.startsWith('no;')) return { kind: 'refused', error: refusal };
      return text.startsWith(awaited) ? then : { kind: 'more' };
    },
  };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

async function connected(): Promise<{ socket: Socket; other: Socket }> {
  const accepted = Promise.withResolvers<Socket>();
  const server = await startTcp(accepted.resolve);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return { socket, other: await accepted.promise };
}

/** The first octets that a socket has received, once there are so many. */
async function said(socket: Socket, count: number): Promise<string> {
  while (socket.readableLength < count) await once(socket, 'readable');
  return (socket.read(count) as Buffer).toString();
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (octets) => {
    text += octets;
  });
  await once(socket, 'end');
  return text;
}
