// `edgehop rules stat`: how often the rules of the running agent matched, and how its lists, pools and clients fare.
import { ruleStatistics } from '../../schemas/rules-admin.ts';
import { askAgent } from './control-client.ts';
import { ruleStatisticsInWords } from './rules-stat-words.ts';
import { runningAgent } from './running-agent.ts';

export interface RuleStatOptions {
  readonly port?: number;
  readonly json?: boolean;
}

/** Prints it for people, or as one JSON object. */
export async function ruleStat(options: RuleStatOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const told = await askAgent(runningAgent(options.port, env), '/v1/rules', ruleStatistics);
  console.log(options.json === true ? JSON.stringify(told) : ruleStatisticsInWords(told));
}
