// What rules ask of the world: the lists, and the time by the clock of this machine.
import type { RuleWorld } from '../http/plan/plan.ts';
import type { Clock } from './clock.ts';

export interface RuleWorldPorts {
  readonly clock: Clock;
  readonly isListed: RuleWorld['isListed'];
}

/** The world as it is when a rule asks. */
export function createRuleWorld({ clock, isListed }: RuleWorldPorts): RuleWorld {
  return { isListed, localTime: () => localTime(clock.wallTime(clock.now())) };
}

/** Weekday and minute by the time zone of this machine. `wallTime` is in milliseconds since 1970. */
export function localTime(wallTime: number): ReturnType<RuleWorld['localTime']> {
  const local = new Date(wallTime);
  return { weekday: local.getDay(), minute: local.getHours() * 60 + local.getMinutes() };
}
