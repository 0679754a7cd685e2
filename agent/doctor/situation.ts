// What all checks start from: who asks, with which configuration, and which agents run.
import type { AgentState } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import type { Paths } from '../config/paths.ts';

export interface Situation {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: Paths;
  readonly read: ConfigurationRead;
  /** That in effect; where it is wrong all defaults, so that the other checks still tell something. */
  readonly config: Config;
  /** Those that run, lowest port first. */
  readonly agents: readonly AgentState[];
  /** The notes of those that have ended without taking them away. */
  readonly stale: readonly AgentState[];
}

export type ConfigurationRead =
  /** `path`: nothing where there is no file. */
  | { readonly kind: 'right'; readonly path: string | undefined }
  /** `because`: sentences. */
  | { readonly kind: 'wrong'; readonly because: string };
