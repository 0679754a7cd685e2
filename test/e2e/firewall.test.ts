// `edgehop firewall` over the rules of a real kernel, in a network of its own: what it says is held against the rules read back.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { firewallReport } from '../../schemas/firewall.ts';
import { makeHome } from '../support/command.ts';

const edgehop = fileURLToPath(new URL('../../bin/edgehop.js', import.meta.url));

/** Why `program` cannot be tried here; nothing where it can. */
function lacking(program: string): string | undefined {
  const tried = spawnSync(
    'unshare',
    [
      '--net',
      'sh',
      '-c',
      `PATH=$PATH:/usr/sbin:/sbin; command -v ${program} && ${program} list ruleset || ${program} -L -n`,
    ],
    { encoding: 'utf8' },
  );
  if (tried.status === 0) return undefined;
  const because = tried.error?.message ?? tried.stderr.trim().split('\n')[0] ?? '';
  process.stderr.write(`skipped: ${program} cannot be tried in a network of its own: ${because}\n`);
  return because;
}

function inOwnNetwork(path: string, script: string) {
  const env = {
    ...process.env,
    EDGEHOP_HOME: path,
    NO_COLOR: '1',
    NODE: process.execPath,
    BIN: edgehop,
    PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
  };
  const text = `set -u; cd "$EDGEHOP_HOME"; ip link set lo up; edgehop() { "$NODE" "$BIN" "$@"; }\n${script}`;
  const { stdout, stderr } = spawnSync('unshare', ['--net', 'bash', '-c', text], { env, encoding: 'utf8' });
  return {
    stderr,
    reports: stdout
      .trim()
      .split('\n')
      .map((line) => firewallReport.parse(JSON.parse(line))),
  };
}

const open = { listen: { host: '0.0.0.0' }, admit: { clients: { allow: ['192.0.2.0/24'] } } };
const verdict = (report: ReturnType<typeof inOwnNetwork>['reports'][number] | undefined) =>
  report?.ports[0]?.judgements.map((each) => each.verdict).join();

test.each([
  [
    'nft',
    'nftables',
    "nft -f - <<'X'\ntable inet filter { chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iif lo accept; tcp dport 22 accept; }; }\nX",
  ],
  ['iptables', 'iptables', 'iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT'],
])(
  '%s: what is closed is opened by --apply, and closed again when the agent goes back to loopback',
  { skip: process.getuid?.() !== 0 || lacking('nft') !== undefined || lacking('iptables') !== undefined },
  (_program, manager, rules) => {
    using home = makeHome();
    home.write('open.jsonc', JSON.stringify(open));
    const { reports, stderr } = inOwnNetwork(
      home.path,
      `${rules}
edgehop firewall --json --config open.jsonc
edgehop firewall --json --config open.jsonc --apply --yes
edgehop firewall --json --apply --yes
edgehop firewall --json --apply --yes`,
    );
    const [closed, asked, opened, loopback, after, again] = reports;
    expect(verdict(closed), stderr).toBe('closed');
    expect(closed).toMatchObject({ manager, openedByUs: 'no', listening: { scope: 'network' } });
    expect(verdict(asked)).toBe('closed');
    expect(verdict(opened)).toBe('open');
    expect(opened).toMatchObject({
      openedByUs: 'yes',
      ports: [{ name: 'proxy' }, { name: 'control', judgements: [{ verdict: 'closed' }] }],
    });
    expect(loopback).toMatchObject({ openedByUs: 'yes', listening: { scope: 'loopback' } });
    expect(after).toMatchObject({ openedByUs: 'no' });
    expect(after?.ports[0]?.judgements[0]?.verdict).toBe('closed');
    expect(again).toMatchObject({ openedByUs: 'no' });
  },
);

test('a person without rights is told the command for sudo, with 77', {
  skip: process.getuid?.() !== 0 || lacking('nft') !== undefined,
}, () => {
  using home = makeHome();
  home.write('open.jsonc', JSON.stringify(open));
  const script = `chmod -R a+rwX .; nft 'add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }'
"$NODE" -e 'process.setgid(65534); process.setuid(65534); import(process.argv[1])' "$BIN" firewall --json --config open.jsonc 2>&1 >/dev/null | head -1`;
  const env = {
    ...process.env,
    EDGEHOP_HOME: home.path,
    NODE: process.execPath,
    BIN: edgehop,
    PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
  };
  const { stdout } = spawnSync('unshare', ['--net', 'bash', '-c', `cd "$EDGEHOP_HOME"; ${script}`], {
    env,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/edgehop: root can read more: sudo env /);
});

test('on loopback nothing is opened, and no question asked', async () => {
  using home = makeHome();
  const { code, stderr } = await home.run(['firewall', '--apply']);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing has to be opened') });
});

test('a port that is not known before the start is no question', async () => {
  using home = makeHome();
  home.write('edgehop.jsonc', '{ "listen": { "port": 0 } }');
  expect(await home.run(['firewall'])).toMatchObject({ code: 1, stderr: expect.stringContaining('start it first') });
  expect((await home.run(['firewall', '--port', '9'])).code).toBe(69);
});
