// The peer proxy-chain, run as a process of its own, as its README starts it.
import { Server } from 'proxy-chain';

const server = new Server({ port: 0, host: '127.0.0.1' });
await server.listen();
process.send?.({ port: server.port });
process.on('disconnect', () => process.exit());
