// Asks what listens on this machine's loopback for one of its documents: control ports and embedded edges.
import type { Config } from '../../schemas/config.ts';
import { askEdge, type EdgeAnswer } from '../edge/deployed.ts';
import { createEdgeClient } from '../edge/edge-client.ts';
import { createDial } from '../upstream/dial.ts';
import { noParents } from '../upstream/parents.ts';

export interface Question {
  /** `http://127.0.0.1:8081`. */
  readonly origin: string;
  readonly path: string;
  readonly token: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export type Ask = (question: Question) => Promise<EdgeAnswer>;

/** Never by a proxy, whatever the environment says. */
export function createAsk(limits: Config['limits']): Ask {
  return async ({ origin, path, token, timeoutMs, maxBytes }) => {
    const client = createEdgeClient({
      limits: { ...limits, connectTimeoutMs: timeoutMs },
      dial: createDial({ ...limits, connectTimeoutMs: timeoutMs }, noParents),
      addresses: async () => ({ kind: 'resolved', addresses: ['127.0.0.1'] }),
      allowHttp2: false,
    });
    try {
      const link = { kind: 'ready', origin, host: new URL(origin).host, client, token } as const;
      return await askEdge({ ready: async () => link }, path, { timeoutMs, maxBytes });
    } finally {
      await client.close();
    }
  };
}
