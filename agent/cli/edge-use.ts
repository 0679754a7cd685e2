// `edgehop edge use NAME`: says in the configuration by which edge exchanges go; agents that run take it over.
import { changeConfig, configFile, rightConfig } from './config-change.ts';
import { whyNotUsed } from './edge-names.ts';
import { Exit } from './exit.ts';

export interface UseOptions {
  readonly config?: string;
}

/** Says on stdout what is in use from now on, and on stderr what comes before it. */
export function useEdge(use: string, options: UseOptions, env: NodeJS.ProcessEnv): void {
  const file = configFile(options.config, env);
  const config = rightConfig(file);
  const because = whyNotUsed(use, config);
  if (because !== undefined) throw new Exit('usage', because);
  const isSame = config.edge.use === use;
  const written = isSame ? file.path : changeConfig(file.path, [{ path: ['edge', 'use'], value: use }]);
  console.log(`${isSame ? 'It was so already' : 'Written'}: edge.use is ${use} in ${written}.`);
  const overriding = env['EDGEHOP_EDGE'];
  if (overriding !== undefined && overriding !== '' && overriding !== use)
    console.error(`edgehop: here EDGEHOP_EDGE says "${overriding}", which comes before the file.`);
}
