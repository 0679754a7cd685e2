// Programs that people use, through the proxy by both routes and directly: they get the same.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { type FileServer, startFileServer } from '../support/file-server.ts';
import { isInstalled, type Ran, run, runIn } from '../support/program.ts';

const large = randomBytes(1_500_000);
const files = new Map<string, Buffer>([
  ['/large', large],
  ['/small', Buffer.from('small')],
]);
const ways = ['direct', 'none', 'embedded'] as const;
type Way = (typeof ways)[number];

let root: string;
let origin: FileServer;
const agents = new Map<Way, TestAgent>();

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'edgehop-clients-'));
  const environment = { GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1' };
  origin = await startFileServer({
    file: (path) => files.get(path),
    program: { command: ['git', 'http-backend'], environment },
  });
  for (const edge of ['none', 'embedded'] as const) agents.set(edge, await startTestAgent({ edge }));
});

afterAll(async () => {
  for (const agent of agents.values()) await agent[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const proxyOf = (way: Way) => `http://127.0.0.1:${agents.get(way)?.port}`;
/** What most programs look at. They go directly to loopback unless they are told otherwise. */
const environmentOf = (way: Way): Record<string, string> =>
  way === 'direct'
    ? {}
    : { http_proxy: proxyOf(way), https_proxy: proxyOf(way), all_proxy: proxyOf(way), no_proxy: '' };

let count = 0;
/** An empty folder of one run of a program. */
function folder(): string {
  const path = join(root, `run-${++count}`);
  mkdirSync(path);
  return path;
}

/** Ends with a failure that shows what the program said. */
function expectDone({ code, stdout, stderr }: Ran): void {
  expect([code, code === 0 ? '' : `${stdout}\n${stderr}`]).toEqual([0, '']);
}

/** The way is the way that the origin has seen: every request has come through one agent, or through none. */
async function seen(way: Way, work: () => Promise<void>): Promise<void> {
  const known = origin.asked.length;
  await work();
  const asked = origin.asked.slice(known);
  expect(asked.length).toBeGreaterThan(0);
  for (const line of asked) expect(line).toMatch(way === 'direct' ? / -$/ : / 1\.[01] edgehop-/);
}

describe.each(ways)('by way of %s', (way) => {
  test.skipIf(!isInstalled('curl'))('curl downloads, resumes and uploads', async () => {
    await seen(way, async () => {
      const at = { folder: folder(), environment: environmentOf(way) };
      expectDone(await runIn(at, 'curl', '-sSf', '-o', 'large', `${origin.url}/large`));
      expect(readFileSync(join(at.folder, 'large')).equals(large)).toBe(true);
      writeFileSync(join(at.folder, 'part'), large.subarray(0, 700_000));
      expectDone(await runIn(at, 'curl', '-sSf', '-C', '-', '-o', 'part', `${origin.url}/large`));
      expect(readFileSync(join(at.folder, 'part')).equals(large)).toBe(true);
      const upload = await runIn(at, 'curl', '-sSf', '-T', 'large', `${origin.url}/upload`);
      expect(upload.stdout).toBe(createHash('sha256').update(large).digest('hex'));
    });
  });

  test.skipIf(!isInstalled('curl') || way === 'direct')('curl downloads by CONNECT', async () => {
    const at = { folder: folder(), environment: environmentOf(way) };
    expectDone(await runIn(at, 'curl', '-sSf', '--proxytunnel', '-o', 'large', `${origin.url}/large`));
    expect(readFileSync(join(at.folder, 'large')).equals(large)).toBe(true);
  });

  test.skipIf(!isInstalled('wget'))('wget downloads, and resumes with -c', async () => {
    await seen(way, async () => {
      const at = { folder: folder(), environment: environmentOf(way) };
      writeFileSync(join(at.folder, 'large'), large.subarray(0, 400_000));
      expectDone(await runIn(at, 'wget', '-q', '-c', `${origin.url}/large`, `${origin.url}/small`));
      expect(readFileSync(join(at.folder, 'large')).equals(large)).toBe(true);
      expect(readFileSync(join(at.folder, 'small')).toString()).toBe('small');
    });
  });

  test.skipIf(!isInstalled('git'))('git clones', async () => {
    const head = (await repository()).head;
    await seen(way, async () => {
      const at = { folder: folder(), environment: environmentOf(way) };
      expectDone(await runIn(at, 'git', 'clone', '-q', `${origin.url}/cgi/repository.git`, 'clone'));
      const clone = { folder: join(at.folder, 'clone') };
      expect((await runIn(clone, 'git', 'rev-parse', 'HEAD')).stdout.trim()).toBe(head);
      expectDone(await runIn(clone, 'git', 'fsck', '--strict'));
    });
  });

  test.skipIf(!isInstalled('npm'))('npm installs', async () => {
    await publish();
    await seen(way, async () => {
      const at = folder();
      writeFileSync(join(at, 'package.json'), '{ "name": "user", "version": "1.0.0" }');
      const options = [
        `--registry=${origin.url}/`,
        '--no-audit',
        '--no-fund',
        '--no-update-notifier',
        `--cache=${at}/cache`,
      ];
      expectDone(
        await runIn({ folder: at, environment: environmentOf(way) }, 'npm', 'install', 'a-package', ...options),
      );
      expect(readFileSync(join(at, 'node_modules/a-package/large')).equals(large)).toBe(true);
    });
  });

  test.skipIf(!isInstalled('apt-get') || !isInstalled('dpkg-deb'))('apt updates and downloads', async () => {
    await release();
    await seen(way, async () => {
      const at = folder();
      for (const name of ['state/lists/partial', 'cache/archives/partial', 'etc'])
        mkdirSync(join(at, name), { recursive: true });
      writeFileSync(join(at, 'state/status'), '');
      writeFileSync(join(at, 'etc/sources.list'), `deb [trusted=yes] ${origin.url}/apt ./\n`);
      const settings = {
        'Dir::State': `${at}/state`,
        'Dir::State::status': `${at}/state/status`,
        'Dir::Cache': `${at}/cache`,
        'Dir::Etc': `${at}/etc`,
        'Acquire::Languages': 'none',
        'APT::Sandbox::User': 'root',
        'Acquire::http::Proxy': way === 'direct' ? 'DIRECT' : proxyOf(way),
      };
      const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
      expectDone(await runIn({ folder: at }, 'apt-get', ...options, '-q', 'update'));
      expectDone(await runIn({ folder: at }, 'apt-get', ...options, '-q', 'download', 'a-package'));
      const [, deb] = [...files].find(([path]) => path.endsWith('.deb')) ?? [];
      expect(readFileSync(join(at, 'a-package_1.0_all.deb')).equals(deb ?? Buffer.of())).toBe(true);
    });
  });

  test.skipIf(!isInstalled('python3'))('urllib of Python downloads and posts', async () => {
    await seen(way, async () => {
      const script = [
        'import hashlib, sys, urllib.request as r',
        'proxies = {"http": sys.argv[2]} if len(sys.argv) > 2 else {}',
        'opener = r.build_opener(r.ProxyHandler(proxies))',
        'got = opener.open(sys.argv[1] + "/large").read()',
        'said = opener.open(r.Request(sys.argv[1] + "/post", data=got)).read().decode()',
        'print(hashlib.sha256(got).hexdigest(), said)',
      ].join('\n');
      const done = await run('python3', '-c', script, origin.url, ...(way === 'direct' ? [] : [proxyOf(way)]));
      expectDone(done);
      const digest = createHash('sha256').update(large).digest('hex');
      expect(done.stdout.trim()).toBe(`${digest} ${digest}`);
    });
  });
});

let made: Promise<{ readonly head: string }> | undefined;

/** A repository with two commits. */
function repository(): Promise<{ readonly head: string }> {
  made ??= (async () => {
    const path = join(root, 'repository.git');
    const work = { folder: folder(), environment: { GIT_CONFIG_GLOBAL: '/dev/null' } };
    const git = async (...args: string[]) =>
      expectDone(await runIn(work, 'git', '-c', 'user.name=a', '-c', 'user.email=a@b', ...args));
    await git('init', '-q', '-b', 'main');
    for (const name of ['one', 'two']) {
      writeFileSync(join(work.folder, name), randomBytes(200_000));
      await git('add', '.');
      await git('commit', '-q', '-m', name);
    }
    await git('clone', '-q', '--bare', '.', path);
    return { head: (await runIn(work, 'git', 'rev-parse', 'HEAD')).stdout.trim() };
  })();
  return made;
}

/** A package in the manner of npm's registry. */
async function publish(): Promise<void> {
  const path = join(root, 'package');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), '{ "name": "a-package", "version": "1.0.0" }');
  writeFileSync(join(path, 'large'), large);
  expectDone(await run('tar', '-czf', join(root, 'package.tgz'), '-C', root, 'package'));
  const tarball = readFileSync(join(root, 'package.tgz'));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const version = { name: 'a-package', version: '1.0.0', dist: { tarball: `${origin.url}/package.tgz`, integrity } };
  files.set('/package.tgz', tarball);
  files.set(
    '/a-package',
    Buffer.from(
      JSON.stringify({ name: 'a-package', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }),
    ),
  );
}

/** A package in a repository of Debian's flat kind. */
async function release(): Promise<void> {
  const path = join(root, 'deb');
  mkdirSync(join(path, 'DEBIAN'), { recursive: true });
  const control = 'Package: a-package\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDescription: a\n';
  writeFileSync(join(path, 'DEBIAN/control'), control);
  writeFileSync(join(path, 'large'), large.subarray(0, 300_000));
  expectDone(await run('dpkg-deb', '-b', path, join(root, 'a-package_1.0_all.deb')));
  const deb = readFileSync(join(root, 'a-package_1.0_all.deb'));
  const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('hex');
  const packages = Buffer.from(
    `${control}Filename: ./a-package_1.0_all.deb\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`,
  );
  const zipped = gzipSync(packages);
  const lists = [`${sha256(packages)} ${packages.length} Packages`, `${sha256(zipped)} ${zipped.length} Packages.gz`];
  files.set('/apt/./Release', Buffer.from(`Date: Wed, 21 Oct 2026 07:28:00 UTC\nSHA256:\n ${lists.join('\n ')}\n`));
  files.set('/apt/./Packages', packages);
  files.set('/apt/./Packages.gz', zipped);
  files.set('/apt/./a-package_1.0_all.deb', deb);
  for (const [name, content] of [...files]) if (name.includes('/./')) files.set(name.replace('/./', '/'), content);
}
