// A run of the embedded edge that is only asked who it is.
import { randomBytes } from 'node:crypto';
import { startRuntime } from '../edge/runtime.ts';
import { workerSource } from '../edge/worker-source.ts';
import type { Ask } from './ask.ts';
import type { EmbeddedPorts } from './embedded-edge.ts';

/** Nothing private is open to it, and its token is its own. */
export function edgeTrial(ask: Ask): EmbeddedPorts['tried'] {
  return async () => {
    const token = randomBytes(32).toString('base64url');
    const policy = { allowPrivate: false, exceptions: [] };
    const nothing = () => undefined;
    const source = await workerSource();
    await using runtime = await startRuntime({ source, token, policy, onLogLine: nothing, onExit: nothing });
    return await ask({ origin: runtime.origin, path: '/v1/hello', token, timeoutMs: 5_000, maxBytes: 64 * 1024 });
  };
}
