// Two connections on loopback, as the one who carries their octets to each other has them.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Pairs {
  readonly client: Socket;
  readonly origin: Socket;
  /** The side of the client's connection, and that of the origin's, which are to be spliced. */
  readonly sides: { readonly first: Socket; readonly second: Socket };
}

/** A client and an origin, each with the side of its connection that is to be spliced. All may be half-open. */
export async function pairs(): Promise<Pairs> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const pair = async () => {
    const accepted = once(server, 'connection');
    const outer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [inner] = (await accepted) as [Socket];
    await (outer.connecting ? once(outer, 'connect') : undefined);
    return { outer, inner };
  };
  const [left, right] = [await pair(), await pair()];
  return { client: left.outer, origin: right.outer, sides: { first: left.inner, second: right.inner } };
}
