// `edgehop edge deploy`: puts the worker on the user's own account, gives it a token, and the configuration the edge.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Config, NamedEdge } from '../../schemas/config.ts';
import { machineClock } from '../clock.ts';
import { pathsOf } from '../config/paths.ts';
import { checkEdge, type EdgeCheck } from '../edge/deployed.ts';
import { wranglerVersion } from '../version.ts';
import { type ConfigFile, changeConfig, configFile, rightConfig } from './config-change.ts';
import { deployNoteIn } from './deploy-note.ts';
import { terms, termsNotAccepted, termsQuestion } from './deploy-words.ts';
import { storing } from './edge-add.ts';
import { type Deployment, type DeploymentPorts, deploy } from './edge-deployment.ts';
import { edgeFromHere } from './edge-from-here.ts';
import { judgedUrl, judgeName } from './edge-names.ts';
import { helloInWords } from './edge-words.ts';
import { Exit } from './exit.ts';
import { onAskedToEnd } from './signals.ts';
import { findWrangler, runWrangler, type Wrangler, type WranglerOptions } from './wrangler.ts';
import { workerName } from './wrangler-answers.ts';

export interface DeployOptions extends WranglerOptions {
  readonly name?: string;
  readonly acceptTerms?: boolean;
  readonly use?: boolean;
  readonly url?: string;
  readonly replace?: boolean;
  readonly rotate?: boolean;
  readonly dryRun?: boolean;
  readonly config?: string;
}

const tokenBytes = 32;

/** Says on stdout what was deployed and stored; everything else, wrangler's own words included, is on stderr. */
export async function deployEdge(options: DeployOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const url = options.url === undefined ? undefined : judgedUrl(options.url);
  const file = configFile(options.config, env);
  const config = rightConfig(file);
  using wrangler = findWrangler(options, env);
  const name = nameOf(options, wrangler);
  console.error(`${terms}\n`);
  if (options.dryRun !== true) await accept(options);
  const given = new AbortController();
  onAskedToEnd(() => given.abort());
  const run: DeploymentPorts['wrangler'] = (args, input) =>
    runWrangler(wrangler, args, env, { signal: given.signal, ...(input !== undefined && { input }) });
  const deployment: Deployment = {
    name,
    ...argsOf(options, wrangler),
    stored: config.edge.edges.find((edge) => edge.name === name),
    url,
    mayReplace: options.replace === true,
    rotates: options.rotate === true,
    wranglerInWords: wrangler.isBundled ? `npx wrangler@${wranglerVersion()}` : 'npx wrangler',
  };
  try {
    if (options.dryRun === true) return await tryOut(deployment, wrangler, run);
    const ports = portsOf({ name, config, file, env, run, signal: given.signal });
    const { edge, hello, path } = await deploy(deployment, ports);
    console.log(`${name} is deployed at ${edge.url} and stored in ${path}: ${helloInWords(hello)}.`);
    await offerUse(name, options, config, path);
  } catch (cause) {
    if (!given.signal.aborted) throw cause;
    throw new Exit('interrupted', 'interrupted. What was done stays done: run the same again to go on.');
  }
}

/** Of the worker and of the edge: as wrangler's configuration has it, where no other is given. */
function nameOf({ name }: DeployOptions, { configuration }: Wrangler): string {
  const named = name ?? workerName(readFileSync(configuration, 'utf8'));
  if (named === undefined) throw new Exit('usage', `${configuration} names no worker: add --name.`);
  judgeName(named);
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(named))
    throw new Exit('usage', `"${named}" cannot name a worker: it has at most 63 small letters, digits and hyphens.`);
  return named;
}

function argsOf(
  { name, wranglerConfig }: DeployOptions,
  { configuration, script, isBundled }: Wrangler,
): Pick<Deployment, 'deployArgs' | 'workerArgs'> {
  const workerArgs = ['--config', configuration, ...(name === undefined ? [] : ['--name', name])];
  // Variables that were set in the dashboard: a package has no file of the user's own that they could stand in.
  const kept = isBundled && wranglerConfig === undefined ? ['--keep-vars'] : [];
  return { workerArgs, deployArgs: ['deploy', script, ...workerArgs, ...(isBundled ? ['--no-bundle'] : []), ...kept] };
}

/** Ends the verb unless the terms are accepted, by option or by a typed yes. */
async function accept({ acceptTerms }: DeployOptions): Promise<void> {
  if (acceptTerms === true) return;
  if (process.stdin.isTTY !== true) throw new Exit('usage', termsNotAccepted);
  const { isCancel, text } = await import('@clack/prompts');
  const answer = await text({ message: termsQuestion, output: process.stderr });
  if (isCancel(answer)) throw new Exit('interrupted', 'nothing was deployed.');
  if (answer?.trim().toLowerCase() !== 'yes') throw new Exit('failed', 'nothing was deployed.');
}

async function tryOut(
  { deployArgs }: Deployment,
  { folder }: Wrangler,
  run: DeploymentPorts['wrangler'],
): Promise<void> {
  const { code } = await run([...deployArgs, '--dry-run', '--outdir', join(folder, 'built')]);
  if (code !== 0) throw new Exit('failed', 'wrangler could not build the worker; it says above why.');
  console.log('The worker builds. Nothing was deployed and nothing stored.');
}

interface Surroundings {
  readonly name: string;
  readonly config: Config;
  readonly file: ConfigFile;
  readonly env: NodeJS.ProcessEnv;
  readonly run: DeploymentPorts['wrangler'];
  readonly signal: AbortSignal;
}

function portsOf({ name, config, file, env, run, signal }: Surroundings): DeploymentPorts {
  const clock = machineClock();
  return {
    wrangler: run,
    check: (edge) => checked(edge, config, env, clock),
    clock,
    pause: (forMs) => pauseFor(forMs, undefined, { signal }),
    makeToken: () => randomBytes(tokenBytes).toString('base64url'),
    note: deployNoteIn(pathsOf(env, process.platform).state, name),
    store: (edge) => changeConfig(file.path, storing(edge, config.edge.edges), true),
    say: (sentence) => console.error(`edgehop: ${sentence}`),
  };
}

const checkTimeoutMs = 10_000;

/** By a link of its own: a name that could not be resolved is looked up anew. */
async function checked(
  edge: NamedEdge,
  config: Config,
  env: NodeJS.ProcessEnv,
  clock: ReturnType<typeof machineClock>,
): Promise<EdgeCheck> {
  try {
    await using link = edgeFromHere(edge, config, env, clock);
    return await checkEdge(link, checkTimeoutMs);
  } catch (cause) {
    return { kind: 'unavailable', because: cause instanceof Error ? cause.message : String(cause) };
  }
}

async function offerUse(name: string, { use }: DeployOptions, config: Config, path: string): Promise<void> {
  if (config.edge.use === name) return;
  if (use === true || (use === undefined && (await wantsUse(name)))) {
    changeConfig(path, [{ path: ['edge', 'use'], value: name }]);
    console.log(`edge.use is ${name}: exchanges go by it.`);
  } else console.error(`edgehop: \`edgehop edge use ${name}\` lets exchanges go by it.`);
}

async function wantsUse(name: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const { confirm } = await import('@clack/prompts');
  const answer = await confirm({ message: `Let exchanges go by ${name} from now on?`, output: process.stderr });
  return answer === true;
}
