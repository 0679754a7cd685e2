// networksetup: what its transcripts mean, and which commands set and restore.
import { describe, expect, test } from 'vitest';
import { activeServices, macos, macosStanding } from '../../../../agent/machine/system-proxy/macos.ts';

const none = 'Enabled: No\nServer: \nPort: 0\nAuthenticated Proxy Enabled: 0\n';
const transcript = [
  'URL: (null)\nEnabled: No\n',
  'Auto Proxy Discovery: Off\n',
  none,
  none,
  "There aren't any bypass domains set on Wi-Fi.\n",
];
const standing = macosStanding('Wi-Fi', transcript);
const valuesOf = (printed: readonly string[]) =>
  Object.fromEntries(macosStanding('Wi-Fi', printed).map(({ name, value }) => [name, value]));

test('services that are disabled are left out, and names keep their spaces and slashes', () => {
  const printed =
    'An asterisk (*) denotes that a network service is disabled.\nUSB 10/100/1000 LAN\nWi-Fi\n*Thunderbolt Bridge\niPhone USB 2\n';
  expect(activeServices(printed)).toEqual(['USB 10/100/1000 LAN', 'Wi-Fi', 'iPhone USB 2']);
});

describe('what is read', () => {
  test('nothing set', () => {
    expect(valuesOf(transcript)).toEqual({
      autoproxyurl: null,
      autoproxystate: 'off',
      proxyautodiscovery: 'off',
      webproxy: null,
      webproxystate: 'off',
      securewebproxy: null,
      securewebproxystate: 'off',
      proxybypassdomains: null,
    });
  });

  test('all set, with case, order, spaces and the flag of a password', () => {
    expect(
      valuesOf([
        'URL: http://Proxy.example:80/A.pac?x=y: z\nEnabled: Yes\n',
        'Auto Proxy Discovery: On\n',
        'Enabled: Yes\nServer: Proxy.example\nPort: 3128\nAuthenticated Proxy Enabled: 1\n',
        'Enabled: No\nServer: fd00::1\nPort: 8443\nAuthenticated Proxy Enabled: 0\n',
        '*.local\n169.254/16\nB example\na.example\n',
      ]),
    ).toEqual({
      autoproxyurl: 'http://Proxy.example:80/A.pac?x=y: z',
      autoproxystate: 'on',
      proxyautodiscovery: 'on',
      webproxy: '["Proxy.example",3128,true]',
      webproxystate: 'on',
      securewebproxy: '["fd00::1",8443,false]',
      securewebproxystate: 'off',
      proxybypassdomains: '["*.local","169.254/16","B example","a.example"]',
    });
  });

  test('a transcript of another kind is refused, not guessed at', () => {
    expect(() => valuesOf(['You cannot set this.\n', ...transcript.slice(1)])).toThrow('does not say "URL"');
  });
});

/** Commands as one would type them, with the service left out. */
const commandsFor = (changes: Readonly<Record<string, string | null>>, stands = standing) =>
  macos()
    .commands(
      Object.entries(changes).map(([name, to]) => ({ place: 'Wi-Fi', name, to })),
      stands,
    )
    .map(({ program, args: [option, service, ...rest] }) => {
      expect([program, service]).toEqual(['/usr/sbin/networksetup', 'Wi-Fi']);
      return [option, ...rest];
    });

describe('what is set', () => {
  test.each([
    [
      'a PAC',
      { autoproxyurl: 'http://127.0.0.1:8081/proxy.pac', autoproxystate: 'on' },
      [
        ['-setautoproxyurl', 'http://127.0.0.1:8081/proxy.pac'],
        ['-setautoproxystate', 'on'],
      ],
    ],
    [
      'no PAC: the URL first, since setting it switches it on',
      { autoproxystate: 'off', autoproxyurl: null },
      [
        ['-setautoproxyurl', ''],
        ['-setautoproxystate', 'off'],
      ],
    ],
    [
      'a URL alone, whose switch is as it was',
      { autoproxyurl: 'http://x/' },
      [
        ['-setautoproxyurl', 'http://x/'],
        ['-setautoproxystate', 'off'],
      ],
    ],
    [
      'a server that is off',
      { webproxy: '["proxy.example",3128,false]', webproxystate: 'off' },
      [
        ['-setwebproxy', 'proxy.example', '3128', 'off'],
        ['-setwebproxystate', 'off'],
      ],
    ],
    ['a switch alone', { securewebproxystate: 'on' }, [['-setsecurewebproxystate', 'on']]],
    ['discovery', { proxyautodiscovery: 'on' }, [['-setproxyautodiscovery', 'on']]],
    ['exceptions', { proxybypassdomains: '["a b","*.c"]' }, [['-setproxybypassdomains', 'a b', '*.c']]],
    ['no exceptions', { proxybypassdomains: null }, [['-setproxybypassdomains', 'Empty']]],
  ])('%s', (_title, changes, commands) => {
    expect(commandsFor(changes)).toEqual(commands);
  });

  test('a proxy with a password is not replaced, for it could not be restored; a PAC leaves it alone', () => {
    const guarded = macosStanding('Wi-Fi', transcript.with(3, none.replace('Enabled: 0', 'Enabled: 1')));
    expect(macos().wanted({ kind: 'fixed', host: '127.0.0.1', port: 8080 }, guarded)).toMatchObject({
      kind: 'refused',
      because: expect.stringContaining('Wi-Fi has a password'),
    });
    const wish = macos().wanted({ kind: 'pac', url: 'http://u/' }, guarded);
    expect(wish.kind === 'settings' && wish.settings.map(({ name }) => name)).toEqual([
      'autoproxyurl',
      'autoproxystate',
      'proxyautodiscovery',
    ]);
  });

  test('without an active service there is nothing to set', () => {
    expect(macos().wanted({ kind: 'pac', url: 'http://u/' }, [])).toMatchObject({ kind: 'refused' });
  });
});

test.each([
  ['none', transcript, { kind: 'none' }],
  [
    'discovery comes first',
    transcript.with(1, 'Auto Proxy Discovery: On\n').with(0, 'URL: http://u/\nEnabled: Yes\n'),
    { kind: 'other' },
  ],
  [
    'then a PAC',
    transcript
      .with(0, 'URL: http://u/\nEnabled: Yes\n')
      .with(2, 'Enabled: Yes\nServer: h\nPort: 1\nAuthenticated Proxy Enabled: 0\n'),
    { kind: 'pac', to: 'http://u/' },
  ],
  ['a PAC that is off is none', transcript.with(0, 'URL: http://u/\nEnabled: No\n'), { kind: 'none' }],
  [
    'a server',
    transcript.with(3, 'Enabled: Yes\nServer: h\nPort: 1\nAuthenticated Proxy Enabled: 0\n'),
    { kind: 'fixed', to: 'h:1' },
  ],
])('in use: %s', (_title, printed, inUse) => {
  expect(macos().inUse(macosStanding('Wi-Fi', printed))).toEqual([
    { desktop: 'macos', place: 'Wi-Fi', ...inUse, ...(inUse.kind === 'other' && { to: expect.any(String) }) },
  ]);
});

test('a failure that networksetup tells with status 0 is one', async () => {
  const run = async () => ({
    status: 0,
    stdout: 'Wi-Fi is not a recognized network service.\n** Error: The parameters were not valid.\n',
    stderr: '',
  });
  await expect(macos().read(run)).rejects.toThrow('is not a recognized network service');
});
