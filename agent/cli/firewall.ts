// `edgehop firewall`: what this machine's firewalls do with our ports, and with --apply, what they shall do.
import { canonicalAddress } from '../../http/address.ts';
import { withoutBrackets } from '../../http/authority.ts';
import { type FirewallReport, firewallReport } from '../../schemas/firewall.ts';
import { isLoopback } from '../access/client-list.ts';
import {
  type FirewallHost,
  type FirewallQuestion,
  type FirewallsRead,
  type Lines,
  silence,
} from '../machine/firewall/ports.ts';
import { firewallHost, readFirewalls } from '../machine/firewall/this-machine.ts';
import { launcherPath } from '../machine/launcher.ts';
import { configInEffect } from './config.ts';
import { Exit } from './exit.ts';
import { commandLine, reportInWords, withSudo } from './firewall-words.ts';
import { runningAgents } from './running-agent.ts';

export interface FirewallOptions {
  readonly port?: number;
  readonly config?: string;
  readonly apply?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export async function firewall(options: FirewallOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const listening = listeningOf(options, env);
  const host = firewallHost(env);
  const report = await reportOf(listening, host);
  print(report, options);
  for (const hint of hints(report, env)) console.error(`edgehop: ${hint}`);
  if (options.apply !== true) return;
  const plan = planOf(report);
  const isRoot = process.platform === 'win32' || process.getuid?.() === 0;
  if (plan.act === 'none' && !plan.isDone && !isRoot && report.unread.length > 0)
    throw new Exit('permission', `only root can read which rules are in force. Run:\n${asRoot(env)} --apply`);
  console.error(`edgehop: ${plan.because}`);
  if (plan.lines.length === 0) return;
  if (!isRoot) throw new Exit('permission', `only root may do that. Run:\n${plan.lines.map(withSudo).join('\n')}`);
  console.error(plan.lines.map((line) => `  ${commandLine(line)}`).join('\n'));
  if (options.yes !== true) await agreed();
  await applied(plan, host);
  const after = await reportOf(listening, host);
  print(after, options);
  const [proxy] = after.ports;
  if (plan.act === 'open' && proxy?.judgements.some(({ verdict }) => verdict !== 'open'))
    throw new Exit(
      'failed',
      'the commands were carried out, but the port is not open to all, or that cannot be told: see above.',
    );
}

/** Most firewalls answer root only, and root has another home, with another agent. */
function hints({ unread }: FirewallReport, env: NodeJS.ProcessEnv): string[] {
  if (process.platform === 'win32') return [];
  if (process.getuid?.() !== 0) return unread.length === 0 ? [] : [`root can read more: ${asRoot(env)}`];
  const isRootsOwn = env['SUDO_USER'] !== undefined && env['EDGEHOP_HOME'] === undefined && env['HOME'] === '/root';
  if (!isRootsOwn) return [];
  return [`this is about root's agent and configuration; for ${env['SUDO_USER']}: sudo env HOME=(that user's home) …`];
}

/** This, by root, for the agent of whoever asks. */
function asRoot(env: NodeJS.ProcessEnv): string {
  const kept = ['HOME', 'EDGEHOP_HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME'].flatMap((name) =>
    env[name] === undefined || env[name] === '' ? [] : [`${name}=${env[name]}`],
  );
  return withSudo(['env', ...kept, process.execPath, launcherPath(), 'firewall']);
}

type Listening = FirewallReport['listening'];

/** Of the running agent, else of the one that the configuration would start. */
function listeningOf({ port, config }: FirewallOptions, env: NodeJS.ProcessEnv): Listening {
  const [agent] = config === undefined ? runningAgents(port, env) : [];
  if (agent === undefined && port !== undefined)
    throw new Exit('unavailable', `no agent is running on port ${port}. Start one with \`edgehop start\`.`);
  const { listen } =
    agent === undefined ? configInEffect(config === undefined ? {} : { config }, env).config : { listen: agent };
  const { host } = listen;
  if (listen.port === 0)
    throw new Exit(
      'failed',
      'the port is one that the system chooses at each start, and no agent runs: start it first.',
    );
  const scope = host === 'localhost' || isLoopback(withoutBrackets(host)) ? 'loopback' : 'network';
  return {
    from: agent === undefined ? 'configuration' : 'agent',
    ...(agent !== undefined && { pid: agent.pid }),
    host,
    port: listen.port,
    controlPort: listen.controlPort,
    scope,
  };
}

async function reportOf(listening: Listening, host: FirewallHost): Promise<FirewallReport> {
  const read = await readFirewalls(questionOf(listening), host);
  return reportFrom(listening, read);
}

export function questionOf({ host, port, controlPort, scope }: Listening): FirewallQuestion {
  const address = canonicalAddress(withoutBrackets(host));
  const isAll = address === undefined || address === '0.0.0.0' || address === '::' || scope === 'loopback';
  const isOld = address !== undefined && !address.includes(':');
  return {
    ports: [port, controlPort],
    // A socket for all addresses of IPv6 takes IPv4, too. RFC 3493 5.3.
    families: scope === 'loopback' || address === '::' ? ['ip', 'ip6'] : isOld ? ['ip'] : ['ip6'],
    ...(!isAll && { address }),
    node: process.execPath,
  };
}

export function reportFrom(listening: Listening, read: FirewallsRead): FirewallReport {
  const { judgements, commands, unread, ...rest } = read;
  const [proxy = [], control = []] = judgements;
  return firewallReport.parse({
    ...rest,
    listening,
    unread: [...new Set(unread)],
    ports: [
      { name: 'proxy', port: listening.port, needed: listening.scope === 'network', judgements: proxy },
      { name: 'control', port: listening.controlPort, needed: false, judgements: control },
    ],
    ...(commands.kind === 'none'
      ? { noCommands: commands.because }
      : {
          open: commands.open,
          close: commands.close,
          ...(commands.note !== undefined && { noCommands: commands.note }),
        }),
  });
}

export interface Plan {
  readonly act: 'open' | 'close' | 'none';
  readonly lines: Lines;
  /** Whether all is as it shall be. */
  readonly isDone: boolean;
  /** A sentence. */
  readonly because: string;
}

/** What --apply does: opens the proxy's port where others shall reach it, and closes what it has opened where none shall. */
export function planOf({ listening, ports, openedByUs, open = [], close = [], noCommands }: FirewallReport): Plan {
  const { host, port, scope } = listening;
  const nothing = (because: string, isDone = true): Plan => ({ act: 'none', lines: [], isDone, because });
  if (scope === 'loopback') {
    const why = `the agent listens on ${host} only, which other machines do not reach: nothing has to be opened`;
    if (openedByUs !== 'yes' || close.length === 0) return nothing(`${why}.`);
    return {
      act: 'close',
      lines: close,
      isDone: false,
      because: `${why}, and what edgehop has opened before is closed:`,
    };
  }
  const judgements = ports[0]?.judgements ?? [];
  if (judgements.length > 0 && judgements.every(({ verdict }) => verdict === 'open'))
    return nothing(`port ${port} is open: nothing has to be done.`);
  if (open.length === 0)
    return nothing(`there is no command that opens port ${port}: ${noCommands ?? 'none is known'}.`, false);
  return { act: 'open', lines: open, isDone: false, because: `this opens port ${port} to other machines:` };
}

/** One after the other; where one fails, those before it stay, and are named. */
async function applied({ act, lines }: Plan, host: FirewallHost): Promise<void> {
  const done: string[] = [];
  for (const line of lines) {
    const [program = '', ...args] = line;
    const failure = silence(commandLine(line), await host.run(program, args));
    if (failure === undefined) {
      done.push(commandLine(line));
      continue;
    }
    const left =
      done.length === 0 ? 'Nothing was changed.' : `Carried out before it, and still in force: ${done.join('; ')}`;
    throw new Exit(
      /must be root|permission|denied|authoriz/i.test(failure) ? 'permission' : 'failed',
      `cannot ${act} the port: ${failure}. ${left}`,
    );
  }
}

async function agreed(): Promise<void> {
  if (process.stdin.isTTY !== true) throw new Exit('usage', 'nobody can be asked here: add --yes to carry that out.');
  const { confirm } = await import('@clack/prompts');
  if ((await confirm({ message: 'Carry that out?', initialValue: false, output: process.stderr })) !== true)
    throw new Exit('interrupted', 'nothing was changed.');
}

function print(report: FirewallReport, { json, apply }: FirewallOptions): void {
  if (json === true) console.log(JSON.stringify(report));
  else console.log(reportInWords(report, { isApplying: apply === true }));
}
