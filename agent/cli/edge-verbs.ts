// The verbs below `edgehop edge`, with their options.
import type { Command } from 'commander';

/** Adds them to the program. */
export function edgeVerbs(root: Command, env: NodeJS.ProcessEnv): void {
  const edge = root.command('edge').description('deployed workers: add one, use one, see how they are, deploy one');
  edge
    .command('add')
    .description('put a deployed worker into the configuration, once it has answered to its token')
    .argument('<name>', 'that it shall have: letters, digits and hyphens')
    .argument('<url>', 'https://HOST; http only to this machine itself')
    .option('--token-stdin', 'read the token from the first line of stdin')
    .option('--replace', 'put it in the place of the edge of that name')
    .option('--no-verify', 'store it without asking it')
    .option('--config <file>', 'that file, instead of the one that start would read')
    .addHelpText(
      'after',
      '\nThe token is asked for, or taken from EDGEHOP_TOKEN. It is no argument, for every user of a machine can read those. The file that holds it is readable by you only.',
    )
    .action(async (name, url, options) => (await import('./edge-add.ts')).addEdge(name, url, options, env));
  edge
    .command('use')
    .description('let exchanges go by another edge; agents that run take it over')
    .argument('<name>', 'embedded, none, or the name of an edge of the configuration')
    .option('--config <file>', 'that file, instead of the one that start would read')
    .action(async (name, options) => (await import('./edge-use.ts')).useEdge(name, options, env));
  edge
    .command('status')
    .description('ask every edge how it is; ends with 69 where the one in use does not answer')
    .option('--config <file>', 'that file, instead of the one that start would read')
    .option('--json', 'print one JSON object')
    .action(async (options) => (await import('./edge-status.ts')).edgeStatus(options, env));
  deployVerb(edge, env);
}

function deployVerb(edge: Command, env: NodeJS.ProcessEnv): void {
  edge
    .command('deploy')
    .description('deploy the worker to your Cloudflare account with a new token, verify it, and store it as an edge')
    .option('--name <name>', 'of the worker and of the edge (that of wrangler.toml)')
    .option('--accept-terms', 'you have settled with Cloudflare what its terms say, which are shown first')
    .option('--use', 'let exchanges go by it afterwards')
    .option('--no-use', 'do not ask for that')
    .option('--rotate', 'give it a new token, in the place of all that it has')
    .option('--replace', 'put it in the place of an edge of that name with another URL')
    .option('--url <url>', 'where it is reached, instead of where wrangler says')
    .option('--dry-run', 'build it, and deploy nothing')
    .option('--wrangler <file>', 'another wrangler than the one that is found')
    .option('--wrangler-config <file>', 'another configuration of wrangler than that of edgehop')
    .option('--config <file>', 'configuration of edgehop, instead of the one that start would read')
    .addHelpText(
      'after',
      '\nWhere a step fails, the same again goes on from there. A worker that knows the token of this machine keeps it, with the others that it has.',
    )
    .action(async (options) => (await import('./edge-deploy.ts')).deployEdge(options, env));
}
