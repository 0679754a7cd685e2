// The verbs that set programs and this machine up for the agent: exec, env and ca.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { StoreKind } from '../../schemas/trust.ts';
import { port, portOfAgent } from './options.ts';
import { shells } from './shell-words.ts';

/** Adds them to the program. */
export function clientVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  programVerbs(root, env);
  caVerbs(root, env);
}

function programVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  root
    .command('exec')
    .description('run a program that uses the running agent as its proxy, and trusts the local CA if there is one')
    .usage('[options] -- <command> [arguments...]')
    .argument('<command...>', 'the program and its arguments; a browser is started with a throw-away profile')
    .option('--port <number>', portOfAgent, port)
    .option('--proxy <url>', 'another agent or HTTP proxy')
    .option('--ca', 'let it trust the local CA, which is made where there is none')
    .option('--no-ca', 'say nothing of the local CA')
    .passThroughOptions()
    .action(async (command, options) => (await import('./exec.ts')).exec(command, options, env));
  root
    .command('env')
    .description('print the variables that exec sets, for a shell: eval "$(edgehop env)"')
    .addOption(new Option('--shell <shell>', 'whose language (that of SHELL)').choices(shells))
    .option('--port <number>', portOfAgent, port)
    .option('--proxy <url>', 'another agent or HTTP proxy')
    .option('--ca', 'name the local CA, which is made where there is none')
    .option('--no-ca', 'say nothing of the local CA')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./env.ts')).env(options, env));
}

function caVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  const ca = root.command('ca').description('let the programs of this machine trust what edgehop signs');
  const store = () =>
    new Option(
      '--store <kind>',
      'only these: system, or nss (Firefox, and Chromium on Linux); several are taken',
    ).argParser(severalStores);
  ca.command('path')
    .description('print where the certificate of the local CA lies, which is made where there is none')
    .action(async () => (await import('./ca.ts')).path(env));
  ca.command('install')
    .description('install the local CA in every store of this machine, and prove each')
    .addOption(store())
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./ca.ts')).install(options, env));
  ca.command('uninstall')
    .description('take every local CA of edgehop out of every store')
    .addOption(store())
    .option('--delete', 'delete the local CA itself, too')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./ca.ts')).uninstall(options, env));
  ca.command('retry')
    .description('intercept hosts again that the agent passes through, since clients do not take our certificate')
    .argument('[host]', 'only this one')
    .option('--port <number>', portOfAgent, port)
    .action(async (host, options) => (await import('./ca-retry.ts')).retry(host, options, env));
  ca.command('status')
    .description('say where the local CA lies, until when it is valid, and which stores trust it')
    .addOption(store())
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./ca.ts')).status(options, env));
}

function severalStores(kind: string, others: readonly StoreKind[] = []): readonly StoreKind[] {
  if (kind !== 'system' && kind !== 'nss') throw new InvalidArgumentError('It is system or nss.');
  return [...others, kind];
}
