// The command line: verbs and options. Each verb's file is read only when it runs.
import { Command, CommanderError, Option } from 'commander';
import { version } from '../version.ts';
import { clientVerbs } from './client-verbs.ts';
import { completionVerb } from './completion-verb.ts';
import { edgeVerbs } from './edge-verbs.ts';
import { everydayVerbs } from './everyday-verbs.ts';
import { Exit, exitCodes } from './exit.ts';
import { port, portOfAgent, several, wholeNumber } from './options.ts';

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
    .option(
      '--host <address>',
      'address to listen on (127.0.0.1 and ::1; any other needs credentials or a list of clients)',
    )
    .option('--control-port <number>', 'port of the control interface (8081; 0 chooses one)', port)
    .option('--config <file>', 'configuration file (edgehop.jsonc here, else in the configuration folder)')
    .option('--edge <edge>', 'embedded, none, a configured name, or the URL of a deployed worker')
    .option('--token <token>', 'token of the edge that --edge or the configuration names')
    .option('--allow-private', 'allow destinations that are loopback, private or otherwise special')
    .option('--no-cache', 'answer nothing from a cache and store nothing, at the agent and at the edge')
    .addOption(new Option('--cache', 'cache as the file says, although EDGEHOP_CACHE says otherwise').hideHelp())
    .addOption(new Option('--log <form>', 'what is printed of each exchange').choices(['pretty', 'json', 'quiet']))
    .addHelpText(
      'after',
      '\nOptions come before the environment (EDGEHOP_PORT, EDGEHOP_EDGE, EDGEHOP_TOKEN and so on), and that before the file.',
    )
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
  root
    .command('forward')
    .description('let a TCP port of this machine lead through the running agent to a target, until told to stop')
    .argument('<listen>', 'PORT, HOST:PORT or [::1]:PORT of this machine; port 0 chooses one')
    .argument('<target>', 'host:port that each connection is carried to, by a tunnel of its own')
    .option('--port <number>', 'port of the agent on this machine (the lowest of those that run)', port)
    .option('--proxy <url>', 'another agent or HTTP proxy')
    .action(async (listen, target, options) => (await import('./forward.ts')).forward(listen, target, options, env));
  root
    .command('ping')
    .description('measure how long it takes to reach a host: through the running agent, directly, or both')
    .argument('<host>', 'host, host:port or URL; without a port 80, or 443 with --tls')
    .option('--tls', 'shake hands for TLS too (an https URL implies it)')
    .option('--http', 'ask for the URL too, and take the time to the first octet of the response')
    .addOption(new Option('--method <method>', 'what --http sends').choices(['HEAD', 'GET']).default('HEAD'))
    .option(
      '-n, --count <number>',
      'attempts that count, each on a new connection; one before them does not',
      wholeNumber(1, 10_000),
      10,
    )
    .option('--interval <milliseconds>', 'pause between attempts', wholeNumber(0, 3_600_000), 200)
    .option('--timeout <milliseconds>', 'for one attempt', wholeNumber(1, 3_600_000), 10_000)
    .option('--port <number>', 'port of the agent on this machine (the lowest of those that run)', port)
    .option('--proxy <url>', 'another agent or HTTP proxy')
    .option('--direct', 'measure without any proxy')
    .option('--compare', 'measure by both ways in turn')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The phases:
  proxy     TCP connection to the agent
  connect   the TCP connection to the host; through the agent, from CONNECT to its 200, look-up of the name included
  tls       TLS handshake
  http      from the request to the first octet of the response
Through the agent means a CONNECT tunnel, as for https. What a request takes by way of the edge, \`edgehop get\` shows.`,
    )
    .action(async (host, options) => (await import('./ping.ts')).ping(host, options, env));
  root
    .command('whoami')
    .description('show what an origin sees of a request by each route, measured with the configuration in effect')
    .option('--origin <url>', 'ask this service, which answers with what it receives, in place of an origin of our own')
    .option('--config <file>', 'configuration file (that which start would read)')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./whoami.ts')).whoami(options, env));
  cacheVerbs(root, env);
  rulesVerbs(root, env);
  const config = root.command('config').description('look at the configuration');
  config
    .command('validate')
    .description('say whether the configuration file is right, and where it is not')
    .argument('[file]', 'the file that start would read, when it is missing')
    .option('--config <file>', 'the same')
    .action(async (file, options) => (await import('./config.ts')).validate(file ?? options.config, env));
  config
    .command('print')
    .description('print the configuration as it is in effect, with all defaults, without secrets')
    .argument('[file]', 'the file that start would read, when it is missing')
    .option('--config <file>', 'the same')
    .action(async (file, options) => (await import('./config.ts')).print(file ?? options.config, env));
  config
    .command('schema')
    .description(
      'print the JSON Schema of the configuration, for the $schema of a file and the completions of an editor',
    )
    .action(async () => (await import('./config.ts')).schema());
  config
    .command('credential')
    .description('make the entry of a user of the proxy, with the hash of a password that is asked for')
    .argument('<name>', 'of the user')
    .option('--write', 'put it into the configuration file, instead of printing it')
    .option('--config <file>', 'that file, instead of the one that start would read')
    .action(async (name, options) => (await import('./credential.ts')).credential(name, options, env));
  edgeVerbs(root, env);
  completionVerb(root);
  everydayVerbs(root, env);
  clientVerbs(root, env);
  overrideExits(root);
  return root;
}

