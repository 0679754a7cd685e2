// The PAC file as a real engine understands it: what goes through the proxy, what goes directly, without a name looked up.
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';
import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { classifyAddress } from '../../http/address.ts';
import { localRanges, pacFile, pacType } from '../../http/pac.ts';
import { config } from '../../schemas/config.ts';

const throughProxy = 'PROXY 127.0.0.1:8080; DIRECT';

/** Every function that an engine offers to PAC files: a call of any of them fails the test. */
const helpers = [
  ...['alert', 'dateRange', 'dnsDomainIs', 'dnsDomainLevels', 'dnsResolve', 'isInNet', 'isPlainHostName'],
  ...['isResolvable', 'localHostOrDomainIs', 'myIpAddress', 'shExpMatch', 'timeRange', 'weekdayRange'],
];
const forbidden = Object.fromEntries(
  helpers.map((name) => [
    name,
    () => {
      throw new Error(`${name} was called`);
    },
  ]),
);

function textOf(said: z.input<typeof config> = {}, proxy = '127.0.0.1:8080'): string {
  const { pac, reverse, admit } = config.parse(said);
  return pacFile({ proxy, pac, reverse, destinations: admit.destinations });
}

/** What the file answers; the host is that of the URL, unless an engine would give another. */
async function answers(
  said: z.input<typeof config> = {},
  proxy?: string,
): Promise<(url: string, host?: string) => Promise<string>> {
  return createPacResolver(await QuickJS.create(), textOf(said, proxy), { sandbox: forbidden });
}

const usual = await answers();

describe('what goes through the proxy', () => {
  test.each([
    'http://example.com/',
    'https://example.com/',
    'ws://example.com/socket',
    'wss://example.com/socket',
    'HTTPS://EXAMPLE.COM/',
    'https://example.com:8443/',
    'http://user:80@example.com/',
    'https://example.com./',
    'https://93.184.216.34/',
    'https://[2606:4700::1111]/',
    'https://localhost.example/',
    'https://x.notlocal/',
    'https://local.example/',
    'https://10.example/',
    'https://10.0.0.1.example/',
    'https://172.32.0.1/',
    'https://172.15.255.255/',
    'https://11.0.0.1/',
    'https://192.169.0.1/',
    'https://100.128.0.1/',
    'https://169.253.255.255/',
    'https://[fe00::1]/',
    'https://[2001:db8::1]/',
    'https://[::ffff:8.8.8.8]/',
    'http://captive.apple.com.evil.example/',
    'http://evilcaptive.apple.com/',
    'http://evil.example/captive.apple.com',
    'http://evil.example/?http://www.gstatic.com/generate_204',
    'http://www.gstatic.com/other',
    'http://www.apple.com/',
    'http://edgehop.internal/',
    'http://EDGEHOP.INTERNAL./proxy.pac',
  ])('%s', async (url) => {
    expect(await usual(url)).toBe(throughProxy);
  });
});

