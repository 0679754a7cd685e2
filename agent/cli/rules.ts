// `edgehop rules explain | test`: what the rules of a configuration do, in sentences and against cases, without any agent.
import { dirname, resolve } from 'node:path';
import type { Field } from '../../http/fields.ts';
import { isValidField } from '../../http/fields.ts';
import type { RuleRequest, RuleWorld } from '../../http/plan/plan.ts';
import { compileRules } from '../../http/plan/rules.ts';
import { errorShape, ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import { ruleCases } from '../../schemas/rule-case.ts';
import { machineClock } from '../clock.ts';
import { readJsonFile } from '../config/json-file.ts';
import { pathsOf } from '../config/paths.ts';
import { readLists } from '../lists/read-lists.ts';
import { printable } from '../log/words.ts';
import { createRuleWorld } from '../rule-world.ts';
import { configInEffect } from './config.ts';
import { Exit } from './exit.ts';
import { caseResult } from './rule-cases.ts';
import { minuteOf, supposedHead, understood } from './rule-request.ts';
import { type Explained, explained, explanationInWords } from './rules-explained.ts';

export interface ExplainOptions {
  readonly method: string;
  /** `Name: value`. */
  readonly field?: readonly string[];
  readonly client: string;
  /** HH:MM, today. */
  readonly at?: string;
  readonly status?: number;
  readonly type?: string;
  readonly size?: number;
  readonly config?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Says what the rules do with a URL or tunnel, and why. Nothing is asked of anybody. */
export async function explainRules(url: string, options: ExplainOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const fields = (options.field ?? []).map(fieldOf);
  const asked = understood(url, { method: options.method, fields, client: options.client });
  if (asked.kind === 'wrong') throw new Exit('usage', asked.because);
  const configured = await rulesOf(options.config, env);
  const world = worldAt(options.at, configured.isListed);
  const head = supposedHead(options);
  const explain = (request: RuleRequest) => explained(configured.config, request, world, head);
  const tunnel = asked.tunnel && explain(asked.tunnel);
  const exchange = asked.kind === 'exchange' ? explain(asked.exchange) : undefined;
  if (options.json === true)
    console.log(
      JSON.stringify({ tunnel, exchange }, (_, value) => (value instanceof ProxyError ? errorShape(value) : value)),
    );
  else console.log(inWords(tunnel, exchange, options.all === true));
}

/** Judges the cases of a file, a line each; ends with 1 where one is not as expected. */
export async function testRules(
  file: string,
  options: { readonly config?: string },
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const path = resolve(file);
  const read = readJsonFile(path, ruleCases);
  if (read.kind === 'wrong') {
    const mistakes = read.mistakes.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
    throw new Exit('configuration', `the cases are not right.\n${mistakes.join('\n')}`);
  }
  const { config, isListed } = await rulesOf(options.config, env);
  const rules = compileRules(config.rules);
  let failed = 0;
  for (const [index, each] of read.value.entries()) {
    const { name, differences } = caseResult(rules, isListed, each);
    if (differences.length > 0) failed++;
    console.log(`${differences.length === 0 ? 'ok' : 'not ok'} ${index + 1} - ${printable(name)}`);
    for (const difference of differences) console.log(`  # ${printable(difference)}`);
  }
  console.log(`1..${read.value.length}`);
  if (failed > 0) throw new Exit('failed', `${failed} of ${read.value.length} cases are not as expected.`);
}

async function rulesOf(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly config: Config; readonly isListed: RuleWorld['isListed'] }> {
  const { config, path } = configInEffect(file === undefined ? {} : { config: file }, env);
  const configFolder = path === undefined ? process.cwd() : dirname(path);
  const cacheFolder = pathsOf(env, process.platform).cache;
  const { isListed, problems } = await readLists({ config: config.lists, configFolder, cacheFolder });
  for (const problem of problems) console.error(`edgehop: ${printable(problem)}`);
  return { config, isListed };
}

function worldAt(at: string | undefined, isListed: RuleWorld['isListed']): RuleWorld {
  const world = createRuleWorld({ clock: machineClock(), isListed });
  if (at === undefined) return world;
  const minute = minuteOf(at);
  if (minute === undefined) throw new Exit('usage', `"${at}" is no time of day: write HH:MM.`);
  return { isListed, localTime: () => ({ ...world.localTime(), minute }) };
}

function inWords(tunnel: Explained | undefined, exchange: Explained | undefined, all: boolean): string {
  if (exchange === undefined) return tunnel === undefined ? '' : explanationInWords(tunnel, all);
  if (tunnel === undefined) return explanationInWords(exchange, all);
  return [
    'A client asks for this URL in a tunnel, into which the agent does not see:',
    '',
    explanationInWords(tunnel, all),
    '',
    'Where the agent is asked for the URL itself (as `edgehop get` does, or once it intercepts):',
    '',
    explanationInWords(exchange, all),
  ].join('\n');
}

function fieldOf(line: string): Field {
  const colon = line.indexOf(':');
  const field = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
  if (colon < 1 || !isValidField(field)) throw new Exit('usage', `"${line}" is no field: write "Name: value".`);
  return field;
}
