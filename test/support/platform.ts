// What `wrangler` and the platform behind it are to `edgehop edge deploy`: a program that records how it is run, and the real worker.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startDeployedEdge, type TestEdge } from './edge.ts';

export interface WranglerCall {
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

export interface WranglerAnswer {
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Lines of the output file. */
  readonly records?: readonly unknown[];
}

export interface Platform extends AsyncDisposable {
  /** Where the worker answers, and until it is deployed an error page. */
  readonly url: string;
  /** The program that stands in for wrangler. */
  readonly wrangler: string;
  readonly calls: readonly WranglerCall[];
  /** The calls without what is different each time: `deploy`, `secret put EDGEHOP_TOKENS`. */
  commands(): readonly string[];
  /** Takes the place of what a command does: by its first words. Called before the command has done anything. */
  readonly instead: Map<string, () => WranglerAnswer>;
  /** Called when a command has done its work, and before the program that ran it ends; `hasEnded` when it ended before that. */
  readonly after: Map<string, (hasEnded: Promise<unknown>) => Promise<void> | void>;
  /** From now on the worker answers with an error page. */
  close(): Promise<void>;
  /** The secret as the worker has it. */
  readonly secret: () => string | undefined;
}

/** `folder` gets the program. */
export async function startPlatform(folder: string): Promise<Platform> {
  const calls: WranglerCall[] = [];
  const [instead, after]: [Platform['instead'], Platform['after']] = [new Map(), new Map()];
  let [edge, secret]: [TestEdge | undefined, string | undefined] = [undefined, undefined];

  const serveWith = async (tokens: string | undefined) => {
    const before = edge;
    secret = tokens;
    edge = await startDeployedEdge({ bindings: tokens === undefined ? {} : { EDGEHOP_TOKENS: tokens } });
    await before?.[Symbol.asyncDispose]();
  };
  const work: Readonly<Record<string, (call: WranglerCall) => Promise<WranglerAnswer>>> = {
    whoami: async () => ({
      stdout: JSON.stringify({ loggedIn: true, authType: 'OAuth Token', accounts: [] }, null, 4),
    }),
    deploy: async () => {
      await serveWith(secret);
      return { stdout: deployOutput(url), records: [{ type: 'wrangler-session', version: 1 }, deployRecord(url)] };
    },
    'secret list': async () => ({
      stdout: JSON.stringify(secret === undefined ? [] : [{ name: 'EDGEHOP_TOKENS', type: 'secret_text' }], null, 2),
    }),
    'secret put': async ({ stdin }) => {
      await serveWith(stdin);
      return { stdout: secretOutput };
    },
  };
  const ran = async (call: WranglerCall, hasEnded: Promise<unknown>): Promise<WranglerAnswer> => {
    calls.push(call);
    const command = commandOf(call);
    const answer = instead.get(command)?.() ??
      (await work[command]?.(call)) ?? { code: 1, stderr: `unknown: ${command}` };
    await after.get(command)?.(hasEnded);
    return answer;
  };
  const server = createServer(async (incoming, reply) => {
    if (incoming.url === controlPath)
      reply.end(JSON.stringify(await ran(JSON.parse(await text(incoming)), once(reply, 'close'))));
    else if (edge === undefined)
      reply.writeHead(404, { 'content-type': 'text/html' }).end('<h1>There is nothing here yet</h1>');
    else relay(edge.entry, incoming, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const wrangler = join(folder, 'wrangler-stand-in.mjs');
  writeFileSync(wrangler, standIn(url));
  return {
    url,
    wrangler,
    calls,
    commands: () => calls.map(commandOf),
    instead,
    after,
    secret: () => secret,
    close: async () => {
      const before = edge;
      edge = undefined;
      await before?.[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await edge?.[Symbol.asyncDispose]();
    },
  };
}

const controlPath = '/.stand-in';

/** Asks the test what wrangler would answer. It reads stdin where wrangler does. */
function standIn(url: string): string {
  return `import { appendFileSync, readFileSync } from 'node:fs';
const argv = process.argv.slice(2);
const stdin = argv[1] === 'put' ? readFileSync(0, 'utf8') : '';
const call = { argv, stdin, environment: process.env, folder: process.cwd() };
const reply = await fetch('${url}${controlPath}', { method: 'POST', body: JSON.stringify(call) });
const { code = 0, stdout = '', stderr = '', records = [] } = await reply.json();
for (const record of records) appendFileSync(process.env.WRANGLER_OUTPUT_FILE_PATH, JSON.stringify(record) + '\\n');
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
`;
}

function commandOf({ argv }: WranglerCall): string {
  return argv.slice(0, argv[0] === 'secret' ? 2 : 1).join(' ');
}

function deployRecord(url: string): unknown {
  return {
    type: 'deploy',
    version: 1,
    worker_name: 'edgehop',
    worker_tag: 'c0ffee',
    version_id: '5f0c1a36-0000-4000-8000-000000000000',
    targets: [url, 'example.com/* (zone name: example.com)'],
  };
}

const banner = '\n ⛅️ wrangler 4.116.0\n────────────────────\n';

function deployOutput(url: string): string {
  return `${banner}Total Upload: 353.30 KiB / gzip: 88.56 KiB
Worker Startup Time: 21 ms
Your Worker has access to the following bindings:
Binding             Resource
env.IMAGES          Images

Uploaded edgehop (4.73 sec)
Deployed edgehop triggers (0.61 sec)
  ${url}
  example.com/* (zone name: example.com)
Current Version ID: 5f0c1a36-0000-4000-8000-000000000000
`;
}

const secretOutput = `${banner}🌀 Creating the secret for the Worker "edgehop" \n✨ Success! Uploaded secret EDGEHOP_TOKENS\n`;

function relay(target: string, incoming: IncomingMessage, reply: ServerResponse): void {
  const { method = 'GET', headers, url = '/' } = incoming;
  const upstream = request(target + url, { method, headers, agent: false }, (response) => {
    reply.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(reply);
  });
  upstream.on('error', () => reply.destroy());
  incoming.pipe(upstream);
}