describe('what goes directly', () => {
  test.each([
    'http://localhost/',
    'http://localhost:3000/',
    'http://LOCALHOST/',
    'http://localhost./',
    'http://app.localhost/',
    'http://printer/',
    'https://intranet/wiki',
    'http://printer.local/',
    'http://printer.LOCAL./',
    'http://a.b.local:631/',
    'http://nas.home.arpa/',
    'http://home.arpa/',
    'http://127.0.0.1:8081/proxy.pac',
    'http://127.255.255.254/',
    'http://0.0.0.0:9090/',
    'http://10.1.2.3/',
    'http://172.16.0.1/',
    'https://172.31.255.255/',
    'http://192.168.1.1/',
    'http://169.254.169.254/',
    'http://100.64.0.1/',
    'http://[::1]:8080/',
    'http://[::]/',
    'http://[fe80::1]/',
    'http://[febf::1]/',
    'http://[fc00::1]/',
    'http://[fdff:ffff::1]/',
    'http://[::ffff:192.168.1.1]/',
    'http://[::ffff:7f00:1]/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://captive.apple.com/hotspot-detect.html',
    'http://connectivitycheck.gstatic.com/generate_204',
    'http://www.msftconnecttest.com/connecttest.txt',
    'http://ipv6.msftconnecttest.com/connecttest.txt',
    'http://detectportal.firefox.com/success.txt?ipv4',
    'http://connectivity-check.ubuntu.com./',
    'http://nmcheck.gnome.org/check_network_status.txt',
    'http://networkcheck.kde.org/',
    'http://www.gstatic.com/generate_204',
    'http://edge-http.microsoft.com/captiveportal/generate_204',
    'http://www.apple.com/library/test/success.html',
  ])('%s', async (url) => {
    expect(await usual(url, new URL(url).hostname || 'none')).toBe('DIRECT');
  });

  test.each([
    ['::1', 'DIRECT'],
    ['[::1]', 'DIRECT'],
    ['fe80::1%eth0', 'DIRECT'],
    ['[fe80::1%25eth0]', 'DIRECT'],
    ['FE80::1', 'DIRECT'],
    ['fd00:0:0:0:0:0:0:1', 'DIRECT'],
    ['::ffff:10.0.0.1', 'DIRECT'],
    ['2606:4700::1111', throughProxy],
    ['2606:4700:0:0:0:0:0:1111', throughProxy],
    // These are addresses to nobody: with a dot the proxy says what is wrong with them.
    ['::ffff:10.0.0.256', throughProxy],
    ['010.0.0.1', throughProxy],
    ['10.0.0', throughProxy],
    ['256.0.0.1', throughProxy],
    ['fe80::1::2', 'DIRECT'],
    ['2606:4700:1', 'DIRECT'],
    ['1:2:3:4:5:6:7:8:9', 'DIRECT'],
    ['', 'DIRECT'],
  ])('engines write hosts in several ways: %j is %s', async (host, answer) => {
    // The resolver takes an empty host for none; a space stands for what some engine may give.
    expect(await usual('http://x.example/', host === '' ? ' ' : host)).toBe(answer);
  });
});

describe('what the configuration says', () => {
  test.each([
    ['http://127.0.0.1:9000/', throughProxy],
    ['http://127.0.0.1:9001/', 'DIRECT'],
    ['http://10.1.2.3/', throughProxy],
    ['https://10.1.2.3:8443/', throughProxy],
    ['http://11.1.2.3/', throughProxy],
    ['http://192.168.0.1/', 'DIRECT'],
    ['http://[fd00::7]/', throughProxy],
    ['http://[fd01::7]/', 'DIRECT'],
    ['http://[::1]:9000/', throughProxy],
    ['http://[::1]/', 'DIRECT'],
    ['http://localhost:3000/', throughProxy],
    ['http://localhost/', 'DIRECT'],
    ['ws://a.home.arpa/', throughProxy],
    ['http://home.arpa/', 'DIRECT'],
    ['https://wiki.local/', throughProxy],
    ['http://wiki.local/', 'DIRECT'],
  ])('destinations that are allowed go through the proxy: %s is %s', async (url, answer) => {
    const allow = ['127.0.0.1:9000', '10.0.0.0/8', 'fd00::/16', '[::1]:9000', 'LOCALHOST:3000', '*.home.arpa'];
    const resolve = await answers({ admit: { destinations: { allow: [...allow, 'wiki.local:443'] } } });
    expect(await resolve(url)).toBe(answer);
  });

  test.each([
    ['http://app.localhost/', throughProxy],
    ['ws://app.localhost/', throughProxy],
    ['http://app.localhost:3000/', 'DIRECT'],
    ['https://app.localhost/', 'DIRECT'],
    ['http://x.dev.local/', throughProxy],
    ['http://dev.local/', 'DIRECT'],
    ['http://[::1]/', throughProxy],
    ['http://other.local/', 'DIRECT'],
  ])('hosts of reverse routes go through the proxy: %s is %s', async (url, answer) => {
    const reverse = ['App.Localhost', '*.dev.local', '[::1]', '*'].map((host) => ({ host, pool: 'p' }));
    const resolve = await answers({ pools: { p: { targets: [{ url: 'http://10.0.0.1' }] } }, reverse });
    expect(await resolve(url)).toBe(answer);
  });

  test.each([
    ['http://wiki.corp.example/', 'DIRECT'],
    ['https://a.b.corp.example/', 'DIRECT'],
    ['https://corp.example/', throughProxy],
    ['https://evilcorp.example/', throughProxy],
    ['https://192.0.2.7/', 'DIRECT'],
    ['http://edgehop.internal/', throughProxy],
    // What is said of browsers comes before what is said of the proxy.
    ['http://printer.lan/', 'DIRECT'],
    ['http://nas.lan/', throughProxy],
  ])('`pac.direct` goes directly: %s is %s', async (url, answer) => {
    const resolve = await answers({
      pac: { direct: ['*.corp.example', '192.0.2.0/24', '*.internal', 'printer.lan', 'not a destination'] },
      admit: { destinations: { allow: ['*.lan'] } },
    });
    expect(await resolve(url)).toBe(answer);
  });

  test.each([
    'http://grafana.internal/',
    'http://wiki.corp/',
    'http://nas.lan/',
    'http://a.test/',
    'http://x.svc/',
    'http://x.intranet/',
  ])('`privateDestinations` says whether %s goes to the proxy, which refuses it', async (url) => {
    expect(await usual(url)).toBe(throughProxy);
    const direct = await answers({ pac: { privateDestinations: 'direct' } });
    expect(await direct(url)).toBe('DIRECT');
  });

  test('with `direct`, edgehop itself still goes through the proxy, and so does what it allows', async () => {
    const resolve = await answers({
      pac: { privateDestinations: 'direct' },
      admit: { destinations: { allow: ['wiki.corp'] } },
    });
    expect(await resolve('http://edgehop.internal/')).toBe(throughProxy);
    expect(await resolve('http://wiki.corp/')).toBe(throughProxy);
    expect(await resolve('http://x.edgehop.internal/')).toBe('DIRECT');
  });

  test('an agent on another address is named by it', async () => {
    const resolve = await answers({}, '[2001:db8::1]:3128');
    expect(await resolve('http://example.com/')).toBe('PROXY [2001:db8::1]:3128; DIRECT');
  });
});

