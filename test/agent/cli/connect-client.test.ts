// A tunnel by CONNECT as a client asks for it: opened, refused in words, or not to be had.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openTunnel, type TunnelAnswer } from '../../../agent/cli/connect-client.ts';
import { machineClock } from '../../../agent/clock.ts';
import { octetsOf, readRequest } from '../../support/messages.ts';
import { message } from '../../support/origin.ts';
import { startSilentPort } from '../../support/silent-port.ts';
import { startTcp } from '../../support/tcp.ts';

/** Asks a proxy that answers CONNECT with these octets. */
async function askedOf(answer: (socket: Socket) => void, timeoutMs = 20_000): Promise<TunnelAnswer> {
  await using proxy = await startTcp((socket) => socket.once('data', () => answer(socket)));
  const given = await ask(proxy.port, { timeoutMs });
  if (given.kind === 'opened') given.socket.destroy();
  return given;
}

function ask(port: number, { timeoutMs = 20_000, signal = new AbortController().signal } = {}): Promise<TunnelAnswer> {
  const proxy = { host: '127.0.0.1', port, name: 'the proxy' };
  return openTunnel({ proxy, target: 'o.example:7000', timeoutMs, signal, clock: machineClock() });
}

describe('a tunnel that is opened', () => {
  test('was asked for by authority-form, with the same Host and without content', async () => {
    const heads: string[] = [];
    await using proxy = await startTcp(async (socket) => {
      const request = await readRequest(octetsOf(socket));
      heads.push(`${request?.startLine} | ${request?.values('host')} | ${request?.framing}`);
      socket.write(message(['HTTP/1.1 200 OK']));
    });
    const given = await ask(proxy.port);
    expect(given.kind).toBe('opened');
    if (given.kind === 'opened') given.socket.destroy();
    expect(heads).toEqual(['CONNECT o.example:7000 HTTP/1.1 | o.example:7000 | none']);
  });

  test('gives what the destination said at once apart, and the times in their order', async () => {
    const given = await askedOf((socket) => void socket.write(message(['HTTP/1.1 200 OK'], '220 ready\r\n')));
    if (given.kind !== 'opened') throw new Error(given.because);
    expect(given.early.toString()).toBe('220 ready\r\n');
    expect(given.connectedAt).toBeGreaterThanOrEqual(given.startedAt);
    expect(given.openedAt).toBeGreaterThanOrEqual(given.connectedAt);
  });

  test('stays half-open when the destination ends', async () => {
    const said = Promise.withResolvers<Buffer>();
    await using proxy = await startTcp((socket) =>
      socket.once('data', () => {
        void octetsOf(socket).rest().then(said.resolve);
        socket.end(message(['HTTP/1.1 200 OK']));
      }),
    );
    const given = await ask(proxy.port);
    if (given.kind !== 'opened') throw new Error(given.because);
    given.socket.resume();
    await once(given.socket, 'end');
    given.socket.end('one word more');
    expect((await said.promise).toString()).toBe('one word more');
    given.socket.destroy();
  });

  test('has no content, whatever length its head announces (RFC 9110 9.3.6)', async () => {
    const given = await askedOf((socket) => {
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 3'], 'abcdef'));
    });
    expect(given).toMatchObject({ kind: 'opened', early: Buffer.from('abcdef') });
  });
});

describe('a refusal', () => {
  const problem = JSON.stringify({
    type: 'about:blank',
    title: 'Forbidden',
    status: 403,
    detail: 'The destination is private.',
    advice: 'Start with --allow-private.',
  });

  const hostile = JSON.stringify({ type: '', title: '', status: 502, detail: 'evil\x1b[2J\nline' });

  test.each([
    [
      'problem details',
      message(['HTTP/1.1 403 Forbidden', `Content-Length: ${problem.length}`], problem),
      403,
      'The destination is private. Start with --allow-private. (403 by the proxy)',
    ],
    ['a page', message(['HTTP/1.1 407 No', 'Content-Length: 4'], '<p>\n'), 407, 'the proxy answered 407.'],
    ['an empty page', message(['HTTP/1.1 502 No', 'Content-Length: 0']), 502, 'the proxy answered 502.'],
    [
      'a redirect',
      message(['HTTP/1.1 302 Found', 'Location: http://login.example/', 'Content-Length: 0']),
      302,
      'the proxy answered 302.',
    ],
    [
      'what has control characters',
      message(['HTTP/1.1 502 No', `Content-Length: ${hostile.length}`], hostile),
      502,
      'evil?[2J?line (502 by the proxy)',
    ],
  ])('with %s is told in words', async (_, octets, status, because) => {
    expect(await askedOf((socket) => void socket.write(octets))).toEqual({ kind: 'refused', status, because });
  });

  test('without a length ends with its connection', async () => {
    const octets = message(['HTTP/1.1 502 No'], problem);
    expect(await askedOf((socket) => void socket.end(octets))).toMatchObject({ because: /private/ });
  });

  test('without end is read to a bound', async () => {
    const endless = Buffer.alloc(64 * 1024, 'x');
    const given = await askedOf((socket) => {
      socket.write(message(['HTTP/1.1 502 No']));
      const more = () => {
        while (socket.writable && socket.write(endless));
      };
      socket.on('drain', more);
      more();
    });
    expect(given).toEqual({ kind: 'refused', status: 502, because: 'the proxy answered 502.' });
  });
});

describe('a proxy that is not to be had', () => {
  test('because nothing listens', async () => {
    const closed = await startTcp(() => undefined);
    await closed[Symbol.asyncDispose]();
    expect(await ask(closed.port)).toMatchObject({ kind: 'failed', because: /the proxy is not there/ });
  });

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['because it resets', (socket) => void socket.resetAndDestroy(), /broke off/],
    ['because it ends', (socket) => void socket.end(), /broke off/],
    ['because it is none', (socket) => void socket.end('220 mail ready\r\n'), /did not answer in HTTP/],
    ['because it stops within its head', (socket) => void socket.end('HTTP/1.1 200 OK\r\n'), /broke off|in HTTP/],
  ])('%s', async (_, answer, because) => {
    const given = await askedOf(answer);
    expect(given).toEqual({ kind: 'failed', because: expect.stringMatching(because) });
  });

  test('because it never answers', async () => {
    expect(await askedOf(() => undefined, 50)).toMatchObject({ kind: 'failed', because: /within 50 ms/ });
  });

  test('because it never accepts', async () => {
    await using silent = await startSilentPort();
    expect(await ask(silent.port, { timeoutMs: 50 })).toMatchObject({ kind: 'failed', because: /within 50 ms/ });
  });

  test('because it is not wanted any more', async () => {
    const wanted = new AbortController();
    await using proxy = await startTcp((socket) => socket.once('data', () => wanted.abort()));
    expect(await ask(proxy.port, { signal: wanted.signal })).toMatchObject({ kind: 'failed' });
  });
});
