// What this machine says when it is really asked, and that nothing of it stays.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { thisDoctorHost as host, openFilesIn } from '../../../agent/doctor/host.ts';
import { listening } from '../../../agent/proxy/accept/listening.ts';
import { never } from '../../support/situation.ts';
import { closedPort } from '../../support/tcp.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'edgehop-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('a port that is bound for a trial is free at once, and a taken one stays taken', async () => {
  const port = await closedPort();
  expect(await host.bind('127.0.0.1', port)).toBeUndefined();
  expect(await host.bind('127.0.0.1', port)).toBeUndefined();
  const server = createServer((socket) => socket.destroy());
  onTestFinished(() => void server.close());
  await listening(server, '127.0.0.1', port);
  expect(await host.bind('127.0.0.1', port)).toBe('EADDRINUSE');
  expect(await host.listens('127.0.0.1', port, never)).toBe(true);
  expect(await host.listens('127.0.0.1', await closedPort(), never)).toBe(false);
  expect(await host.bind('192.0.2.1', port)).toBe('EADDRNOTAVAIL');
});

test('the space of a folder that is not there is that of the one above it, and none is made', () => {
  const path = folder();
  const space = host.space(join(path, 'a', 'b'));
  expect(space).toMatchObject({ folder: path, isWritable: true });
  expect(space.freeBytes).toBeGreaterThan(0);
  expect(readdirSync(path)).toEqual([]);
});

test('files and folders are looked at, and what is not there is said to be so', () => {
  const path = folder();
  writeFileSync(join(path, 'f'), 'text', { mode: 0o640 });
  expect([host.mode(join(path, 'f')), host.mode(join(path, 'g'))]).toEqual([0o640, undefined]);
  expect([host.read(join(path, 'f')), host.read(path)]).toEqual(['text', undefined]);
  expect([host.list(path), host.list(join(path, 'g')), host.list(join(path, 'f'))]).toEqual([
    ['f'],
    { code: 'ENOENT' },
    { code: 'ENOTDIR' },
  ]);
});

test('a route is looked for without a packet', async () => {
  expect(await host.route('127.0.0.1')).toBeUndefined();
  expect([undefined, 'ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EHOSTUNREACH']).toContain(
    await host.route('2001:db8::1'),
  );
});

test('the limit of open files is that of the process', () => {
  const limit = host.openFiles();
  if (process.platform === 'linux') expect(host.openFiles(process.pid)).toBe(limit);
  else expect(limit === undefined || limit > 0).toBe(true);
});

test.each([
  ['Max open files            1024                 524288               files     \n', 1_024],
  ['Max open files            unlimited            unlimited            files     \n', Number.POSITIVE_INFINITY],
  ['Max processes 1 1 x\nMax open files            256   256   files\n', 256],
  ['nothing', undefined],
  [undefined, undefined],
])('%j', (table, limit) => {
  expect(openFilesIn(table)).toBe(limit);
});
