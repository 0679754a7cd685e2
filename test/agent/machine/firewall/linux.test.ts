// The firewalls of Linux together: who manages, what can be told, and the commands; by what the true programs have printed.
import { expect, test } from 'vitest';
import { linuxFirewalls } from '../../../../agent/machine/firewall/linux.ts';
import type { FirewallQuestion } from '../../../../agent/machine/firewall/ports.ts';
import { ended, played, transcript } from '../../../support/transcripts.ts';

const question: FirewallQuestion = { ports: [8080, 8081], families: ['ip'], node: '/usr/bin/node' };
const empty = { 'nft -j': '{"nftables": []}', 'nft -a': '', 'iptables-save': '', 'ip6tables-save': '' };
const ufwRules = {
  'iptables-save': transcript('ufw-iptables-save'),
  'ip6tables-save': transcript('ufw-ip6tables-save'),
};
const ufw = { ...empty, ...ufwRules, 'ufw status verbose': transcript('ufw-status-verbose') };
const firewalld = {
  'nft -j': transcript('firewalld-nft-json'),
  'nft -a': transcript('firewalld-nft-a'),
  'iptables-save': '',
  'ip6tables-save': '',
  'firewall-cmd --state': 'running\n',
  'firewall-cmd --list-all-zones': transcript('firewalld-list-all-zones'),
  'firewall-cmd --get-default-zone': 'public\n',
  'firewall-cmd --info-service=http': transcript('firewalld-info-service'),
  'firewall-cmd --info-service': 'any\n  ports: 22/tcp\n',
};

function asked(answers: Parameters<typeof played>[0], of = question, files: Readonly<Record<string, string>> = {}) {
  const { run } = played(answers);
  return linuxFirewalls(of, { platform: 'linux', run, read: async (path) => files[path], exists: async () => false });
}

const verdicts = (read: Awaited<ReturnType<typeof asked>>) =>
  read.judgements.map((port) => port.map(({ verdict }) => verdict).join());

test('ufw manages iptables: its rules are shown, and the command is its own', async () => {
  const read = await asked(ufw, { ...question, ports: [9090, 8081] });
  expect(read.manager).toBe('ufw');
  expect(verdicts(read)).toEqual(['open', 'closed']);
  expect(read.firewalls.find(({ name }) => name === 'ufw')).toMatchObject({
    state: 'active',
    says: 'what no rule names: deny (incoming)',
  });
  expect(read.firewalls.find(({ name }) => name === 'ufw')?.raw).toContain(
    '9090/tcp                   ALLOW IN    Anywhere                   # edgehop',
  );
  expect(read.openedByUs).toBe('yes');
  expect(read.commands).toEqual({
    kind: 'known',
    open: [['ufw', 'allow', '9090/tcp', 'comment', 'edgehop']],
    close: [['ufw', 'delete', 'allow', '9090/tcp']],
  });
});

test('what others have opened by ufw is not taken for ours', async () => {
  expect((await asked(ufw, { ...question, ports: [22, 8081] })).openedByUs).toBe('no');
  expect((await asked(ufw, { ...question, ports: [8050, 8081] })).openedByUs).toBe('no'); // a range of theirs, with our word
});

test('firewalld manages nftables, and is told at once and for good', async () => {
  const read = await asked(firewalld);
  expect(read.manager).toBe('firewalld');
  expect(verdicts(read)).toEqual(['open', 'partly']);
  expect(read.openedByUs).toBe('unknown');
  expect(read.commands).toMatchObject({
    open: [
      ['firewall-cmd', '--zone=public', '--add-port=8080/tcp'],
      ['firewall-cmd', '--permanent', '--zone=public', '--add-port=8080/tcp'],
    ],
  });
});

const must = ended('', 1, 'must be root');
const unprivileged = { 'nft ': must, 'iptables-save': must, 'ip6tables-save': must };

test('a user without rights hears what could not be read, and nothing is called open', async () => {
  const read = await asked(
    { ...unprivileged, 'ufw status verbose': ended('', 1, 'ERROR: You need to be root to run this script') },
    question,
    { '/etc/ufw/ufw.conf': '# comment\nENABLED=yes\n' },
  );
  expect(verdicts(read)).toEqual(['unknown', 'unknown']);
  expect(read.manager).toBe('ufw');
  expect(read.openedByUs).toBe('unknown');
  expect(read.unread).toContain('ufw status verbose ended with 1: ERROR: You need to be root to run this script');
  expect(read.firewalls[0]).toMatchObject({
    state: 'unknown',
    says: expect.stringContaining('is started with the machine'),
  });
});

test('of firewalld, a user without rights can learn that a port is closed, not that it is open', async () => {
  const read = await asked({ ...firewalld, ...unprivileged }, { ...question, ports: [8080, 7777] });
  expect(verdicts(read)).toEqual(['unknown', 'unknown']); // 7777: the zone `trusted` lets its sources in
  const zones = transcript('firewalld-list-all-zones').replace('trusted (active)', 'trusted');
  const closed = await asked(
    { ...firewalld, 'firewall-cmd --list-all-zones': zones, ...unprivileged },
    { ...question, ports: [7777, 80] },
  );
  expect(verdicts(closed)).toEqual(['closed', 'unknown']);
});

test('without a manager, nftables’ own chains are told, and a rule of ours is found again by its comment', async () => {
  const nft = { ...empty, 'nft -j': transcript('nft-json'), 'nft -a': transcript('nft-a') };
  const read = await asked(nft, { ...question, ports: [1234, 8081] });
  expect(read.manager).toBe('nftables');
  expect(verdicts(read)[0]).toBe('closed');
  expect(read.openedByUs).toBe('no');
  expect(read.commands).toMatchObject({
    open: [
      ['nft', 'insert', 'rule', 'inet', 'filter', 'input', 'tcp', 'dport', '1234', 'accept', 'comment', '"edgehop"'],
    ],
    close: [],
  });
});

test('iptables alone gets a rule for each family that is listened on', async () => {
  const read = await asked(
    { ...empty, 'iptables-save': transcript('iptables-save') },
    { ...question, families: ['ip', 'ip6'] },
  );
  expect(read.manager).toBe('iptables');
  expect(read.commands).toMatchObject({
    open: [
      [
        'iptables',
        '-I',
        'INPUT',
        '-p',
        'tcp',
        '--dport',
        '8080',
        '-m',
        'comment',
        '--comment',
        'edgehop',
        '-j',
        'ACCEPT',
      ],
      [
        'ip6tables',
        '-I',
        'INPUT',
        '-p',
        'tcp',
        '--dport',
        '8080',
        '-m',
        'comment',
        '--comment',
        'edgehop',
        '-j',
        'ACCEPT',
      ],
    ],
  });
});

test('without any firewall there is no command', async () => {
  const read = await asked(empty);
  expect(verdicts(read)).toEqual(['open', 'open']);
  expect(read).toMatchObject({ openedByUs: 'no', commands: { kind: 'none' } });
  expect(read.manager).toBeUndefined();
});
