// The client of intercepted connections, run as a process of its own: it asks over and over, and times each answer.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';

/** What it is told to do. `seconds` of 0 keeps the connections open, after one answer each, until it is told to end. */
export interface InterceptTask {
  /** Absent: the origin itself is asked. */
  readonly proxyPort?: number;
  readonly originPort: number;
  /** The file with the issuer (PEM) of the origin's certificate, which an intercepted connection does not show. */
  readonly authority: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Latencies in milliseconds. */
export interface InterceptResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const warmUpMs = 1_000;
const openAtOnce = 20;

process.on('message', async (task: InterceptTask) => {
  const sockets: TLSSocket[] = [];
  while (sockets.length < task.connections) {
    const count = Math.min(openAtOnce, task.connections - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(task)))));
  }
  const latencies: number[] = [];
  let [isOver, isCounting] = [task.seconds === 0, false];
  const ask = async (socket: TLSSocket) => {
    do {
      const askedAt = performance.now();
      await answered(socket, task.originPort);
      if (isCounting) latencies.push(performance.now() - askedAt);
    } while (!isOver);
  };
  const asking = Promise.all(sockets.map(ask));
  if (task.seconds > 0) {
    await sleep(warmUpMs);
    isCounting = true;
    await sleep(task.seconds * 1_000);
    isCounting = false;
    isOver = true;
  }
  await asking;
  latencies.sort((one, other) => one - other);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  const perSecond = task.seconds === 0 ? 0 : latencies.length / task.seconds;
  process.send?.({ perSecond, p50Ms: at(0.5), p99Ms: at(0.99) } satisfies InterceptResult);
});
process.on('disconnect', () => process.exit());

async function open({ proxyPort, originPort, authority }: InterceptTask): Promise<TLSSocket> {
  const raw = connectTcp({ port: proxyPort ?? originPort, host: '127.0.0.1', noDelay: true });
  await once(raw, 'connect');
  if (proxyPort !== undefined) {
    raw.write(`CONNECT localhost:${originPort} HTTP/1.1\r\nHost: localhost:${originPort}\r\n\r\n`);
    const [head] = (await once(raw, 'data')) as [Buffer];
    if (!/^HTTP\/1\.[01] 200 /.test(head.toString('latin1'))) throw new Error(`no tunnel: ${head}`);
    raw.removeAllListeners('data');
  }
  const options = { servername: 'localhost', ca: readFileSync(authority), rejectUnauthorized: false };
  const socket = connect({ socket: raw, ...options, ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  if (socket.authorized !== (proxyPort === undefined)) throw new Error('who is spoken to is not who was meant');
  return socket;
}

const contentOctets = 1024;

function answered(socket: TLSSocket, originPort: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const over = (cause?: Error) => {
      socket.off('data', onData).off('close', onClose);
      if (cause === undefined) resolve();
      else reject(cause);
    };
    const onClose = () => over(new Error(`the connection closed after ${text.slice(0, 200)}`));
    const onData = (piece: Buffer) => {
      text += piece.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1 || text.length < end + 4 + contentOctets) return;
      over(text.startsWith('HTTP/1.1 200 ') ? undefined : new Error(text.slice(0, 300)));
    };
    socket.on('data', onData).once('close', onClose);
    socket.write(`GET / HTTP/1.1\r\nHost: localhost:${originPort}\r\n\r\n`);
  });
}
