// Proves the store of macOS or Windows: another Node reads it anew and shakes hands as a client that trusts just that.
import type { TrustProof } from '../../../schemas/trust.ts';
import type { Machine } from './machine.ts';

export async function proveBySystemStore(machine: Machine, port: number): Promise<TrustProof> {
  const ran = await machine.run(machine.node, '-e', clientScript, String(port));
  if (ran.kind !== 'ended') return { result: 'unknown', because: 'Node could not be run' };
  const said = ran.stdout.trim();
  if (said === 'trusted') return { result: 'trusted', ...byNode };
  return said === ''
    ? { result: 'unknown', because: ran.stderr.trim().split('\n').at(-1) ?? '' }
    : { result: 'not-trusted', ...byNode, because: said };
}

const byNode = { by: 'tls-handshake', program: "Node with the system's certificates" } as const;

/** Prints `trusted`, or why not. Node reads the system's store once in its life, so this one is new. */
const clientScript = `
const tls = require('node:tls');
const socket = tls.connect({ host: '127.0.0.1', port: Number(process.argv[1]), servername: 'localhost',
  ca: tls.getCACertificates('system'), rejectUnauthorized: true }, () => { console.log('trusted'); socket.destroy(); });
socket.on('error', (error) => console.log(error.code ?? error.message));
`;