describe('the text', () => {
  const texts = [textOf(), textOf({ pac: { privateDestinations: 'direct', direct: ['*.corp.example:80'] } })];

  test('is of the oldest JavaScript, and ASCII', () => {
    for (const text of texts) {
      const code = text.replace(/^\s*\/\/.*$/gm, '').replace(/"[^"\n]*"/g, '""');
      expect(code).not.toMatch(/=>|`|\.\.\.|\?\.|\*\*|\b(?:let|const|class|async|await|of|JSON|get|set)\b/);
      expect(code, 'JScript takes a comma at the end for one more member').not.toMatch(/,\s*[\]})]/);
      expect(code, 'JScript cannot index texts').not.toMatch(/\b(?:name|host|url|text|place)\[/);
      expect(code).not.toMatch(/\.(?:indexOf\(.*,|trim|map|filter|forEach|some|every|startsWith|endsWith|includes)\b/);
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    }
  });

  test('calls no function of the engine, whose names do not even stand in it', () => {
    for (const text of texts) for (const name of helpers) expect(text).not.toContain(name);
  });

  test('has nothing of the configuration but hosts and ports', () => {
    const text = textOf({
      edge: { use: 'home', edges: [{ name: 'home', url: 'https://edge.example', token: 'a-token-that-is-secret' }] },
      parents: { http: 'http://me:secret@parent.example:3128' },
      admit: { destinations: { allow: ['a.example'] } },
    });
    expect(text).toContain('a.example');
    expect(text).not.toMatch(/secret|edge\.example|parent\.example/);
  });

  test('holds no octet of a host that could end its string', () => {
    const text = textOf({
      pac: { direct: ['x";alert(1);"', 'y.example\n'] },
      reverse: [{ host: 'ok.example', pool: 'p' }],
    });
    expect(text).not.toContain('alert');
    expect(text).toContain('ok.example');
  });
});

test('what goes directly as an address is special to the proxy, and each private block of the proxy goes directly', async () => {
  for (const range of localRanges) {
    expect(classifyAddress(range.replace(/\/.*$/, '')).kind, range).toBe('special');
  }
  const sample = [
    ...['0.1.2.3', '10.0.0.1', '100.100.0.1', '127.0.0.53', '169.254.0.1', '172.20.0.1', '192.168.0.1'],
    ...['::', '::1', 'fc00::1', 'fe80::1', 'fec0::1'],
  ];
  for (const address of sample) {
    const { block } = classifyAddress(address) as { block: string };
    expect(block).toMatch(/this network|private|shared|loopback|link-local|unspecified|unique local|site-local/);
    expect(await usual('http://x.example/', address), address).toBe('DIRECT');
  }
});

test('the type is the one that engines know', () => {
  expect(pacType).toBe('application/x-ns-proxy-autoconfig');
});
