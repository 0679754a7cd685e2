// The line server of a network class: many clients at once, each line comes back, and `!DISCONNECT` ends.
import { createInterface } from 'node:readline';
import { startTcp, type TcpServer } from './tcp.ts';

/** Starts it on a free port. It greets first, as such servers do. */
export async function startLineServer(): Promise<TcpServer> {
  let clients = 0;
  return startTcp((socket) => {
    const number = ++clients;
    socket.write(`welcome, client ${number}\n`);
    const lines = createInterface({ input: socket });
    lines.on('line', (line) => {
      if (line === '!DISCONNECT') socket.end('goodbye\n');
      else if (socket.writable) socket.write(`${number}: ${line}\n`);
    });
    lines.on('error', () => undefined); // those of its input
    lines.on('close', () => socket.end());
  });
}
