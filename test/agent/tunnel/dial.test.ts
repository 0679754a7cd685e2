// A dial goes to the checked addresses and nowhere else, one after the other.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { dial } from '../../../agent/tunnel/dial.ts';

const limits = { connectTimeoutMs: 5_000, maxSocketBufferBytes: 64 * 1024 };

test('the first address that accepts is the one', async () => {
  const port = await listening();
  const dialled = await dial(['127.0.0.1'], port, limits);
  if (dialled.kind === 'failed') throw dialled.error;
  onTestFinished(() => void dialled.socket.destroy());
  expect([dialled.socket.remoteAddress, dialled.socket.remotePort]).toEqual(['127.0.0.1', port]);
  expect(dialled.socket.allowHalfOpen).toBe(true);
});

test('an address that refuses gives way to the next', async () => {
  const port = await listening();
  const dialled = await dial(['::1', '127.0.0.1'], port, limits);
  if (dialled.kind === 'failed') throw dialled.error;
  onTestFinished(() => void dialled.socket.destroy());
  expect(dialled.socket.remoteAddress).toBe('127.0.0.1');
});

test('when all refuse, that is the error', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(await dial(['127.0.0.1'], port, limits)).toMatchObject({
    kind: 'failed',
    error: { type: 'connection_refused', cause: { code: 'ECONNREFUSED' } },
  });
});

test('without an address nothing is dialled', async () => {
  expect((await dial([], 1, limits)).kind).toBe('failed');
});

async function listening(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
