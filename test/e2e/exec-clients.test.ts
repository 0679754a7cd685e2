// Programs that people use, run by `edgehop exec`: each goes through the agent, and each trusts what the local CA has signed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeState } from '../../agent/control/state-file.ts';
import { openAuthority } from '../../agent/trust/authority.ts';
import { authorityFiles } from '../../agent/trust/authority-files.ts';
import { createLeaves } from '../../agent/trust/leaves.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { type Home, makeHome, type Result } from '../support/command.ts';
import { isInstalled } from '../support/program.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';
const dist = { tarball: 'https://localhost/a-package.tgz', integrity: 'sha512-AA==' };
const files = new Map<string, string>([
  ['/small', 'small'],
  ['/r.git/info/refs', `${commit}\trefs/heads/main\n`],
  ['/r.git/HEAD', 'ref: refs/heads/main\n'],
  [
    '/a-package',
    JSON.stringify({
      name: 'a-package',
      'dist-tags': { latest: '1.2.3' },
      versions: { '1.2.3': { name: 'a-package', version: '1.2.3', dist } },
    }),
  ],
  ['/simple/a-package/', '<!DOCTYPE html><a href="a_package-1.2.3.tar.gz">a_package-1.2.3.tar.gz</a>'],
  [
    '/',
    '<ListAllMyBucketsResult><Buckets><Bucket><Name>a-bucket</Name><CreationDate>2026-10-21T07:28:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>',
  ],
]);

const javaSource = `
public class Get {
  public static void main(String[] args) throws Exception {
    var connection = (java.net.HttpURLConnection) java.net.URI.create(args[0]).toURL().openConnection();
    System.out.print(new String(connection.getInputStream().readAllBytes()));
  }
}
`;
const python = 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())';
const pythonRequests = 'import sys, requests; print(requests.get(sys.argv[1]).text)';
const node =
  'fetch(process.argv[1]).then((r) => r.text()).then(console.log, (e) => { console.error(e.cause); process.exitCode = 1; })';

interface Client {
  readonly name: string;
  readonly isThere: boolean;
  /** What to run for an origin. */
  readonly command: (origin: string) => readonly string[];
  readonly prints: string;
}

const clients: readonly Client[] = [
  {
    name: 'curl',
    isThere: isInstalled('curl'),
    command: (origin) => ['curl', '-sSf', `${origin}/small`],
    prints: 'small',
  },
  {
    name: 'git',
    isThere: isInstalled('git'),
    command: (origin) => ['git', 'ls-remote', `${origin}/r.git`],
    prints: commit,
  },
  {
    name: 'npm',
    isThere: isInstalled('npm'),
    command: (origin) => [
      'npm',
      'view',
      'a-package',
      'version',
      `--registry=${origin}/`,
      '--fetch-retries=0',
      '--cache=npm-cache',
    ],
    prints: '1.2.3',
  },
  {
    name: "Python's urllib",
    isThere: isInstalled('python3'),
    command: (origin) => ['python3', '-c', python, `${origin}/small`],
    prints: 'small',
  },
  {
    name: "Python's requests",
    isThere: isInstalled('python3') && hasRequests(),
    command: (origin) => ['python3', '-c', pythonRequests, `${origin}/small`],
    prints: 'small',
  },
  {
    name: 'pip',
    isThere: isInstalled('pip'),
    command: (origin) =>
      ['pip', '--isolated', '--no-cache-dir', '--retries=0', '--disable-pip-version-check'].concat([
        ...['index', 'versions', 'a-package', `--index-url=${origin}/simple`, '--trusted-host=origin.test'],
      ]),
    prints: '1.2.3',
  },
  {
    name: "Node's fetch",
    isThere: true,
    command: (origin) => [process.execPath, '-e', node, `${origin}/small`],
    prints: 'small',
  },
  {
    name: 'Java',
    isThere: isInstalled('java') && isInstalled('keytool', '-help'),
    command: (origin) => ['java', 'Get.java', `${origin}/small`],
    prints: 'small',
  },
  {
    name: "Amazon's aws",
    isThere: isInstalled('aws'),
    command: (origin) => ['aws', 's3', 'ls', `--endpoint-url=${origin}`, '--region=x', '--cli-connect-timeout=5'],
    prints: 'a-bucket',
  },
  {
    name: 'cargo',
    isThere: isInstalled('cargo'),
    command: (origin) => [
      'sh',
      '-c',
      `cargo generate-lockfile --config 'registries.r.index="sparse+${origin}/index/"' && cat Cargo.lock`,
    ],
    prints: 'name = "abcd"',
  },
];

function hasRequests(): boolean {
  const has = spawnSync('python3', ['-c', 'import requests']).status === 0;
  if (!has) process.stderr.write('skipped: Python has no requests\n');
  return has;
}

let folder: string;
let home: Home;
let origin: HttpServer;
let httpPort: number;
/** Via of each request without TLS, oldest first. */
const asked: string[] = [];
let agent: TestAgent;
let server: Server;
let secureOrigin: string;

