// Two connections on loopback, as the one who carries their octets to each other has them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { BulkReader } from '../../agent/upstream/bulk-reader.ts';

export interface Pairs {
  readonly client: Socket;
  readonly origin: Socket;
  /** The side of the client's connection, and that of the origin's, which are to be spliced; what reads the second. */
  readonly sides: { readonly first: Socket; readonly second: Socket; readonly secondReader: BulkReader | undefined };
}

/** A client and an origin, each with the side of its connection that is to be spliced. All may be half-open. */
export async function pairs(secondReader?: BulkReader): Promise<Pairs> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const pair = async (reader?: BulkReader) => {
    const accepted = once(server, 'connection');
    const outer = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...(reader && { onread: reader.onread }) });
    const [inner] = (await accepted) as [Socket];
    await (outer.connecting ? once(outer, 'connect') : undefined);
    return { outer, inner };
  };
  const [left, right] = [await pair(), await pair(secondReader)];
  return { client: left.outer, origin: right.inner, sides: { first: left.inner, second: right.outer, secondReader } };
}
