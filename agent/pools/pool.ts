// One pool with its state: which target comes next, what goes on at each, and which are left out.
import { byChance } from '../../http/balance/by-chance.ts';
import { candidates } from '../../http/balance/candidates.ts';
import { inTurn } from '../../http/balance/in-turn.ts';
import { leastOutstanding } from '../../http/balance/least-outstanding.ts';
import { rendezvous } from '../../http/balance/rendezvous.ts';
import type { Pool } from '../../schemas/pool.ts';
import type { Clock } from '../clock.ts';
import type { PoolState, TakenTarget, TargetPool, TargetState } from '../proxy/ports.ts';
import { type Budget, createBudget } from './budget.ts';
import { type Health, newHealth, noteAnswer, noteFailure, standing } from './health.ts';

/** One target. It lives on over reloads of the configuration, as long as it stands in its pool. */
export interface LiveTarget {
  /** Its origin. */
  readonly name: string;
  readonly health: Health;
  outstanding: number;
  exchanges: number;
  failures: number;
}

/** A pool, with what whoever checks its targets needs. */
export interface LivePool extends TargetPool {
  readonly settings: Pool;
  readonly targets: readonly LiveTarget[];
  state(): PoolState;
}

export interface PoolPorts {
  readonly clock: Clock;
  /** At least 0 and less than 1. */
  readonly chance: () => number;
}

/** A pool. The targets that `previous`, the pool of the same name before a reload, has too keep their state. */
export function createPool(name: string, settings: Pool, { clock, chance }: PoolPorts, previous?: LivePool): LivePool {
  const before = previous?.targets; // what is given back must not hold all that was before
  const targets = settings.targets.map(({ url }) => {
    const origin = new URL(url).origin;
    return before?.find((target) => target.name === origin) ?? newTarget(origin);
  });
  const weights = new Map(settings.targets.map(({ url, weight }) => [new URL(url).origin, weight]));
  const weightOf = (target: LiveTarget) => weights.get(target.name) ?? 1;
  const budget: Budget = createBudget(settings.retry.budgetPercent);
  let turns: ReadonlyMap<string, number> = new Map();

  /** Those that are up; where none is left, those that only failed lately and are not asked already. */
  const available = (tried: readonly string[]) => {
    const now = clock.now();
    const choices = (isUp: (health: Health) => boolean) =>
      candidates(
        targets.map((target) => ({
          target,
          name: target.name,
          weight: weightOf(target),
          outstanding: target.outstanding,
          isUp: isUp(target.health),
        })),
        tried,
      );
    const up = choices((health) => standing(health, now) !== 'down');
    return up.length > 0 ? up : choices(({ isWell, isOnTrial }) => isWell && !isOnTrial);
  };
  const choose = ({ client, url }: { readonly client: string; readonly url: string }, tried: readonly string[]) => {
    const among = available(tried);
    if (among.length === 0) return undefined;
    switch (settings.balance) {
      case 'round-robin': {
        const turn = inTurn(among, turns);
        turns = turn.turns;
        return turn.target.target;
      }
      case 'weighted':
        return byChance(among, chance()).target;
      case 'least-outstanding':
        return leastOutstanding(among, chance()).target;
      case 'hash-client':
        return rendezvous(among, client).target;
      case 'hash-url':
        return rendezvous(among, url).target;
    }
  };
  return {
    name,
    settings,
    targets,
    host: settings.host,
    maxTries: settings.retry.maxTries,
    take: (key, tried) => {
      const target = choose(key, tried);
      return target === undefined ? undefined : taken(target, settings, clock);
    },
    hasOther: (tried) => available(tried).length > 0,
    asked: () => budget.asked(clock.now()),
    mayGoAgain: () => budget.mayGoAgain(clock.now()),
    down: () =>
      targets
        .filter(({ health }) => standing(health, clock.now()) !== 'up')
        .map(({ name: target, health }) => ({ target, because: health.because ?? 'it failed' })),
    state: () => ({
      name,
      balance: settings.balance,
      targets: targets.map((target) => stateOf(target, weightOf(target), clock.now())),
    }),
  };
}

function newTarget(name: string): LiveTarget {
  return { name, health: newHealth(), outstanding: 0, exchanges: 0, failures: 0 };
}

/** An exchange at a target begins. */
function taken(target: LiveTarget, { eject }: Pool, clock: Clock): TakenTarget {
  const { health } = target;
  const isTrial = health.ejectedUntil !== undefined;
  let isJudged = false;
  let isReleased = false;
  target.outstanding++;
  target.exchanges++;
  if (isTrial) health.isOnTrial = true;
  return {
    origin: target.name,
    answered: () => {
      if (isJudged) return;
      noteAnswer(health);
    },
    failed: (because) => {
      if (isJudged) return;
      isJudged = true;
      target.failures++;
      noteFailure(health, because, eject, clock.now());
    },
    release: () => {
      if (isReleased) return;
      isReleased = true;
      target.outstanding--;
      if (isTrial) health.isOnTrial = false;
    },
  };
}

function stateOf(
  { name, health, outstanding, exchanges, failures }: LiveTarget,
  weight: number,
  now: number,
): TargetState {
  const state = standing(health, now);
  return {
    url: name,
    weight,
    state,
    because: state === 'up' ? undefined : health.because,
    outstanding,
    exchanges,
    failures,
  };
}
