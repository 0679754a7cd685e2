// Who holds a port: by transcripts of the three systems, and for real on Linux.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { type Host, thisHost } from '../../../agent/machine/facts.ts';
import {
  listeningInodes,
  lsofHolder,
  netstatPid,
  portHolder,
  tasklistName,
} from '../../../agent/machine/port-holder.ts';

test.each(['127.0.0.1', '::1'])(
  'a process that listens on %s is found by its port',
  { skip: thisHost.platform !== 'linux' },
  async (address) => {
    const program = `const server = require('net').createServer().listen(0, '${address}', () => console.log(server.address().port))`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [port] = await once(child.stdout, 'data');
      expect(await portHolder(Number(port))).toEqual({
        kind: 'known',
        pid: child.pid,
        name: basename(realpathSync(process.execPath)),
      });
    } finally {
      child.kill();
    }
  },
);

test('a port that nobody listens on has no known holder', { skip: thisHost.platform !== 'linux' }, async () => {
  expect(await portHolder(0)).toEqual({ kind: 'unknown', because: 'no listener on port 0 is in sight' });
});

const procNetTcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 48211 1 0000000081812a24 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 48999 1 0000000081812a24 20 4 30 10 -1
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 49000 1 0000000081812a24 20 4 30 10 -1
   3: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20133 1 0000000081812a24 100 0 0 10 0
`;

test('only the listener’s inode counts, not those of its connections', () => {
  expect(listeningInodes(procNetTcp, 8080)).toEqual(['48211']);
  expect(listeningInodes(procNetTcp, 50_000)).toEqual([]);
});

test.each([
  [{ '/proc/77/exe': '/usr/sbin/nginx (deleted)' }, {}, { kind: 'known', pid: 77, name: 'nginx' }],
  [{}, { '/proc/77/comm': 'nginx\n' }, { kind: 'known', pid: 77, name: 'nginx' }],
  [{}, {}, { kind: 'unknown', because: 'it is process 77, which did not tell its name' }],
])(
  'the oldest process that shares the socket is named by its file, else by its thread',
  async (links, files, holder) => {
    const held = { '/proc/77/fd/3': 'socket:[48211]', '/proc/80/fd/3': 'socket:[48211]', '/proc/9/fd/0': '/dev/null' };
    const host = hostOf('linux', {
      list: async (path) => ({ '/proc': ['80', '77', '9', 'net'], '/proc/9/fd': ['0'] })[path] ?? ['3'],
      link: async (path) => ({ ...held, ...links })[path],
      read: async (path) => ({ '/proc/net/tcp': procNetTcp, ...files })[path],
    });
    expect(await portHolder(8080, host)).toEqual(holder);
  },
);

test('another user’s process is told as that', async () => {
  const host = hostOf('linux', { read: async (path) => (path === '/proc/net/tcp' ? procNetTcp : undefined) });
  expect(await portHolder(22, host)).toEqual({ kind: 'unknown', because: "it is another user's process" });
});

test.each([
  ['p4242\ncnode\nf21\n', { pid: 4242, name: 'node' }],
  ['p501\ncGoogle\\x20Chrome\\x20H\nf33\nf34\np777\ncother\nf3\n', { pid: 501, name: 'Google Chrome H' }],
  ['', undefined],
])('lsof’s %j is read as %j', (text, holder) => {
  expect(lsofHolder(text)).toEqual(holder);
});

test('a Mac asks lsof', async () => {
  const host = hostOf('darwin', { run: async (...line) => (line.includes('-iTCP:8080') ? 'p4242\ncnode\nf21\n' : '') });
  expect(await portHolder(8080, host)).toEqual({ kind: 'known', pid: 4242, name: 'node' });
  expect(await portHolder(80, host)).toEqual({ kind: 'unknown', because: "it is another user's process" });
  expect(await portHolder(80, hostOf('darwin', {}))).toEqual({ kind: 'unknown', because: 'lsof did not answer' });
});

const netstat = `\r
Aktive Verbindungen\r
\r
  Proto  Lokale Adresse         Remoteadresse          Status           PID\r
  TCP    0.0.0.0:18080          0.0.0.0:0              ABHÖREN          900\r
  TCP    127.0.0.1:52001        127.0.0.1:8080         HERGESTELLT      5001\r
  TCP    127.0.0.1:8080         127.0.0.1:52001        HERGESTELLT      4242\r
  TCP    127.0.0.1:8080         0.0.0.0:0              ABHÖREN          4321\r
  TCP    [::]:445               [::]:0                 ABHÖREN          4\r
  UDP    0.0.0.0:5353           *:*                                     2112\r
`;

test.each([
  [8080, 4321],
  [445, 4],
  [5353, undefined],
  [80, undefined],
])('netstat in German tells who listens on %i', (port, pid) => {
  expect(netstatPid(netstat, port)).toBe(pid);
});

test.each([
  ['"node.exe","4321","Console","1","50.128 K"\r\n', 'node.exe'],
  ['INFO: No tasks are running which match the specified criteria.\r\n', undefined],
])('tasklist’s %j names %j', (text, name) => {
  expect(tasklistName(text)).toBe(name);
});

test('Windows asks netstat, then tasklist', async () => {
  const answer = (tasks: string) =>
    hostOf('win32', { run: async (command) => (command.endsWith('netstat.exe') ? netstat : tasks) });
  const named = answer('"node.exe","4321","Console","1","50,128 K"\r\n');
  expect(await portHolder(8080, named)).toEqual({ kind: 'known', pid: 4321, name: 'node.exe' });
  expect(await portHolder(80, named)).toEqual({ kind: 'unknown', because: 'no listener on port 80 is in sight' });
  expect(await portHolder(8080, answer(''))).toEqual({
    kind: 'unknown',
    because: 'it is process 4321, which did not tell its name',
  });
});

test('another system cannot be asked', async () => {
  expect(await portHolder(8080, hostOf('aix', {}))).toEqual({
    kind: 'unknown',
    because: 'there is no way to ask on aix',
  });
});

function hostOf(platform: string, told: Partial<Host>): Host {
  const nothing = async () => undefined;
  return { platform, addresses: () => ({}), read: nothing, link: nothing, run: nothing, list: async () => [], ...told };
}
