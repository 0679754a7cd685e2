// `edgehop doctor`: what of this machine, its network and its configuration works for edgehop, and what to do where it does not.
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { config as configuration } from '../../schemas/config.ts';
import { type DoctorBundle, doctorReport, type Finding } from '../../schemas/doctor.ts';
import { isoMicroseconds, machineClock } from '../clock.ts';
import { configInEffect } from '../config/in-effect.ts';
import { pathsOf } from '../config/paths.ts';
import { readStates } from '../control/state-file.ts';
import { accountOf } from '../doctor/accounts.ts';
import { createAsk } from '../doctor/ask.ts';
import { bundleOf, withoutSecretsOf } from '../doctor/bundle.ts';
import { checksOf } from '../doctor/checks.ts';
import { examine } from '../doctor/examine.ts';
import { thisDoctorHost } from '../doctor/host.ts';
import type { Situation } from '../doctor/situation.ts';
import { processExists } from '../machine/processes.ts';
import { version } from '../version.ts';
import { systemProxyFacts, trustFacts } from './doctor-facts.ts';
import { doctorInWords } from './doctor-words.ts';
import { Exit, exitCodes } from './exit.ts';
import { onAskedToEnd } from './signals.ts';
import { trustAsConfigured } from './trust-as-configured.ts';

export interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** Where a file for a bug report is to be written. */
  readonly bundle?: string;
}

/** Runs all checks and prints what they find. Ends the process: with 1 where something failed. */
export async function doctor(options: DoctorOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const { bundle, json } = options;
  if (bundle !== undefined && existsSync(bundle))
    throw new Exit('usage', `${bundle} is there already: name another file, for this one is not overwritten.`);
  const given = new AbortController();
  onAskedToEnd(() => given.abort());
  const clock = machineClock();
  const situation = situationOf(options, env);
  believeLikeTheAgent(situation);
  const ask = createAsk(situation.config.limits);
  const { first, others } = checksOf(situation, {
    clock,
    host: thisDoctorHost,
    ask,
    // Whom nobody intercepts for, nobody has to trust.
    trust: async () => (situation.config.intercept.hosts.length === 0 ? undefined : trustFacts(env)),
    systemProxy: () => systemProxyFacts(env),
  });
  const found = [...(await examine(first, given.signal)), ...(await examine(others, given.signal))];
  if (given.signal.aborted) return end(exitCodes.interrupted);
  const findings = withoutSecretsOf(doctorReport.parse({ findings: found }).findings, situation);
  const hasColour = process.stdout.isTTY === true && !env['NO_COLOR'];
  console.log(json === true ? JSON.stringify({ findings }) : doctorInWords(findings, hasColour));
  if (bundle !== undefined) {
    const accounts = await Promise.all(situation.agents.map((agent) => accountOf(agent, ask)));
    const { arch, versions } = process;
    const writtenAt = isoMicroseconds(clock.wallTime(clock.now()));
    const platform = `${process.platform} ${arch}`;
    const facts = {
      situation,
      findings,
      accounts,
      writtenAt,
      edgehop: version(),
      node: versions.node,
      platform,
      home: homedir(),
    };
    write(bundle, bundleOf(facts));
    console.error(
      `edgehop: ${bundle} is written. Read it before you send it to anybody: it names hosts and paths that you have asked for.`,
    );
  }
  await end(findings.some(isFailed) ? exitCodes.failed : exitCodes.ok);
}

function isFailed({ outcome }: Finding): boolean {
  return outcome === 'fail';
}

/** Where the configuration names what cannot be read, that is found as a mistake of it. */
function believeLikeTheAgent({ config, read, env }: Situation): void {
  try {
    trustAsConfigured(config, read.kind === 'right' ? read.path : undefined, env);
  } catch {
    // What browsers trust is believed all the same.
  }
}

/** What there is to go by, even where nothing is as it should be. */
function situationOf({ config }: DoctorOptions, env: NodeJS.ProcessEnv): Situation {
  const paths = pathsOf(env, process.platform);
  const { running, stale } = readStates(paths.state, processExists);
  const agents = running.toSorted((one, other) => one.port - other.port);
  const common = { env, paths, agents, stale };
  try {
    const read = configInEffect(config === undefined ? {} : { config }, env, process.cwd());
    if (read.kind === 'configured') return { ...common, config: read.config, read: { kind: 'right', path: read.path } };
    return { ...common, config: configuration.parse({}), read: { kind: 'wrong', because: read.because } };
  } catch (cause) {
    const because = `it cannot be read: ${(cause as Error).message}`;
    return { ...common, config: configuration.parse({}), read: { kind: 'wrong', because } };
  }
}

/** Readable by its owner only, from the first instant on; whole or not at all. */
function write(path: string, bundle: DoctorBundle): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw unwritten(path, cause);
  }
  try {
    writeFileSync(file, `${JSON.stringify(bundle, undefined, 2)}\n`);
    closeSync(file);
  } catch (cause) {
    rmSync(path, { force: true });
    throw unwritten(path, cause);
  }
}

function unwritten(path: string, cause: unknown): Exit {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const reason = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'permission' : 'failed';
  return new Exit(reason, `${resolve(path)} cannot be written (${code || message}): name another file.`);
}

/** At once: a name that is still looked up, or an edge that is still started, would keep the process for long. */
async function end(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((done) => stream.write('', () => done()));
  process.exit(code);
}
