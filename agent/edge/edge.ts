// An edge as the agent owns it: what the walk sees of it, and what it takes to look after it.
import type { Config } from '../../schemas/config.ts';
import type { EdgeLink } from '../proxy/ports.ts';
import type { RoundTrip } from './round-trip.ts';

export type EdgeLimits = Pick<Config['limits'], 'maxEdgeConnections' | 'connectTimeoutMs' | 'originKeepAliveTimeoutMs'>;

export interface Edge extends EdgeLink, AsyncDisposable {
  state(): 'starting' | 'ready' | 'unavailable';
  roundTrip(): RoundTrip | undefined;
  /** The process of an embedded edge. */
  processId(): number | undefined;
  /** The local ports that an embedded edge listens on. */
  ports(): readonly number[];
}