/** Errors are told by `told`, wherever they arise. */
function overrideExits(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) overrideExits(each);
}

function cacheVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  const cache = root.command('cache').description('look at what the running agent has stored, and purge it');
  cache
    .command('ls')
    .description('list stored responses, those used last first')
    .argument('[prefix]', 'only URLs that begin so')
    .option('--host <host>', 'only those of a host, with all its ports unless one is named')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 10_000), 100)
    .option('--port <number>', portOfAgent, port)
    .option('--json', 'print one JSON object')
    .action(async (prefix, options) => (await import('./cache.ts')).list(prefix, options, env));
  cache
    .command('stat')
    .description('say how much is stored in memory and on disk, and how much may be')
    .option('--port <number>', portOfAgent, port)
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./cache.ts')).stat(options, env));
  cache
    .command('purge')
    .description('take stored responses away, from the agent and from its edge')
    .argument('[url]', 'those of one URL')
    .option('--prefix <url>', 'those of URLs that begin so')
    .option('--host <host>', 'those of a host, with all its ports unless one is named')
    .option('--all', 'all')
    .option('--port <number>', portOfAgent, port)
    .option('--json', 'print one JSON object')
    .action(async (url, options) => (await import('./cache.ts')).purge(url, options, env));
  cache
    .command('explain')
    .description(
      'say whether a GET would be answered from the cache, until when, and why; else, whether it would be stored',
    )
    .argument('<url>', 'URL, host or IP')
    .option('-H, --header <field>', 'a field of the request, as "Name: value"; several are taken', several)
    .option('--port <number>', portOfAgent, port)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nWhere nothing that is stored fits, the origin is asked through the agent, with `Cache-Control: no-store`, so that nothing is stored. What programs send by https passes through tunnels, which no cache sees into.',
    )
    .action(async (url, options) => (await import('./cache.ts')).explain(url, options, env));
}

function rulesVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  const rules = root.command('rules').description('look at what the rules of the configuration do');
  rules
    .command('stat')
    .description('say how often each rule of the running agent matched, and how its lists, pools and clients fare')
    .option('--port <number>', portOfAgent, port)
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./rules-stat.ts')).ruleStat(options, env));
  rules
    .command('explain')
    .description('say which rules match a URL and why, what they do, and in which half; no agent has to run')
    .argument('<url>', 'URL or host; or host:port, for a tunnel as CONNECT and SOCKS ask for it')
    .option('--method <method>', 'of the request', 'GET')
    .option('-H, --field <field>', 'a field of the request, as "Name: value"; several are taken', several)
    .option('--client <address>', 'address of the client', '127.0.0.1')
    .option('--at <time>', 'HH:MM of today, instead of now')
    .option('--status <number>', 'of the response that is supposed (200)', wholeNumber(200, 599))
    .option('--type <type>', 'media type of that response')
    .option('--size <octets>', 'of the content of that response', wholeNumber(0, 999_999_999))
    .option('--config <file>', 'that file, instead of the one that start would read')
    .option('--all', 'say of the other rules, too, why they do not match')
    .option('--json', 'print one JSON object')
    .action(async (url, options) => (await import('./rules.ts')).explainRules(url, options, env));
  rules
    .command('test')
    .description('hold the rules against the cases of a file; ends with 1 where one is not as expected')
    .argument('<file>', 'JSON with comments: see docs/rules.md')
    .option('--config <file>', 'that file, instead of the one that start would read')
    .action(async (file, options) => (await import('./rules.ts')).testRules(file, options, env));
}
