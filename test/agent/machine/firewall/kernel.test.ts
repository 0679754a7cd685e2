// What the kernel does with a connection to a port: rules that the true programs have printed, walked.
import { describe, expect, test } from 'vitest';
import { kernelJudged, kernelMentioning, kernelRules } from '../../../../agent/machine/firewall/kernel.ts';
import type { FirewallHost } from '../../../../agent/machine/firewall/ports.ts';
import { ended, type Played, played, transcript } from '../../../support/transcripts.ts';

const noTables = { 'iptables-save': '', 'ip6tables-save': '' };
const nftables = { 'nft -j': transcript('nft-json'), 'nft -a': transcript('nft-a'), ...noTables };
const empty = '{"nftables": [{"metainfo": {"version": "1.0.6"}}]}';

function hostOf({ run }: Played, files: Readonly<Record<string, string>> = {}): FirewallHost {
  return { platform: 'linux', run, read: async (path) => files[path], exists: async (path) => path in files };
}

async function judged(
  answers: Parameters<typeof played>[0],
  port: number,
  family: 'ip' | 'ip6' = 'ip',
  address?: string,
) {
  const kernel = await kernelRules(hostOf(played(answers)));
  return kernelJudged(kernel, { family, port, ...(address !== undefined && { address }) });
}

describe('nftables', () => {
  test.each([
    [8080, 'ip', 'open', 'a set by name'],
    [22, 'ip6', 'open', 'a set by name, in a table of both families'],
    [9090, 'ip', 'partly', 'a set of ports, and sources'],
    [9150, 'ip', 'partly', 'a range within a set, and sources'],
    [9090, 'ip6', 'closed', 'sources of the other family'],
    [7000, 'ip', 'partly', 'a rate'],
    [7001, 'ip', 'open', 'a map to accept'],
    [7002, 'ip', 'closed', 'a map to drop'],
    [7004, 'ip', 'partly', 'a network card'],
    [7005, 'ip', 'partly', 'a chain that others return from'],
    [53, 'ip', 'closed', 'a port of UDP'],
    [8101, 'ip', 'closed', 'the port after a range'],
  ] as const)('port %i of %s is %s: %s', async (port, family, verdict, _because) => {
    expect((await judged(nftables, port, family)).verdict).toBe(verdict);
  });

  test('a rule for one address opens a port that is listened on there, and none elsewhere', async () => {
    expect((await judged(nftables, 7005, 'ip', '10.0.0.5')).verdict).toBe('open');
    expect((await judged(nftables, 7005, 'ip', '10.0.0.6')).verdict).toBe('partly'); // by its mark
  });

  test('the rule that decides is shown as nft prints it', async () => {
    expect((await judged(nftables, 8080)).deciding).toEqual(['tcp dport @open_ports accept']);
    expect((await judged(nftables, 7002)).deciding).toEqual([expect.stringContaining('tcp dport vmap')]);
  });

  test('rules that name a port are found, whatever they decide', async () => {
    const kernel = await kernelRules(hostOf(played(nftables)));
    expect(kernelMentioning(kernel, 7000).nft).toEqual([
      'inet filter input: tcp dport 7000 limit rate 10/second accept',
    ]);
    expect(kernelMentioning(kernel, 700).nft).toEqual([]);
  });

  test('without any rule everything is open', async () => {
    expect(await judged({ 'nft -j': empty, 'nft -a': '', ...noTables }, 8080)).toMatchObject({ verdict: 'open' });
  });

  const rule = (expr: unknown) =>
    JSON.stringify({
      nftables: [
        { chain: { family: 'inet', table: 't', name: 'c', type: 'filter', hook: 'input', prio: 0, policy: 'drop' } },
        { rule: { family: 'inet', table: 't', chain: 'c', handle: 1, expr } },
      ],
    });
  const dport = { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 8080 } };
  const flags = { '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, { '|': ['fin', 'syn', 'rst', 'ack'] }] };
  test.each([
    [
      'an expression of a later nft',
      [{ match: { op: '==', left: { novel: { key: 1 } }, right: 1 } }, { accept: null }],
      'unknown',
    ],
    ['an unknown statement before a verdict', [dport, { novelty: {} }, { accept: null }], 'unknown'],
    [
      'an unknown statement for another port',
      [{ ...dport, match: { ...dport.match, right: 1 } }, { novelty: {} }, { accept: null }],
      'closed',
    ],
    ['a queue', [dport, { queue: { num: 0 } }], 'unknown'],
    ['a set that is not listed', [{ match: { ...dport.match, right: '@gone' } }, { accept: null }], 'unknown'],
    ['a range by comparison', [{ match: { ...dport.match, op: '>=', right: 1024 } }, { accept: null }], 'open'],
    ['the flags of a first packet', [{ match: { op: '==', left: flags, right: 'syn' } }, { accept: null }], 'open'],
    ['other flags', [{ match: { op: '!=', left: flags, right: 'syn' } }, { accept: null }], 'closed'],
    ['another port by !=', [{ match: { ...dport.match, op: '!=', right: 22 } }, { accept: null }], 'open'],
    [
      'a UDP port by !=, which no TCP packet has',
      [{ match: { op: '!=', left: { payload: { protocol: 'udp', field: 'dport' } }, right: 22 } }, { accept: null }],
      'closed',
    ],
    ['a chain that leads to itself', [{ jump: { target: 'c' } }], 'unknown'],
  ])('%s leaves it %s', async (_title, expr, verdict) => {
    expect((await judged({ 'nft -j': rule(expr), 'nft -a': '', ...noTables }, 8080)).verdict).toBe(verdict);
  });
});

