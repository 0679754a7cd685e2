// The pools of the configuration, with the checks of their targets. Over a reload the targets that stay keep their state.
import type { Config } from '../../schemas/config.ts';
import type { Pools, UpstreamClient } from '../proxy/ports.ts';
import { checkTargets } from './checks.ts';
import { createPool, type LivePool, type PoolPorts } from './pool.ts';

export interface PoolsPorts extends PoolPorts {
  /** For checks. */
  readonly client: UpstreamClient;
}

/** Pools, from which those of the next configuration can take over. */
export interface LivePools extends Pools {
  readonly live: ReadonlyMap<string, LivePool>;
}

/** Makes the pools, and begins to check their targets. `previous` are those before a reload, to be closed by whoever made them. */
export function createPools(pools: Config['pools'], ports: PoolsPorts, previous?: LivePools): LivePools {
  const live = new Map<string, LivePool>();
  const ends: (() => void)[] = [];
  for (const [name, settings] of Object.entries(pools)) {
    const pool = createPool(name, settings, ports, previous?.live.get(name));
    live.set(name, pool);
    if (settings.check === undefined)
      for (const { health } of pool.targets) health.isWell = true; // nobody would find it well again
    else ends.push(checkTargets(pool, settings.check, ports.client));
  }
  return {
    live,
    of: (name) => live.get(name),
    states: () => [...live.values()].map((pool) => pool.state()),
    close: () => {
      for (const end of ends) end();
    },
  };
}
