// `edgehop service` under a real systemd of a user, in name spaces of its own; and the keeper of Windows, which runs anywhere.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { serviceStatus } from '../../schemas/service.ts';
import { makeHome } from '../support/command.ts';
import { runIn } from '../support/program.ts';

const session = fileURLToPath(new URL('../support/systemd-session.sh', import.meta.url));
const edgehop = fileURLToPath(new URL('../../bin/edgehop.js', import.meta.url));

/** Why there is no session of systemd here; nothing where there is. */
function lacking(): string | undefined {
  const tried =
    process.platform === 'linux'
      ? spawnSync('bash', [session, 'true'], { encoding: 'utf8', timeout: 60_000 })
      : undefined;
  if (tried?.status === 0) return undefined;
  const because = tried?.stderr.trim().split('\n')[0] ?? 'this is no Linux';
  process.stderr.write(`skipped: no systemd of a user can be started: ${because}\n`);
  return because;
}

/** One line of JSON for each step. Waiting is for what systemd itself tells. */
const script = `
set -u
edgehop() { "$NODE" "$BIN" "$@"; }
status() { edgehop service status --json; }
pid() { systemctl --user show edgehop --property=MainPID --value; }
cd "$FOLDER"
echo '{}' >"$CONFIG"
edgehop service install --port 0 --control-port 0 --edge none --config "$CONFIG" >/dev/null && status
tr '\\0' '\\n' <"/proc/$(pid)/cmdline" | "$NODE" -e 'console.log(JSON.stringify(require("fs").readFileSync(0, "utf8").trimEnd().split("\\n")))'
first=$(pid)
edgehop service install --port 0 --control-port 0 --edge none --config "$CONFIG" >/dev/null && [[ $(pid) == "$first" ]] && echo '"the same runs on"'
kill -KILL "$first"
until [[ $(systemctl --user is-active edgehop) == active && $(pid) != "$first" ]]; do read -rt 0.1 <> <(:); done
until status | grep -q '"port"'; do read -rt 0.1 <> <(:); done
status
second=$(pid)
systemctl --user reload edgehop && [[ $(pid) == "$second" ]] && echo '"reloaded"'
edgehop service install --port 0 --control-port 0 --edge none --config "$CONFIG" --log quiet >/dev/null && status
edgehop service uninstall >/dev/null && status
[[ -z $(ls -A "$HOME/.config/systemd/user") ]] && echo '"nothing is left"'
`;

test('under systemd the agent starts, is started again after kill -9, reloads, is updated and removed', {
  skip: lacking() !== undefined,
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-service-'));
  const odd = join(folder, 'a %h $HOME "q" \\b\' ü');
  mkdirSync(odd);
  try {
    const environment = {
      HOME: folder,
      EDGEHOP_HOME: odd,
      FOLDER: odd,
      CONFIG: join(odd, 'my $PATH %i.jsonc'),
      NODE: process.execPath,
      BIN: edgehop,
    };
    writeFileSync(join(folder, 'steps.sh'), script);
    const ran = await runIn({ environment }, 'bash', session, 'bash', join(folder, 'steps.sh'));
    const lines = Buffer.from(ran.stdout, 'latin1')
      .toString()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const [installed, command, same, restarted, reloaded, updated, removed, nothing] = lines;
    const first = serviceStatus.parse(installed);
    expect(first).toMatchObject({
      installed: 'yes',
      state: 'running',
      atLogin: true,
      port: expect.any(Number),
      command: { environment: { EDGEHOP_HOME: odd } },
    });
    expect(command).toEqual([
      process.execPath,
      edgehop,
      'start',
      '--port',
      '0',
      '--control-port',
      '0',
      '--config',
      environment.CONFIG,
      '--edge',
      'none',
    ]);
    expect(same).toBe('the same runs on');
    const second = serviceStatus.parse(restarted);
    expect(second).toMatchObject({ state: 'running', restarts: 1, port: expect.any(Number) });
    expect(second.pid).not.toBe(first.pid);
    expect(reloaded).toBe('reloaded');
    expect(serviceStatus.parse(updated)).toMatchObject({
      state: 'running',
      command: { args: expect.arrayContaining(['--log', 'quiet']) },
    });
    expect(serviceStatus.parse(removed)).toMatchObject({ installed: 'no', state: 'stopped' });
    expect(nothing).toBe('nothing is left');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the keeper starts an agent that was killed again, and ends with it when it is told to', {
  timeout: 60_000,
}, async () => {
  using home = makeHome();
  const logs = join(home.path, 'logs');
  await using keeper = home.begin(
    'service',
    'run',
    '--logs',
    logs,
    '--set',
    'EDGEHOP_LOG=json',
    '--',
    '--port',
    '0',
    '--control-port',
    '0',
    '--edge',
    'none',
  );
  const textOf = (name: string) => (existsSync(join(logs, name)) ? readFileSync(join(logs, name), 'utf8') : '');
  const agentPid = async (count: number): Promise<number> => {
    while (textOf('edgehop.log').split('configured by').length <= count)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return JSON.parse(textOf('service-agent.json')).pid;
  };
  const first = await agentPid(1);
  process.kill(first, 'SIGKILL');
  const second = await agentPid(2);
  expect(second).not.toBe(first);
  expect(readFileSync(join(logs, 'edgehop.log'), 'utf8')).toContain(
    'the agent ended with SIGKILL; it is started again in 5 s',
  );
  keeper.signal('SIGTERM');
  expect((await keeper.ended).code).toBe(0);
  expect(existsSync(join(logs, 'service-agent.json'))).toBe(false);
  expect(() => process.kill(second, 0)).toThrow();
});

test('what would never start is refused before anything is written', async () => {
  using home = makeHome({ PATH: '/nowhere' });
  home.write('edgehop.jsonc', '{ "listen": { "port": "x" } }');
  expect((await home.run(['service', 'install'])).code).toBe(78);
  expect(await home.run(['service', 'install', '--token', 'a'.repeat(20)])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('every user'),
  });
  rmSync(join(home.path, 'edgehop.jsonc'));
  expect(await home.run(['service', 'install', '--config', 'none.jsonc'])).toMatchObject({ code: 78 });
});

test('without systemd it is said what to do instead', { skip: process.platform !== 'linux' }, async () => {
  using home = makeHome({ PATH: '/nowhere' });
  expect(await home.run(['service', 'install'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Start it with `edgehop start`'),
  });
  const status = await home.run(['service', 'status', '--json']);
  expect(serviceStatus.parse(JSON.parse(status.stdout))).toMatchObject({ installed: 'no', state: 'unknown' });
});