describe('firewalld’s own rules in nftables', () => {
  const answers = { 'nft -j': transcript('firewalld-nft-json'), 'nft -a': transcript('firewalld-nft-a'), ...noTables };
  test.each([
    [8080, 'ip', 'open'],
    [9050, 'ip6', 'open'],
    [80, 'ip', 'open'],
    [7000, 'ip', 'partly'],
    [7777, 'ip', 'partly'], // all is let in from the sources of the zone `trusted`, which are of IPv4
    [7777, 'ip6', 'closed'],
  ] as const)('port %i of %s is %s', async (port, family, verdict) => {
    expect((await judged(answers, port, family)).verdict).toBe(verdict);
  });
});

describe('iptables', () => {
  const saved = { 'nft -j': empty, 'nft -a': '', 'iptables-save': transcript('iptables-save'), 'ip6tables-save': '' };
  test.each([
    [443, 'open', 'a list of ports'],
    [9050, 'open', 'a range in a list'],
    [8080, 'partly', 'a chain of its own, with sources'],
    [7000, 'partly', 'a rate'],
    [53, 'closed', 'a port of UDP'],
    [1234, 'closed', 'nothing but the last rule'],
  ] as const)('port %i is %s: %s', async (port, verdict, _because) => {
    expect((await judged(saved, port)).verdict).toBe(verdict);
  });

  test('ip6tables are others than iptables', async () => {
    expect((await judged(saved, 1234, 'ip6')).verdict).toBe('open');
  });

  const ufw = {
    'nft -j': empty,
    'nft -a': '',
    'iptables-save': transcript('ufw-iptables-save'),
    'ip6tables-save': transcript('ufw-ip6tables-save'),
  };
  test.each([
    [22, 'ip', 'open'],
    [9090, 'ip6', 'open'],
    [8050, 'ip', 'open'],
    [8081, 'ip6', 'closed'],
    [2222, 'ip', 'partly'],
    [1234, 'ip', 'partly'], // from 10.9.0.0/16
    [1234, 'ip6', 'closed'],
    [7000, 'ip6', 'closed'], // on lo only
  ] as const)('of ufw’s own rules, port %i of %s is %s', async (port, family, verdict) => {
    expect((await judged(ufw, port, family)).verdict).toBe(verdict);
  });

  const one = (line: string) => `*filter\n:INPUT DROP [0:0]\n:DOCKER - [0:0]\n${line}\nCOMMIT\n`;
  test.each([
    ['-A INPUT -p tcp -m tcp --dport 8080 -m novel --novelty 5 -j ACCEPT', 'unknown'],
    ['-A INPUT -p tcp -m tcp --dport 8081 -m novel --novelty 5 -j ACCEPT', 'closed'],
    ['-A INPUT -j NOVELTY', 'unknown'],
    ['-A INPUT -m novel --novelty 5 -j DROP', 'closed'], // as all else is
    ['-A INPUT -j NFQUEUE --queue-num 0', 'unknown'],
    ['-A INPUT ! -i lo -j ACCEPT', 'open'],
    ['-A INPUT -m comment --comment "a -j DROP \\"x\\" --dport 1" -j ACCEPT', 'open'],
    ['-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT', 'open'],
    ['-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m state --state NEW -j ACCEPT', 'closed'],
    ['-A INPUT -d 127.0.0.0/8 -j ACCEPT', 'closed'],
    ['-A INPUT -s 0.0.0.0/0 -j ACCEPT', 'open'],
    ['-A INPUT -m set --match-set friends src -j ACCEPT', 'partly'],
    ['-A INPUT -g DOCKER', 'closed'],
    ['[5:300] -A INPUT -p tcp -m multiport --dports 1:8079,8081 -j ACCEPT', 'closed'],
  ])('%s leaves it %s', async (line, verdict) => {
    expect((await judged({ ...saved, 'iptables-save': one(line) }, 8080)).verdict).toBe(verdict);
  });

  test('a port that is sent elsewhere before it is filtered is not called open', async () => {
    const nat =
      '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n';
    expect(await judged({ ...saved, 'iptables-save': nat }, 8080)).toMatchObject({
      verdict: 'unknown',
      because: [expect.stringContaining('sent elsewhere')],
    });
  });
});

