// `edgehop start`: runs the agent until it is told to stop.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import { type Agent, startAgent } from '../agent.ts';
import { type Clock, machineClock } from '../clock.ts';
import { follow, watchedPaths } from '../config/follow.ts';
import type { StartOptions } from '../config/overrides.ts';
import { pathsOf } from '../config/paths.ts';
import { watchFile } from '../config/watch.ts';
import { readStates, removeState, writeState } from '../control/state-file.ts';
import { jsonLog } from '../log/json.ts';
import { onFinished, replaceable } from '../log/observers.ts';
import { prettyLog } from '../log/pretty.ts';
import { lineSink } from '../log/sink.ts';
import { describeMachine } from '../machine/machine.ts';
import { portHolder } from '../machine/port-holder.ts';
import { processExists, processIsWorkerd } from '../machine/processes.ts';
import { systemLookup } from '../proxy/admit/resolver.ts';
import type { Observer } from '../proxy/ports.ts';
import { unheeded } from '../trust/trusted.ts';
import { configInEffect } from './config.ts';
import { Exit, exitCodes } from './exit.ts';
import { cardInWords } from './machine-words.ts';
import { onAskedToEnd } from './signals.ts';
import { restoreForGone, restoreForOwn, tellOfStrayPac } from './system-proxy-left.ts';
import { trustAsConfigured } from './trust-as-configured.ts';

/** Starts an agent and resolves when it has stopped. Talk goes to stderr, the log to stdout. */
export async function start(options: StartOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const paths = pathsOf(env, process.platform);
  const { config, path } = configInEffect(options, env);
  endOrphans(paths.state);
  const clock = machineClock();
  const say = (sentence: string) => console.error(`edgehop: ${sentence}`);
  await restoreForGone(paths.state, env, say);
  const sink = lineSink(1, config.limits.maxHeldLogCharacters);
  const logOf = (kind: Config['log']): Observer => {
    if (kind === 'json') return jsonLog(sink, clock);
    if (kind === 'quiet') return onFinished(() => undefined);
    return prettyLog(sink, clock, process.stdout.isTTY === true && !env['NO_COLOR']);
  };
  const log = replaceable(logOf(config.log));
  let logged = config.log;
  for (const sentence of unheeded(env)) say(sentence);
  try {
    trustAsConfigured(config, path, env);
  } catch (cause) {
    await explained(cause, config);
  }
  const agent = await startAgent({
    config,
    configPath: path,
    clock,
    observer: log.observer,
    lookup: systemLookup,
    say,
    folders: paths,
    environment: env,
  }).catch((cause) => explained(cause, config));
  const watch = watchFile({
    paths: watchedPaths(path, options, env, process.cwd()),
    wallTime: () => clock.wallTime(clock.now()),
    ...follow({
      options,
      env,
      say,
      kept: agent.keptConfiguration,
      reload: async (wanted, from) => {
        const reloaded = await agent.reload(wanted, from);
        if (reloaded.kind === 'applied' && wanted.log !== logged) log.replaceBy(logOf(wanted.log));
        if (reloaded.kind === 'applied') logged = wanted.log;
        return reloaded;
      },
    }),
  });
  const readAgain = () => {
    say('reading the configuration again (SIGHUP)');
    watch.readNow();
  };
  const leaving = () => restoreForOwn(paths.state, env, say);
  const stopped = untilStopped(agent, clock, say, readAgain, leaving); // before anyone can know of the agent and tell it to stop
  const noteState = () => writeState(paths.state, agent.state());
  agent.onStateChange(noteState);
  noteState();
  await banner(agent, config, path);
  tellOfStrayPac(paths.state, say);
  void agent.edgeChecked.then(say);
  await stopped;
  watch.stop();
  removeState(paths.state, agent.port);
  await sink.end();
  process.exit(); // a name still being looked up would keep the process for seconds
}

/** An agent that was killed leaves its workerd behind: it is ended by the next start. */
function endOrphans(stateFolder: string): void {
  for (const { port, edgePid } of readStates(stateFolder, processExists).stale) {
    if (edgePid !== undefined && processIsWorkerd(edgePid)) process.kill(edgePid, 'SIGKILL');
    removeState(stateFolder, port);
  }
}

async function explained(cause: unknown, { listen }: Config): Promise<never> {
  const { code, port } = cause as NodeJS.ErrnoException & { readonly port?: number };
  if (code === 'EADDRINUSE') {
    const taken = port ?? listen.port;
    const holder = await portHolder(taken);
    const by =
      holder.kind === 'known'
        ? `by ${holder.name} (process ${holder.pid})`
        : `by a process that cannot be named (${holder.because})`;
    const option = taken === listen.controlPort ? '--control-port' : '--port';
    throw new Exit('failed', `port ${taken} is taken ${by}. End it, or choose another port with ${option}.`);
  }
  if (code === 'EACCES')
    throw new Exit(
      'permission',
      `port ${port ?? listen.port} may be opened by the administrator only. Choose one from 1024 on with --port.`,
    );
  if (cause instanceof ProxyError) {
    throw new Exit(
      cause.type === 'proxy_configuration_error' ? 'configuration' : 'failed',
      `${cause.message}${cause.advice === undefined ? '' : ` ${cause.advice}`}`,
    );
  }
  throw cause;
}

async function banner(agent: Agent, { listen }: Config, path: string | undefined): Promise<void> {
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const { hostname, card } = await describeMachine();
  for (const line of [
    `edgehop on ${hostname}, ${cardInWords(card)}`,
    `proxy      http://${host}:${agent.port}   try: curl -x http://${host}:${agent.port} http://example.com/`,
    `control    http://127.0.0.1:${agent.controlPort}/ready`,
    `configured by ${path ?? 'default'}`,
  ]) {
    console.error(line);
  }
}

/** The first signal drains, a second one stops at once. npm and terminals often deliver one signal several times. */
const sameSignalWithinMs = 300;

function untilStopped(
  agent: Agent,
  clock: Clock,
  say: (sentence: string) => void,
  onHangup: () => void,
  onLeaving: () => Promise<void>,
): Promise<void> {
  let left: Promise<void> | undefined;
  return new Promise<void>((resolve) => {
    let askedAt: number | undefined;
    const stop = async (signal: string) => {
      const now = clock.now();
      if (askedAt === undefined) {
        askedAt = now;
        say(`stopping (${signal}): finishing what is going on, a second signal stops at once`);
        left = onLeaving(); // as long as it is finishing, too, nobody new is let in
        await agent.drain();
        resolve();
      } else if (now - askedAt > sameSignalWithinMs) {
        process.exitCode = exitCodes.interrupted;
        await agent.stop();
        resolve();
      }
    };
    onAskedToEnd((why) => void stop(why), onHangup);
  }).then(() => left);
}