beforeAll(async () => {
  for (const name of trustVariables) vi.stubEnv(name, undefined);
  folder = mkdtempSync(join(tmpdir(), 'edgehop-exec-'));
  home = makeHome({
    // A person who has set nothing up.
    HOME: folder,
    ...{
      CARGO_HOME: join(folder, 'cargo'),
      RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? `${process.env['HOME']}/.rustup`,
    },
    ...{ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1' },
  });
  mkdirSync(join(home.path, 'src'));
  home.write('Get.java', javaSource);
  home.write('src/lib.rs', '');
  home.write(
    'Cargo.toml',
    '[package]\nname = "user"\nversion = "0.0.0"\n[dependencies]\nabcd = { version = "1", registry = "r" }\n',
  );
  const entry = { name: 'abcd', vers: '1.0.0', deps: [], cksum: '0'.repeat(64), features: {}, yanked: false };
  files.set('/index/config.json', JSON.stringify({ dl: 'https://localhost/dl' }));
  files.set('/index/ab/cd/abcd', `${JSON.stringify(entry)}\n`);
  const file = (path: string) => {
    const text = files.get(path);
    return text === undefined ? undefined : Buffer.from(text);
  };
  origin = createHttpServer((request, response) => {
    if (!(request.socket instanceof TLSSocket)) asked.push(request.headers.via ?? 'no Via');
    const content = file(new URL(request.url ?? '/', 'http://x').pathname);
    const type = request.url?.startsWith('/simple') ? 'text/html' : 'text/plain';
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(content);
  });
  httpPort = await listening(origin);
  agent = await startTestAgent({
    edge: 'none',
    cache: { agent: false },
    folder: home.path,
    answers: { 'origin.test': ['127.0.0.1'] },
  });
  const { port, controlPort } = agent;
  writeState(join(home.path, 'state'), { pid: process.pid, host: '127.0.0.1', port, controlPort, controlToken: 'x' });
  const authority = await openAuthority(authorityFiles(join(home.path, 'state')), Date.now());
  const leaves = createLeaves({ authority: async () => authority, wallTime: Date.now, maxLeaves: 1 });
  const context = await leaves.contextFor('localhost');
  // Java names no server in its handshake where the name has no dot, so the leaf is chosen before.
  server = createServer((socket) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext: context });
    secured.on('error', () => undefined); // clients that do not trust us
    origin.emit('connection', secured);
  });
  secureOrigin = `https://localhost:${await listening(server)}`;
  await exec('true'); // whatever is made once is made
}, 60_000);

/** What the person who runs these tests may have set. */
const trustVariables = [
  ...['NODE_EXTRA_CA_CERTS', 'DENO_CERT', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'],
  ...['GIT_SSL_CAINFO', 'CARGO_HTTP_CAINFO', 'AWS_CA_BUNDLE', 'PIP_CERT', 'npm_config_cafile', 'JAVA_TOOL_OPTIONS'],
];

afterAll(async () => {
  vi.unstubAllEnvs();
  await agent[Symbol.asyncDispose]();
  server.close();
  origin.closeAllConnections();
  origin.close();
  home[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function listening(one: Server): Promise<number> {
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return (one.address() as AddressInfo).port;
}

function exec(...command: readonly string[]): Promise<Result> {
  return home.run(['exec', '--port', String(agent.port), '--', ...command]);
}

describe.each(clients)('$name', ({ isThere, command, prints }) => {
  test.skipIf(!isThere)('goes through the agent', { timeout: 60_000 }, async () => {
    const known = asked.length;
    const { code, stdout, stderr } = await exec(...command(`http://origin.test:${httpPort}`));
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    expect(stdout).toContain(prints);
    expect(asked.length).toBeGreaterThan(known);
    for (const via of asked.slice(known)) expect(via).toMatch(/^1\.[01] edgehop-/);
  });

  test.skipIf(!isThere)('trusts what the local CA has signed', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await exec(...command(secureOrigin));
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    expect(stdout).toContain(prints);
  });

  test.skipIf(!isThere)('does not trust it where nothing is said of it', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await home.run(['exec', '--no-ca', '--', ...command(secureOrigin)]);
    expect([code === 0, stdout.includes(prints)]).toEqual([false, false]);
    expect(`${stdout}${stderr}`).toMatch(/certificat|SSL|PKIX/i);
  });
});

test('in a shell that evaluates `env`, programs go the same way', async () => {
  writeFileSync(join(home.path, 'shell.sh'), 'eval "$("$@")" && curl -sSf "$URL" && curl -sSf "$SECURE"');
  const urls = [`URL=http://origin.test:${httpPort}/small`, `SECURE=${secureOrigin}/small`];
  const own = [process.execPath, join(import.meta.dirname, '../../bin/edgehop.js'), 'env', '--shell', 'sh'];
  const { stdout, stderr } = await home.run(['exec', '--no-ca', '--', 'env', ...urls, 'sh', 'shell.sh', ...own]);
  expect([stdout, stderr]).toEqual(['smallsmall', '']);
  expect(asked.at(-1)).toMatch(/^1\.1 edgehop-/);
});
