// `edgehop edge deploy` with a stand-in for wrangler and the real worker behind it, and with the real wrangler as far as it goes alone.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../agent/config/load.ts';
import type { NamedEdge } from '../../schemas/config.ts';
import { type Home, makeHome } from '../support/command.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

let home: Home;
let platform: Platform;
beforeEach(async () => {
  home = makeHome();
  platform = await startPlatform(home.path);
});
afterEach(async () => {
  await platform[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const accepted = (...more: string[]) => ['edge', 'deploy', '--accept-terms', '--wrangler', platform.wrangler, ...more];
const edges = (): readonly NamedEdge[] => {
  const loaded = parseConfig(home.read('edgehop.jsonc').toString(), 'edgehop.jsonc');
  return loaded.kind === 'loaded' ? loaded.config.edge.edges : [];
};
const putTokens = () => platform.calls.filter(({ argv }) => argv[1] === 'put').map(({ stdin }) => stdin);
const all = ['whoami', 'deploy', 'secret list', 'secret put'];

describe('a first deployment', () => {
  test('states the terms, deploys, gives a token by stdin, verifies and stores', async () => {
    const { code, stdout, stderr } = await home.run(accepted());
    expect([code, stderr]).toEqual([0, expect.stringContaining('2.2.1 (j)')]);
    expect(stderr.indexOf('2.2.1 (j)')).toBeLessThan(stderr.indexOf('Uploaded edgehop'));
    expect(platform.commands()).toEqual(all);
    const [edge] = edges();
    expect(edge).toMatchObject({ name: 'edgehop', url: platform.url });
    expect(edge?.token).toMatch(/^[\w-]{43}$/);
    expect(platform.secret()).toBe(`owner=${edge?.token}`);
    expect(stdout).toMatch(/^edgehop is deployed at http:\S+ and stored in \S+: version 1, .*no tunnels\.\n$/);
  });

  test('shows the token nowhere: no output, no argument, no environment, no file that others may read', async () => {
    const { stdout, stderr } = await home.run(accepted());
    const token = edges()[0]?.token ?? 'none';
    expect(platform.secret()).toContain(token);
    expect(stdout + stderr).not.toContain(token);
    for (const { argv, environment } of platform.calls)
      expect(JSON.stringify([argv, environment])).not.toContain(token);
    const holding = readdirSync(home.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => readFileSync(path, 'utf8').includes(token));
    expect(holding).toEqual([join(home.path, 'edgehop.jsonc')]);
    expect(statSync(join(home.path, 'edgehop.jsonc')).mode & 0o777).toBe(0o600);
  });

  test('asks nothing of wrangler that is ours, and wants no telemetry of it', async () => {
    await home.run(accepted());
    for (const { environment } of platform.calls) {
      expect(Object.keys(environment).filter((name) => name.startsWith('EDGEHOP_'))).toEqual([]);
      expect(environment).toMatchObject({ WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_SANITIZE: 'true' });
    }
  });

  test('keeps the comments of the configuration, takes it out of sight of others, and puts the edge to use with --use', async () => {
    home.write('edgehop.jsonc', '// mine\n{\n  "log": "quiet", // no lines\n}\n');
    const { code, stdout } = await home.run(accepted('--use'));
    expect(code).toBe(0);
    expect(stdout).toContain('edge.use is edgehop');
    const text = home.read('edgehop.jsonc').toString();
    expect(text).toContain('// mine\n{\n  "log": "quiet", // no lines\n');
    expect(text).toContain('"use": "edgehop"');
    expect(statSync(join(home.path, 'edgehop.jsonc')).mode & 0o777).toBe(0o600);
  });

  test('gives worker and edge the name that is wanted', async () => {
    await home.run(accepted('--name', 'second'));
    expect(edges()[0]?.name).toBe('second');
    for (const { argv } of platform.calls.slice(1)) expect(argv.join(' ')).toMatch(/ --name second\b/);
  });
});

describe('nothing is deployed', () => {
  test.each([
    ['without the terms being accepted', [], 2, '--accept-terms'],
    ['under a name that has a meaning of its own', ['--accept-terms', '--name', 'none'], 2, 'meaning of its own'],
    ['to be reached without TLS', ['--accept-terms', '--url', 'http://edge.example'], 2, 'https'],
    ['by a wrangler that is not there', ['--accept-terms', '--wrangler', '/nowhere/wrangler'], 2, '/nowhere/wrangler'],
  ])('%s', async (_, args, status, words) => {
    const { code, stdout, stderr } = await home.run(['edge', 'deploy', '--wrangler', platform.wrangler, ...args]);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toContain(words);
    expect(platform.calls).toEqual([]);
  });

  test('while the configuration is not right', async () => {
    home.write('edgehop.jsonc', '{ "edge": { "used": "x" } }');
    const { code, stderr } = await home.run(accepted());
    expect([code, stderr]).toEqual([78, expect.stringContaining('edge.used')]);
    expect(platform.calls).toEqual([]);
  });

  test('while wrangler is not logged in, and it says how to', async () => {
    platform.instead.set('whoami', () => ({ code: 1, stdout: '{"loggedIn":false}\n' }));
    const { code, stderr } = await home.run(accepted());
    expect([code, stderr]).toEqual([77, expect.stringContaining('wrangler login')]);
    expect(platform.commands()).toEqual(['whoami']);
  });
});

describe('a deployment that fails', () => {
  test.each([
    ['deploy', 'did not deploy the worker', 1],
    ['secret list', 'does not tell which secrets', 1],
    ['secret put', 'did not set its token. It says: Authentication error', 1],
  ])('at %s says what is done, stores nothing, and goes on when it is run again', async (step, words, status) => {
    platform.instead.set(step, () => ({ code: 1, stderr: '\x1b[31m✘ Authentication error\x1b[0m [code: 10000]\n' }));
    const failed = await home.run(accepted());
    expect([failed.code, failed.stdout]).toEqual([status, '']);
    expect(failed.stderr.replace(/It says: . /, 'It says: ')).toContain(words);
    expect(failed.stderr).toMatch(/Run the same again to go on\./);
    expect(readdirSync(home.path)).not.toContain('edgehop.jsonc');
    platform.instead.clear();
    expect((await home.run(accepted())).code).toBe(0);
    expect(platform.secret()).toBe(`owner=${edges()[0]?.token}`);
    if (step === 'secret put') expect(new Set(putTokens()).size).toBe(1);
  });

  test('with the token echoed by wrangler does not show it', async () => {
    platform.instead.set('secret put', () => ({ code: 1, stderr: `refused: ${platform.calls.at(-1)?.stdin}` }));
    const { stderr } = await home.run(accepted());
    const token = platform.calls.at(-1)?.stdin.replace('owner=', '') ?? '';
    expect(stderr).toContain('refused: owner=(the token)');
    expect(stderr).not.toContain(token);
  });

  test('by kill -9 once the worker has its token goes on with that token', async () => {
    const { promise: isPut, resolve } = Promise.withResolvers<void>();
    platform.after.set('secret put', async () => {
      resolve();
      await new Promise(() => undefined); // it is killed meanwhile
    });
    using own = makeHome({ TMPDIR: home.path }); // for what a process that is killed leaves
    await using verb = own.begin(...accepted());
    await isPut;
    verb.signal('SIGKILL');
    await verb.ended;
    platform.after.clear();
    const again = await own.run(accepted('--config', join(home.path, 'edgehop.jsonc')));
    expect(again.code).toBe(0);
    expect(putTokens()).toEqual([`owner=${edges()[0]?.token}`]);
    expect(readdirSync(join(own.path, 'state'))).toEqual([]);
  });

  test('by SIGINT ends with 130, ends wrangler, and says how to go on', async () => {
    const { promise: isRunning, resolve } = Promise.withResolvers<void>();
    const { promise: hasEnded, resolve: ended } = Promise.withResolvers<void>();
    platform.after.set('deploy', async (closed) => {
      resolve();
      await closed;
      ended();
    });
    await using verb = home.begin(...accepted());
    await isRunning;
    verb.signal('SIGINT');
    const { code, stderr } = await verb.ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining('run the same again')]);
    await hasEnded;
  });

  test('because the configuration cannot be written says so, and goes on with the same token', async () => {
    const config = ['--config', join(home.path, 'folder', 'edgehop.jsonc')];
    platform.after.set('secret put', () => void home.write('folder', 'a file, where the folder would be made'));
    const failed = await home.run(accepted(...config));
    expect([failed.code, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toContain('the configuration could not be changed');
    const again = await home.run(accepted());
    expect(again.code).toBe(0);
    expect(putTokens()).toEqual([`owner=${edges()[0]?.token}`]);
  });

  test('as long as the worker does not answer stores nothing, and tells what it waits for', async () => {
    platform.after.set('secret put', () => platform.close());
    await using verb = home.begin(...accepted());
    const said = await verb.says('waiting for the worker to answer');
    expect(said).toContain('secret EDGEHOP_TOKENS');
    verb.signal('SIGTERM');
    expect((await verb.ended).code).toBe(130);
    expect(readdirSync(home.path)).not.toContain('edgehop.jsonc');
    expect(readdirSync(join(home.path, 'state'))).toEqual(['deploy-edgehop.json']);
    expect(statSync(join(home.path, 'state', 'deploy-edgehop.json')).mode & 0o777).toBe(0o600);
  });
});

describe('a deployment over one that is there', () => {
  test('leaves the worker its tokens, those of others included', async () => {
    await home.run(accepted());
    const [before] = edges();
    const { code, stderr } = await home.run(accepted());
    expect([code, stderr]).toEqual([0, expect.stringContaining('keeps it')]);
    expect(edges()).toEqual([before]);
    expect(platform.commands()).toEqual([...all, 'whoami', 'deploy', 'secret list']);
  });

  test('gives it a new token with --rotate', async () => {
    await home.run(accepted());
    const [before] = edges();
    expect((await home.run(accepted('--rotate'))).code).toBe(0);
    const [after] = edges();
    expect(after).toMatchObject({ name: before?.name, url: before?.url });
    expect(after?.token).not.toBe(before?.token);
    expect(platform.secret()).toBe(`owner=${after?.token}`);
  });

  test('takes no other token away without being told to', async () => {
    using other = makeHome();
    await other.run(accepted());
    const before = platform.secret();
    const { code, stderr } = await home.run(accepted());
    expect(code).toBe(1);
    expect(stderr).toContain('has tokens already');
    expect(stderr).toContain(`edgehop edge add edgehop ${platform.url}`);
    expect(stderr).toContain('--rotate');
    expect(platform.secret()).toBe(before);
  });

  test('does not give a stored edge another URL without being told to', async () => {
    const elsewhere = { name: 'edgehop', url: 'https://elsewhere.example', token: 'a-token-of-another-worker' };
    home.write('edgehop.jsonc', JSON.stringify({ edge: { edges: [elsewhere] } }));
    const { code, stderr } = await home.run(accepted());
    expect([code, stderr]).toEqual([1, expect.stringContaining('--replace')]);
    expect(edges()).toEqual([elsewhere]);
    expect((await home.run(accepted('--replace'))).code).toBe(0);
    expect(edges()).toMatchObject([{ name: 'edgehop', url: platform.url }]);
  });
});

describe('the real wrangler', () => {
  const isAlone = canBeAlone();

  test('builds what would be deployed, with --dry-run', async () => {
    const folder = { HOME: home.path, XDG_CONFIG_HOME: home.path, CI: '1', WRANGLER_LOG_PATH: home.path };
    using own = makeHome(folder, isAlone ? { before: ['unshare', '-n'] } : {});
    const { code, stdout, stderr } = await own.run(['edge', 'deploy', '--dry-run']);
    expect([code, stdout]).toEqual([0, 'The worker builds. Nothing was deployed and nothing stored.\n']);
    expect(stderr).toContain('2.2.1 (j)');
    expect(stderr).toContain('--dry-run: exiting now.');
    expect(readdirSync(own.path)).not.toContain('edgehop.jsonc');
  });

  test.skipIf(!isAlone)('that is not logged in deploys nothing, and the way to log in is told', async () => {
    const folder = { HOME: home.path, XDG_CONFIG_HOME: home.path, CI: '1', WRANGLER_LOG_PATH: home.path };
    using own = makeHome({ ...folder, CLOUDFLARE_API_TOKEN: '' }, { before: ['unshare', '-n'] });
    const { code, stderr } = await own.run(['edge', 'deploy', '--accept-terms']);
    expect([code, stderr]).toEqual([77, expect.stringContaining('npx wrangler login')]);
  });
});

/** A network of its own, in which nothing can be dialled. */
function canBeAlone(): boolean {
  try {
    execFileSync('unshare', ['-n', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write('not without network: unshare -n is for root on Linux\n');
    return false;
  }
}
