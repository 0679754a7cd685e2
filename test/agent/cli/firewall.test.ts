// What --apply does: it opens what other machines shall reach, and nothing else.
import { expect, test } from 'vitest';
import { planOf, questionOf } from '../../../agent/cli/firewall.ts';
import { reportInWords } from '../../../agent/cli/firewall-words.ts';
import type { FirewallReport } from '../../../schemas/firewall.ts';

const listening: FirewallReport['listening'] = {
  from: 'configuration',
  host: '0.0.0.0',
  port: 8080,
  controlPort: 8081,
  scope: 'network',
};
const judgement = { family: 'ipv4', verdict: 'closed', because: [], deciding: ['policy drop'] } as const;
const report: FirewallReport = {
  listening,
  firewalls: [{ name: 'ufw', state: 'active', says: 'deny', raw: [] }],
  manager: 'ufw',
  ports: [
    { name: 'proxy', port: 8080, needed: true, judgements: [judgement] },
    { name: 'control', port: 8081, needed: false, judgements: [judgement] },
  ],
  unread: [],
  openedByUs: 'no',
  open: [['ufw', 'allow', '8080/tcp', 'comment', 'edgehop']],
  close: [['ufw', 'delete', 'allow', '8080/tcp']],
};
const loopback = { ...listening, host: '127.0.0.1', scope: 'loopback' } as const;
const withVerdict = (verdict: 'open' | 'unknown' | 'partly'): FirewallReport => ({
  ...report,
  ports: report.ports.map((port) => ({ ...port, judgements: [{ ...judgement, verdict }] })),
});

test.each([
  ['closed', report, 'open', report.open],
  ['unknown', withVerdict('unknown'), 'open', report.open],
  ['open in part', withVerdict('partly'), 'open', report.open],
  ['open already', withVerdict('open'), 'none', []],
  ['on loopback, and never opened', { ...report, listening: loopback }, 'none', []],
  [
    'on loopback, and opened by others or not, who knows',
    { ...report, listening: loopback, openedByUs: 'unknown' },
    'none',
    [],
  ],
  ['on loopback, and opened by us', { ...report, listening: loopback, openedByUs: 'yes' }, 'close', report.close],
  ['without a command', { ...report, open: [], noCommands: 'pf has none' }, 'none', []],
] as const)('a port that is %s', (_title, given, act, lines) => {
  expect(planOf(given as FirewallReport)).toMatchObject({ act, lines });
});

test('the control port is in no command, whatever the proxy listens on', () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', '127.0.0.1']) {
    const scope = host === '127.0.0.1' ? 'loopback' : 'network';
    expect(questionOf({ ...listening, host, scope }).ports[0]).toBe(8080); // commands are for the first
  }
});

test.each([
  ['0.0.0.0', ['ip'], undefined],
  ['::', ['ip', 'ip6'], undefined],
  ['[2001:db8::1]', ['ip6'], '2001:db8::1'],
  ['192.0.2.1', ['ip'], '192.0.2.1'],
])('listening on %s is asked about as %j', (host, families, address) => {
  expect(questionOf({ ...listening, host })).toMatchObject({ families, ...(address !== undefined && { address }) });
});

test('nothing that a firewall prints steers the terminal', () => {
  const evil = 'x\x1b[2J\r\n\x9b2J';
  const foul: FirewallReport = {
    ...withVerdict('unknown'),
    unread: [evil],
    firewalls: [{ name: 'ufw', state: 'unknown', says: evil, raw: [evil] }],
    ports: [
      { ...report.ports[0], judgements: [{ ...judgement, because: [evil], deciding: [evil] }] },
    ] as FirewallReport['ports'],
    open: [['x', evil]],
    noCommands: evil,
  };
  expect(reportInWords(foul, { isApplying: false }).replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
});

test('a reader learns what is needed, and is told the commands', () => {
  const words = reportInWords({ ...report, listening: loopback }, { isApplying: false });
  expect(words).toContain('for this machine only: no firewall needs to be opened');
  expect(reportInWords(report, { isApplying: false })).toContain('sudo ufw allow 8080/tcp comment edgehop');
});
