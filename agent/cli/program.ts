// The command line: verbs and options. Each verb's file is read only when it runs.
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { version } from '../version.ts';
import { Exit, exitCodes } from './exit.ts';

/** Runs the verb that the arguments name, and sets the exit code. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await program(env).parseAsync(
      argv.length === 0 ? ['start'] : isOptionsOnly(argv) ? ['start', ...argv] : [...argv],
      { from: 'user' },
    );
  } catch (cause) {
    process.exitCode = told(cause);
  }
}

/** Options without a verb are those of `start`, but for the two that the program itself answers. */
function isOptionsOnly(argv: readonly string[]): boolean {
  return argv[0]?.startsWith('-') === true && !['-h', '--help', '-V', '--version'].includes(argv[0]);
}

/** Says an error on stderr, and gives the exit code. */
function told(cause: unknown): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (cause instanceof Exit) {
    console.error(`edgehop: ${cause.message}`);
    return cause.code;
  }
  console.error('edgehop: this is a bug, please report it.');
  console.error(cause);
  return exitCodes.failed;
}

function program(env: NodeJS.ProcessEnv): Command {
  const root = new Command('edgehop')
    .description('A personal edge proxy: an agent on this machine and an edge worker, every exchange timed over both.')
    .version(version())
    .exitOverride()
    .enablePositionalOptions();
  root
    .command('start')
    .description('listen as a proxy until told to stop')
    .option('--port <number>', 'port of the proxy (8080; 0 chooses one)', port)
    .option('--host <address>', 'loopback address to listen on (127.0.0.1 and ::1)')
    .option('--control-port <number>', 'port of the control interface (8081; 0 chooses one)', port)
    .option('--config <file>', 'configuration file (edgehop.jsonc here, else in the configuration folder)')
    .option('--edge <edge>', 'embedded, none, a configured name, or the URL of a deployed worker')
    .option('--token <token>', 'token of the edge given by URL')
    .option('--allow-private', 'allow destinations that are loopback, private or otherwise special')
    .addOption(new Option('--log <form>', 'what is printed of each exchange').choices(['pretty', 'json', 'quiet']))
    .action(async (options) => (await import('./start.ts')).start(options, env));
  root
    .command('get')
    .description('get a URL through the running agent and show times, response, stages and this machine')
    .argument('[url]', 'URL, host or IP; asked for when it is missing')
    .option('--port <number>', 'port of the agent on this machine', port)
    .option('--proxy <url>', 'another agent or HTTP proxy')
    .option('--direct', 'measure without any proxy')
    .option('--json', 'print one JSON object')
    .option('-o, --output <file>', 'save the content')
    .action(async (url, options) => (await import('./get.ts')).get(url, options, env));
  const config = root.command('config').description('look at the configuration');
  config
    .command('validate')
    .description('say whether the configuration file is right, and where it is not')
    .argument('[file]', 'the file that start would read, when it is missing')
    .action(async (file) => (await import('./config.ts')).validate(file, env));
  config
    .command('print')
    .description('print the configuration as it is in effect, with all defaults, without secrets')
    .argument('[file]', 'the file that start would read, when it is missing')
    .action(async (file) => (await import('./config.ts')).print(file, env));
  for (const command of [root, ...root.commands, ...config.commands]) command.exitOverride();
  return root;
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > 65535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return number;
}
