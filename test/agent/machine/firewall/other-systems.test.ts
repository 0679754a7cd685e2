// The firewalls of macOS and Windows, by transcripts in the forms of their programs: none of both runs here.
import { describe, expect, test } from 'vitest';
import { macosFirewalls, windowsFirewalls } from '../../../../agent/machine/firewall/other-systems.ts';
import type { FirewallQuestion } from '../../../../agent/machine/firewall/ports.ts';
import { ended, played } from '../../../support/transcripts.ts';

const question: FirewallQuestion = { ports: [8080, 8081], families: ['ip'], node: '/usr/local/bin/node' };

describe('macOS', () => {
  const on = 'Firewall is enabled. (State = 1) \n';
  const off = 'Firewall is disabled. (State = 0) \n';
  const pfOff = 'Status: Disabled for 0 days 00:10:00           Debug: Urgent\n';
  const pfOn = 'Status: Enabled for 0 days 00:10:00           Debug: Urgent\n';
  const permitted = 'Incoming connection to the application is permitted \n';
  const blocked = 'Incoming connection to the application is blocked \n';
  const answers = (
    state: string,
    program: string,
    info: string,
    rules = '',
    blockAll = 'Firewall has block all state set to disabled. \n',
  ) => ({
    'socketfilterfw --getglobalstate': state,
    'socketfilterfw --getblockall': blockAll,
    'socketfilterfw --getappblocked': program,
    'pfctl -s info': info,
    'pfctl -s rules': rules,
  });
  const verdict = async (given: Parameters<typeof played>[0]) => {
    const read = await macosFirewalls(question, {
      platform: 'darwin',
      ...played(given),
      read: async () => undefined,
      exists: async () => false,
    });
    return read.judgements[0]?.[0]?.verdict;
  };
  test.each([
    [off, '', pfOff, '', 'open', 'both are off'],
    [on, permitted, pfOff, '', 'open', 'Node is permitted'],
    [on, blocked, pfOff, '', 'closed', 'Node is blocked'],
    [on, 'The application is not part of the firewall \n', pfOff, '', 'unknown', 'Node is not listed'],
    ['', '', pfOff, '', 'unknown', 'the application firewall does not answer'],
    [
      off,
      '',
      pfOn,
      'block drop in all\npass in proto tcp from any to any port = 8080 flags S/SA keep state\n',
      'open',
      'the last rule that matches decides',
    ],
    [
      off,
      '',
      pfOn,
      'block drop in quick proto tcp from any to any port 8000:8100\npass in all flags S/SA keep state\n',
      'closed',
      'quick',
    ],
    [
      off,
      '',
      pfOn,
      'block drop in all\npass in proto tcp from 192.168.1.0/24 to any port = 8080 flags S/SA\n',
      'partly',
      'sources',
    ],
    [
      off,
      '',
      pfOn,
      'block drop in all\npass in on lo0 all flags S/SA keep state\npass out all\n',
      'closed',
      'loopback and what goes out',
    ],
    [
      off,
      '',
      pfOn,
      'block drop in all\npass in proto tcp from any to any port = http-alt\n',
      'unknown',
      'a port by name',
    ],
    [off, '', pfOn, 'anchor "com.apple/*" all\n', 'unknown', 'an anchor'],
  ])('%#: %j %j %j %j is %s: %s', async (state, program, info, rules, expected) => {
    expect(await verdict(answers(state, program, info, rules))).toBe(expected);
  });

  test('what pf tells root only makes it unknown', async () => {
    const denied = ended('', 1, 'pfctl: /dev/pf: Permission denied');
    const { run } = played({ ...answers(off, '', pfOff), pfctl: denied, 'pfctl -s info': denied });
    const read = await macosFirewalls(question, {
      platform: 'darwin',
      run,
      read: async () => undefined,
      exists: async () => false,
    });
    expect(read.judgements[0]?.[0]?.verdict).toBe('unknown');
    expect(read.unread).toEqual(['pfctl -s info ended with 1: pfctl: /dev/pf: Permission denied']);
  });
});

describe('Windows', () => {
  const node = 'C:\\Program Files\\nodejs\\node.exe';
  const profiles = ['Domain', 'Private', 'Public'].map((name) => ({ name, enabled: 1, inbound: 4, rules: 1 }));
  const rule = {
    name: 'any',
    action: 2,
    profile: 0,
    ports: ['8080'],
    program: 'Any',
    package: '',
    from: ['Any'],
    to: ['Any'],
  };
  const home = [{ name: 'WLAN', category: 1 }];
  const asked = (state: unknown) => {
    const { run } = played({ 'powershell.exe': typeof state === 'string' ? state : JSON.stringify(state) });
    return windowsFirewalls(
      { ...question, node },
      { platform: 'win32', run, read: async () => undefined, exists: async () => false },
    );
  };
  test.each([
    [[], home, 'closed', 'the default blocks'],
    [[rule], home, 'open', 'a rule for the port'],
    [[{ ...rule, ports: ['8000-8100'], profile: 2 }], home, 'open', 'a range, in this profile'],
    [[{ ...rule, profile: 4 }], home, 'closed', 'a rule of another profile'],
    [[{ ...rule, program: node.toUpperCase(), ports: ['Any'] }], home, 'open', 'a rule for Node, in other letters'],
    [[{ ...rule, program: 'C:\\other.exe' }], home, 'closed', 'a rule for another program'],
    [
      [rule, { ...rule, name: 'Node.js', action: 4, program: node, ports: ['Any'] }],
      home,
      'closed',
      'blocking comes first',
    ],
    [[{ ...rule, from: ['LocalSubnet'] }], home, 'partly', 'sources'],
    [[{ ...rule, profile: 2 }], [...home, { name: 'LAN', category: 0 }], 'partly', 'networks of two kinds'],
    [[{ ...rule, package: 'S-1-15-2' }], home, 'closed', 'a rule for an app'],
  ])('%#: %j in %j is %s: %s', async (rules, networks, expected) => {
    expect((await asked({ profiles, networks, rules })).judgements[0]?.[0]?.verdict).toBe(expected);
  });

  test('an answer that is none leaves it unknown', async () => {
    const read = await asked('Get-NetFirewallRule : Zugriff verweigert');
    expect(read.judgements[0]?.[0]?.verdict).toBe('unknown');
    expect(read.openedByUs).toBe('unknown');
  });

  test('our own rule is known by its name', async () => {
    expect((await asked({ profiles, networks: home, rules: [{ ...rule, name: 'edgehop' }] })).openedByUs).toBe('yes');
  });
});
