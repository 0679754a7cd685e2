// What carries out rules, in exchanges, upgrades and tunnels alike; absent where there are none.
import type { PlanOf } from '../ports.ts';
import type { AnswerOf } from './answers.ts';
import type { Shaping } from './shaping.ts';

export interface RulePorts {
  readonly planOf: PlanOf;
  readonly answer: AnswerOf;
  readonly shaping: Shaping;
}
