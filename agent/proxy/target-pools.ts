// Pools of targets as the walk sees them. The phases have it by way of `ports.ts`.

import type { Fields } from '../../http/fields.ts';
import type { Balance } from '../../schemas/pool.ts';
import type { Outcome, PlannedRequest } from './ports.ts';

/** The pools of the configuration. */
export interface Pools {
  of(name: string): TargetPool | undefined;
  /** How each of them is, in the order of the configuration. */
  states(): readonly PoolState[];
  /** Ends the checks. What goes on goes on. */
  close(): void;
}

/** One pool. */
export interface TargetPool {
  readonly name: string;
  /** Whose name stands in Host. */
  readonly host: 'client' | 'target';
  /** Targets that one request is sent to, at most. */
  readonly maxTries: number;
  /** Chooses a target that is up and not among those tried, and counts an exchange there; nothing where there is none. */
  take(key: { readonly client: string; readonly url: string }, tried: readonly string[]): TakenTarget | undefined;
  /** Whether there is such a target. */
  hasOther(tried: readonly string[]): boolean;
  /** Counts a request that has come, of which a share may be sent again. */
  asked(): void;
  /** Whether one more request may be sent again now; if so, it is counted. */
  mayGoAgain(): boolean;
  /** The targets that are down, and why. */
  down(): readonly { readonly target: string; readonly because: string }[];
}

/** A target that one exchange goes to. */
export interface TakenTarget {
  /** Scheme, host and port as an URL has them, without a slash at the end. */
  readonly origin: string;
  /** It has answered. */
  answered(): void;
  /** It has failed. `because` is a fragment for people. Only the first of what is said of an exchange counts. */
  failed(because: string): void;
  /** Nothing of the exchange is left to do. To be called once, whatever became of it. */
  release(): void;
}

/** A pool as people see it. */
export interface PoolState {
  readonly name: string;
  readonly balance: Balance;
  readonly targets: readonly TargetState[];
}

export interface TargetState {
  readonly url: string;
  readonly weight: number;
  /** `trial`: it was left out, and the next exchange shows whether it is back. */
  readonly state: 'up' | 'down' | 'trial';
  /** Why it is not up. */
  readonly because: string | undefined;
  /** Exchanges that go on now. */
  readonly outstanding: number;
  /** Exchanges since the agent's start, and how many of them failed. */
  readonly exchanges: number;
  readonly failures: number;
}

/** Sends a request to one target of a pool. */
export type TargetExchange = (request: PlannedRequest, target: TargetRequest) => Promise<TargetAnswer>;

/** What is asked of a target. */
export interface TargetRequest {
  readonly origin: string;
  readonly path: string;
  /** The value of Host. */
  readonly host: string;
  /** Without Host. */
  readonly fields: Fields;
}

export interface TargetAnswer {
  readonly outcome: Outcome;
  /** Of one that failed: how far the request came. */
  readonly progress: 'unsent' | 'stale' | 'unanswered' | 'answered';
}
