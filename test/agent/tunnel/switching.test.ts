// What an origin answers to a request for another protocol: a tunnel, a response, or neither.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { askToSwitch, type SwitchAnswer } from '../../../agent/tunnel/switching.ts';
import { pairs } from '../../support/pairs.ts';
import { receivedOf } from '../../support/walk.ts';

const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: \xe9\r\n\r\n';

describe('101', () => {
  test.each([
    ['alone', [switching]],
    ['with the first octets of the tunnel', [`${switching}tunnel`]],
    ['in pieces', ['HTTP/1.1 10', '1 \r\nUpgrade: websock', 'et\r\n\r', '\ntun']],
    ['after an interim response', [`HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n${switching}`]],
  ])('%s gives the connection, with what lies behind the head', async (_, pieces) => {
    const { origin, answered, interim } = await asked();
    for (const piece of pieces) await write(origin, piece);
    const answer = await answered;
    if (answer.kind !== 'switched') throw new Error(answer.kind);
    expect(answer.head.status).toBe(101);
    expect(answer.head.fields).toContainEqual(['Upgrade', 'websocket']);
    expect(answer.socket.eventNames().filter((name) => name === 'timeout' || name === 'readable')).toEqual([]);
    expect(answer.socket.listenerCount('data')).toBe(0);
    expect(interim).toEqual(pieces[0]?.includes('103') ? [103] : []);
    origin.end(' end');
    let tunnel = '';
    answer.socket.on('data', (octets) => {
      tunnel += octets;
    });
    answer.socket.resume();
    await once(answer.socket, 'end');
    expect(tunnel).toBe(`${pieces.join('').split('\r\n\r\n').at(-1)} end`);
  });

  test('is asked for with exactly this head', async () => {
    const { origin } = await asked();
    const [octets] = (await once(origin, 'data')) as [Buffer];
    expect(octets.toString('latin1')).toBe('GET /chat HTTP/1.1\r\nHost: o.example\r\nUpgrade: websocket\r\n\r\n');
  });

  test('leaves no deadline behind', async () => {
    const { origin, answered } = await asked({ headDeadlineMs: 50, idleTimeoutMs: 50 });
    await write(origin, switching);
    const answer = await answered;
    if (answer.kind !== 'switched') throw new Error(answer.kind);
    expect(answer.socket.timeout).toBeFalsy();
  });
});

describe('any other final response', () => {
  test.each<[string, string, boolean, string[]]>([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain', false, ['end']],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nplain\r\n0\r\n\r\n', false, ['end']],
    ['that ends with the connection', 'HTTP/1.1 200 OK\r\n\r\nplain', true, ['end']],
    ['that is cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nplain', true, ['http_response_incomplete']],
    ['with more behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplainHTTP/1.1 200 OK\r\n\r\n', false, ['end']],
  ])('%s is read to its end, and the connection with it', async (_, text, ends, endings) => {
    const { origin, answered, socket } = await asked();
    const closed = once(socket, 'close');
    await write(origin, text);
    if (ends) origin.end();
    const answer = await answered;
    if (answer.kind !== 'response') throw new Error(answer.kind);
    await closed;
    expect([answer.head.status, receivedOf(answer.content)]).toEqual([200, { octets: 'plain', endings }]);
  });

  test('that nobody wants ends the connection at once', async () => {
    const { origin, answered, socket } = await asked();
    await write(origin, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nplain');
    const answer = await answered;
    if (answer.kind !== 'response') throw new Error(answer.kind);
    answer.content.cancel();
    expect(socket.destroyed).toBe(true);
  });

  test('that stops coming fails', async () => {
    const { origin, answered } = await asked({ idleTimeoutMs: 50 });
    await write(origin, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nplain');
    const answer = await answered;
    if (answer.kind !== 'response') throw new Error(answer.kind);
    const failed = Promise.withResolvers<string>();
    answer.content.flow({
      write: () => true,
      end: () => failed.resolve('end'),
      fail: ({ type }) => failed.resolve(type),
    });
    expect(await failed.promise).toBe('connection_read_timeout');
  });
});

describe('no answer', () => {
  test.each<[string, (origin: Socket) => unknown, string]>([
    ['when it closes', (origin) => origin.end(), 'connection_terminated'],
    ['when it closes within its head', (origin) => origin.end('HTTP/1.1 101 Swi'), 'connection_terminated'],
    ['when it resets', (origin) => origin.resetAndDestroy(), 'connection_terminated'],
    ['when it speaks something else', (origin) => origin.write('SSH-2.0-x\r\n\r\n'), 'http_protocol_error'],
    [
      'when its head is too large',
      (origin) => origin.write(`HTTP/1.1 101 ${'x'.repeat(2_000)}`),
      'http_response_header_section_size',
    ],
  ])('%s', async (_, act, type) => {
    const { origin, answered, socket } = await asked();
    act(origin);
    expect(await answered).toMatchObject({ kind: 'failed', error: { type } });
    expect(socket.destroyed).toBe(true);
  });

  test('when it says nothing for too long', async () => {
    const { answered } = await asked({ headDeadlineMs: 50 });
    expect(await answered).toMatchObject({ kind: 'failed', error: { type: 'http_response_timeout' } });
  });

  test('when the client leaves', async () => {
    const { answered, leave, socket } = await asked();
    leave();
    expect(await answered).toMatchObject({ kind: 'failed', error: { status: 499 } });
    expect(socket.destroyed).toBe(true);
  });
});

async function asked(deadlines: { readonly headDeadlineMs?: number; readonly idleTimeoutMs?: number } = {}) {
  const {
    origin,
    sides: { second: socket },
  } = await pairs();
  for (const end of [origin, socket]) end.on('error', () => undefined);
  origin.resume();
  const interim: number[] = [];
  let leave: () => void = () => undefined;
  const answered: Promise<SwitchAnswer> = askToSwitch(
    {
      socket,
      protocol: 'http/1.1',
      address: undefined,
      absoluteForm: undefined,
      cut: () => void socket.resetAndDestroy(),
    },
    {
      origin: 'http://o.example',
      method: 'GET',
      path: '/chat',
      fields: [
        ['Host', 'o.example'],
        ['Upgrade', 'websocket'],
      ],
      framing: { kind: 'none' },
      content: undefined,
      headDeadlineMs: 60_000,
      idleTimeoutMs: 60_000,
      maxOctetsHeld: 65_536,
      onInterim: (status) => void interim.push(status),
      onLeave: (cancel) => {
        leave = cancel;
      },
      ...deadlines,
    },
    { maxHeadBytes: 1_000, maxFields: 10, maxInterimResponses: 2 },
  );
  return { origin, socket, answered, interim, leave: () => leave() };
}

function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => void socket.write(Buffer.from(text, 'latin1'), () => setImmediate(resolve)));
}
