// The page at edgehop.internal says in words what state edgehop is in, and how each system is set up for it.
import { describe, expect, test } from 'vitest';
import { type Welcome, welcomePage } from '../../../agent/own-pages/welcome-page.ts';
import type { OwnStatus } from '../../../schemas/api.ts';

const pacUrl = 'http://127.0.0.1:8081/proxy.pac';
const status: OwnStatus = {
  version: '1.2.3',
  ready: true,
  agent: 'listening',
  edge: { kind: 'embedded', state: 'ready' },
};
const page = (changed: Partial<Welcome> = {}) =>
  welcomePage({ status, reachedAt: '127.0.0.1:8080', pacUrl, fingerprint: undefined, ...changed });

test.each<[Partial<OwnStatus>, string]>([
  [{}, 'through edgehop 1.2.3, at <code>127.0.0.1:8080</code>. Its edge is embedded and ready.'],
  [{ edge: { kind: 'embedded', state: 'starting' } }, 'Its edge is embedded and starting.'],
  [{ edge: { kind: 'deployed', state: 'unavailable' } }, 'Its edge is deployed and not available.'],
  [{ edge: { kind: 'none', state: 'none' } }, 'It has no edge: every request goes directly.'],
  [{ agent: 'draining' }, 'It is stopping.'],
])('%j is said in words', (changed, words) => {
  expect(page({ status: { ...status, ...changed } })).toContain(words);
});

describe('how to set it up', () => {
  test('this machine uses the PAC file', () => {
    const html = page();
    for (const name of ['Chromium', 'Firefox', 'macOS', 'Windows', 'GNOME', 'curl']) expect(html).toContain(name);
    expect(html).toContain(`--proxy-pac-url=${pacUrl}`);
    expect(page({ reachedAt: '[::1]:8080' })).toContain(pacUrl);
  });

  test.each([
    ['192.168.1.5:3128', '192.168.1.5', '3128'],
    ['[2001:db8::1]:3128', '2001:db8::1', '3128'],
  ])('who reaches it at %s gets host and port, for the PAC file is out of its reach', (reachedAt, host, port) => {
    const html = page({ reachedAt });
    expect(html).toContain(`server <code>${host}</code>, port <code>${port}</code>`);
    for (const name of ['iOS', 'Android']) expect(html).toContain(name);
    expect(html).not.toContain('proxy.pac');
  });

  test('the certificate is spoken of where there is one', () => {
    const html = page({ fingerprint: 'AA:BB' });
    expect(html).toContain('<code>AA:BB</code>');
    expect(html).toMatch(/href="\/ca\.crt".*href="\/ca\.pem"/);
    for (const name of ['Chromium', 'Firefox', 'curl', 'macOS', 'Windows', 'iOS', 'Android']) {
      expect(html.slice(html.indexOf('<h2>Certificate')), name).toContain(name);
    }
    expect(page()).toContain('There is none to install');
    expect(page()).not.toContain('ca.crt');
  });
});

test('what it is given can end no element of it', () => {
  const bad = '"><script>alert(1)</script>';
  const html = page({ status: { ...status, version: bad }, reachedAt: `${bad}:1`, pacUrl: bad, fingerprint: bad });
  expect(html).not.toContain('<script');
});

test('it loads nothing, and leads nowhere else', () => {
  for (const html of [page(), page({ fingerprint: 'AA' })]) {
    expect(html).not.toMatch(/<(?:script|link|img|iframe|form|base|object|embed)\b|\bsrc=|\bstyle=|\bon[a-z]+=|url\(/i);
    for (const [, href] of html.matchAll(/href="([^"]*)"/g)) expect(['/ca.crt', '/ca.pem']).toContain(href);
  }
});
