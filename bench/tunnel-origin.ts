// The end of the tunnels that are measured, run as a process of its own: it sends without end, or it is silent.
import { createServer, type Socket } from 'node:net';

const block = Buffer.alloc(256 * 1024, 'x');
const isSilent = process.argv[2] === 'silent';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  if (isSilent) socket.resume();
  else pour(socket);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.on('disconnect', () => process.exit());

function pour(socket: Socket): void {
  const more = () => {
    while (socket.writable && socket.write(block));
  };
  socket.on('drain', more);
  more();
}
