// The client of the tunnels that are measured, run as a process of its own: it opens them, and counts what comes.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What it is told to do. `seconds` of 0 keeps the tunnels open until it is told to end. */
export interface TunnelTask {
  readonly proxyPort: number;
  readonly originPort: number;
  readonly tunnels: number;
  readonly seconds: number;
}

/** What it answers, once all tunnels are open and the seconds are over. */
export interface TunnelResult {
  readonly octets: number;
  readonly seconds: number;
}

/** What comes before the measurement: windows grow, and just-in-time compilers have their turn. */
const warmUpMs = 500;
const openAtOnce = 50;

let octets = 0;

process.on('message', async (task: TunnelTask) => {
  const open: Socket[] = [];
  while (open.length < task.tunnels) {
    const count = Math.min(openAtOnce, task.tunnels - open.length);
    open.push(...(await Promise.all(Array.from({ length: count }, () => openTunnel(task)))));
  }
  if (task.seconds > 0) await sleep(warmUpMs);
  const [before, startedAt] = [octets, performance.now()];
  await sleep(task.seconds * 1_000);
  const result: TunnelResult = { octets: octets - before, seconds: (performance.now() - startedAt) / 1_000 };
  if (task.seconds > 0) for (const socket of open) socket.destroy();
  process.send?.(result);
});
process.on('disconnect', () => process.exit());

/** Resolves when the proxy has answered 200. What comes after that is counted and thrown away. */
async function openTunnel({ proxyPort, originPort }: TunnelTask): Promise<Socket> {
  const buffer = Buffer.allocUnsafe(256 * 1024);
  let head = '';
  const opened = Promise.withResolvers<void>();
  const count = (length: number, received: Uint8Array) => {
    if (!head.includes('\r\n\r\n')) {
      head += Buffer.from(received.subarray(0, length)).toString('latin1');
      if (!head.includes('\r\n\r\n')) return true;
      if (/^HTTP\/1\.[01] 200 /.test(head)) opened.resolve();
      else opened.reject(new Error(`no tunnel: ${head.slice(0, 100)}`));
    } else octets += length;
    return true;
  };
  const socket = connect({ port: proxyPort, host: '127.0.0.1', noDelay: true, onread: { buffer, callback: count } });
  socket.on('error', () => undefined).on('close', () => opened.reject(new Error('the proxy closed the tunnel')));
  await once(socket, 'connect');
  socket.write(`CONNECT 127.0.0.1:${originPort} HTTP/1.1\r\nHost: 127.0.0.1:${originPort}\r\n\r\n`);
  await opened.promise;
  return socket;
}
