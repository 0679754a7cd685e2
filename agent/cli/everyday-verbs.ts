// The verbs that set this machine up for the agent, look after it, and undo that, with their options.
import { type Command, Option } from 'commander';
import { port, portOfAgent, several } from './options.ts';

/** Adds them to the program. */
export function everydayVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  systemProxyVerbs(root, env);
  serviceVerbs(root, env);
  root
    .command('firewall')
    .description('say what the firewalls of this machine do with the ports of the agent, and how to open or close them')
    .option('--apply', 'open the port of the proxy where other machines shall reach it; else close what was opened so')
    .option('--yes', 'do not ask before')
    .option('--port <number>', portOfAgent, port)
    .option('--config <file>', 'look at the agent that this file would start, instead of one that runs')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./firewall.ts')).firewall(options, env));
  root
    .command('doctor')
    .description('check what edgehop needs of this machine, its network and the configuration, and say what to do')
    .option('--config <file>', 'that file, instead of the one that start would read')
    .option('--json', 'print one JSON object')
    .option('--bundle <file>', 'write a file for a bug report, too: without secrets, readable by its owner only')
    .addHelpText(
      'after',
      '\nNothing is changed. Ends with 1 where something failed; what is skipped is no failure. See docs/doctor.md.',
    )
    .action(async (options) => (await import('./doctor.ts')).doctor(options, env));
}

function systemProxyVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  const verbs = root
    .command('system-proxy')
    .description("lead this machine's programs to the running agent by the system's settings, and put those back");
  verbs
    .command('on')
    .description('set a PAC URL of the agent, which lets programs go directly when it does not run')
    .option('--fixed', 'set host and port instead, for programs that know no PAC; it ends with the agent')
    .option('--port <number>', portOfAgent, port)
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./system-proxy.ts')).on(options, env));
  verbs
    .command('off')
    .description('put back what stood before; what was changed by hand since stays')
    .option('--force', 'put back also what was changed since')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./system-proxy.ts')).off(options, env));
  verbs
    .command('status')
    .description('say what the system has now, whether it is ours, and what `off` would put back')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./system-proxy.ts')).status(options, env));
}

function serviceVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  const service = root
    .command('service')
    .description('let the system start the agent at login, and again when it fails, as a service of this user');
  service
    .command('install')
    .description('install or update the service, and start it; options are those of `start`')
    .option('--port <number>', 'port of the proxy', port)
    .option('--host <address>', 'address to listen on')
    .option('--control-port <number>', 'port of the control interface', port)
    .option('--config <file>', 'configuration file')
    .option('--edge <edge>', 'embedded, none, a configured name, or the URL of a deployed worker')
    .addOption(new Option('--token <token>', 'refused: every user of the machine could see it').hideHelp())
    .option('--allow-private', 'allow destinations that are loopback, private or otherwise special')
    .option('--no-cache', 'answer nothing from a cache and store nothing')
    .addOption(new Option('--log <form>', 'what is logged of each exchange').choices(['pretty', 'json', 'quiet']))
    .action(async (options) => (await import('./service.ts')).install(options, env));
  service
    .command('uninstall')
    .description('stop the agent, remove what `install` has made, and say what is left')
    .action(async () => (await import('./service.ts')).uninstall(env));
  service
    .command('status')
    .description('say whether the service is installed and runs, since when, on which port, and where its log is')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./service.ts')).status(options, env));
  service
    .command('run', { hidden: true }) // what the scheduled task of Windows runs
    .argument('[options...]', 'of start, after --')
    .requiredOption('--logs <folder>', 'of the log')
    .option('--set <variable>', 'NAME=VALUE; several are taken', several)
    .action(async (args, options) => (await import('./service-run.ts')).serviceRun(args, options, env));
}
