// The report for people.
import { expect, test } from 'vitest';
import { whoamiInWords } from '../../../agent/cli/whoami-words.ts';
import type { WhoamiReport, WhoamiView } from '../../../schemas/whoami.ts';

const view = (parts: Partial<WhoamiView>): WhoamiView => ({
  route: 'direct',
  client: 'curl',
  sent: [],
  seen: { kind: 'nothing', because: 'it was late' },
  ...parts,
});
const report = (views: readonly WhoamiView[], parts: Partial<WhoamiReport> = {}): WhoamiReport => ({
  origin: { kind: 'own', url: 'http://127.0.0.1:4000/whoami' },
  privacy: { via: 'pseudonym', forwarded: 'off' },
  views,
  ...parts,
});

test('what differs has a mark, and what does not has none', () => {
  const received = view({
    rules: ['no cookies'],
    seen: {
      kind: 'received',
      address: '127.0.0.1',
      httpVersion: '1.1',
      requestTarget: '/whoami',
      fields: [
        ['Host', '127.0.0.1:4000'],
        ['User-Agent', 'curl/8'],
        ['Via', '1.1 edgehop-1'],
      ],
      difference: {
        added: [['Via', '1.1 edgehop-1']],
        changed: [{ name: 'user-agent', from: ['curl/8.17.0'], to: ['curl/8'] }],
        leftOut: [['Cookie', 'a=1']],
        sameOrder: true,
        sameSpelling: true,
      },
    },
  });
  expect(whoamiInWords(report([received]), false).split('\n\n')[1]).toBe(`curl, directly
  rules        no cookies
  address      127.0.0.1 (of this machine, where this origin runs)
  protocol     HTTP/1.1
  field lines  in the order of the client, spelt as it did
    Host: 127.0.0.1:4000
  ~ User-Agent: curl/8   (sent: curl/8.17.0)
  + Via: 1.1 edgehop-1
  - Cookie: a=1`);
});

test('a route that was not the one to be measured is told', () => {
  const text = whoamiInWords(
    report([view({ route: 'edge-fetch', edge: 'embedded', taken: { kind: 'direct', because: 'rule' } })]),
    false,
  );
  expect(text).toContain('curl, by the edge with fetch (edge embedded)\n  went         directly (a rule)\n');
  expect(text).toContain('nothing came: it was late');
});

test('G08: what a service answers cannot draw on the terminal', () => {
  const answered = view({ seen: { kind: 'answered', status: 200, text: 'line\nred \u001b[31m\u0007' } });
  const text = whoamiInWords(report([answered], { origin: { kind: 'named', url: 'http://echo.example/' } }), false);
  expect(text).toContain('  status       200\n    line\n    red ');
  expect(text).not.toMatch(/[\u001b\u0007]/);
});

test('what is documented stands apart from what was measured', () => {
  const deployed = {
    name: 'home',
    whoami: { address: '203.0.114.7', httpVersion: 'HTTP/2', country: 'DE', asn: 64_496, fields: [] },
    documented: [{ name: 'CF-Connecting-IP', value: '203.0.114.7', when: 'fetch' }],
  };
  const text = whoamiInWords(report([], { deployed }), false);
  expect(text).toContain('it is called from  203.0.114.7 (DE, AS64496): origins see this');
  expect(text).toContain('documented by Cloudflare, not measured');
  expect(text).toContain('    CF-Connecting-IP: 203.0.114.7  fetch');
});

test('an edge on this machine knows nothing of the public address', () => {
  const deployed = { name: 'dev', whoami: { address: '127.0.0.1', fields: [] }, documented: [] };
  const text = whoamiInWords(report([], { deployed }), false);
  expect(text).toContain('it is called from  127.0.0.1: it is near, and origins elsewhere see another one');
});

test('nothing is promised', () => {
  expect(whoamiInWords(report([view({})]), false)).not.toMatch(/anonym|private browsing|vpn|bypass|untrace/i);
});
