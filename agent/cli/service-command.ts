// How a service starts the agent: the command, with what it needs of the environment in which it was installed.
import { join } from 'node:path';
import type { ServiceCommand } from '../../schemas/service.ts';
import type { Environment, StartOptions } from '../config/overrides.ts';
import type { Paths } from '../config/paths.ts';

export interface ServiceSurroundings {
  /** Absolute, both. */
  readonly node: string;
  readonly bin: string;
  readonly env: Environment;
  readonly paths: Paths;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly drainTimeoutMs: number;
}

/** What the agent may take beyond draining, to close its store and its edge. */
const closingTimeMs = 10_000;

export function commandOf(options: StartOptions, around: ServiceSurroundings): ServiceCommand {
  const { node, bin, env, paths, platform, home, drainTimeoutMs } = around;
  return {
    node,
    bin,
    args: startArguments(options),
    environment: Object.fromEntries(
      keptVariables.flatMap((name) => {
        const value = env[name];
        return value === undefined || value === '' ? [] : [[name, value] as const];
      }),
    ),
    workingDirectory: paths.state,
    ...(platform === 'darwin' && { logFolder: join(home, 'Library', 'Logs', 'edgehop') }),
    ...(platform === 'win32' && { logFolder: join(paths.state, 'logs') }),
    stopTimeoutMs: drainTimeoutMs + closingTimeMs,
  };
}

/** They say where configuration, state and cache are: with others, no verb would find the agent. */
const keptVariables = ['EDGEHOP_HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME'] as const;

/** Variables that have an effect on an agent that is started here, and none on the service. */
export function unkeptVariables(env: Environment): readonly string[] {
  return Object.keys(env)
    .filter((name) => /^(?:EDGEHOP_.+|https?_proxy|all_proxy)$/i.test(name) && (env[name] ?? '') !== '')
    .filter((name) => name !== 'EDGEHOP_HOME' && name !== 'EDGEHOP_CONFIG')
    .sort();
}

function startArguments(options: StartOptions): readonly string[] {
  const { port, host, controlPort, config, edge, allowPrivate, cache, log } = options;
  const valued = { '--port': port, '--host': host, '--control-port': controlPort, '--config': config, '--edge': edge };
  return [
    ...Object.entries(valued).flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)])),
    ...(allowPrivate === true ? ['--allow-private'] : []),
    ...(cache === false ? ['--no-cache'] : []),
    ...(log === undefined ? [] : ['--log', log]),
  ];
}
