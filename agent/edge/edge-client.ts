// The HTTP client towards an edge: its heads are larger than an origin's may be, for they hold envelopes.
import type { UpstreamClient } from '../proxy/ports.ts';
import { createUpstreamClient } from '../upstream/client.ts';
import { type ConnectPorts, createConnect } from '../upstream/connect.ts';
import type { Dial } from '../upstream/dial.ts';
import type { EdgeLimits } from './edge.ts';

/** The head of an edge's reply holds an envelope of up to 96 KiB. */
const maxEdgeHeadBytes = 256 * 1024;
/** An envelope is twelve of them; the rest is what platforms add. */
const maxEdgeFields = 256;

export interface EdgeClientPorts {
  readonly limits: EdgeLimits;
  readonly dial: Dial;
  readonly addresses: ConnectPorts['addresses'];
  readonly allowHttp2: boolean;
}

/** A client for one edge. Its own responses have no interim ones. */
export function createEdgeClient({ limits, dial, addresses, allowHttp2 }: EdgeClientPorts): UpstreamClient {
  return createUpstreamClient({
    maxConnections: limits.maxEdgeConnections,
    maxIdleOriginConnections: limits.maxEdgeConnections,
    maxHeadBytes: maxEdgeHeadBytes,
    maxFields: maxEdgeFields,
    maxInterimResponses: 1,
    keepAliveTimeoutMs: limits.originKeepAliveTimeoutMs,
    connect: createConnect({ dial, addresses, connectTimeoutMs: limits.connectTimeoutMs, allowHttp2 }),
  });
}