describe('what was not read', () => {
  const root = ended('', 1, 'Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed');
  test('is never called open', async () => {
    const kernel = await judged({ 'nft ': root, ...noTables }, 8080);
    expect(kernel).toMatchObject({
      verdict: 'unknown',
      because: ['nft list ruleset ended with 1: Operation not permitted (you must be root)'],
    });
    expect(
      (await judged({ 'nft -j': empty, 'nft -a': '', 'iptables-save': root, 'ip6tables-save': '' }, 8080)).verdict,
    ).toBe('unknown');
    expect((await judged({ 'nft -j': '{"half', 'nft -a': '', ...noTables }, 8080)).verdict).toBe('unknown');
    expect((await judged(noTables, 8080)).verdict).toBe('unknown'); // nft is not installed
  });

  test('does not matter where what was read closes the port', async () => {
    expect(
      (await judged({ 'nft ': root, 'iptables-save': transcript('iptables-save'), 'ip6tables-save': '' }, 1234))
        .verdict,
    ).toBe('closed');
  });

  test('without iptables, the kernel’s own tables are asked for, and what only root may read is not taken for none', async () => {
    const answers = { 'nft -j': empty, 'nft -a': '' };
    const none = await kernelRules(hostOf(played(answers)));
    expect(kernelJudged(none, { family: 'ip', port: 1 }).verdict).toBe('open');
    const host = { ...hostOf(played(answers)), exists: async () => true };
    expect(kernelJudged(await kernelRules(host), { family: 'ip', port: 1 }).verdict).toBe('unknown');
    const loaded = await kernelRules(hostOf(played(answers), { '/proc/net/ip_tables_names': 'filter\n' }));
    expect(kernelJudged(loaded, { family: 'ip', port: 1 }).verdict).toBe('unknown');
  });

  test('without nft, a kernel that has no nftables has no such rules', async () => {
    const modules = { '/proc/modules': 'ext4 1 1 - Live 0x0\n' };
    const kernel = await kernelRules(hostOf(played(noTables), modules));
    expect(kernelJudged(kernel, { family: 'ip', port: 1 }).verdict).toBe('open');
  });
});
