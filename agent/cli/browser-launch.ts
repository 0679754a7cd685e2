// Browsers that `exec` starts: known by their names, and told of proxy and authority by their own means, in a profile of their own.
import { posix, win32 } from 'node:path';

export type Browser = 'chromium' | 'firefox';

/** Which kind of browser a command is; nothing for any other program. */
export function browserOf(command: string): Browser | undefined {
  const name = win32
    .basename(posix.basename(command))
    .toLowerCase()
    .replace(/\.exe$/, '');
  if (/^(?:firefox|firefox-esr|firefox-developer-edition|firefox-nightly|librewolf)$/.test(name)) return 'firefox';
  return chromiums.test(name) ? 'chromium' : undefined;
}

const chromiums =
  /^(?:chromium|chromium-browser|chrome|google[- ]chrome|google-chrome-(?:stable|beta|unstable)|brave|brave-browser|brave browser|msedge|microsoft[- ]edge|microsoft-edge-(?:stable|beta|dev)|vivaldi|vivaldi-stable|opera|thorium-browser)$/;

/** Where a browser lies that is not on PATH, by the short name that people know it by; the likeliest first. */
export function browserPlaces(
  command: string,
  platform: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const name = command.toLowerCase().replace(/\.exe$/, '');
  if (platform === 'darwin') {
    const application = macosApplications[name];
    return application === undefined ? [] : [`/Applications/${application}.app/Contents/MacOS/${application}`];
  }
  if (platform !== 'win32') return [];
  const place = windowsPlaces[name];
  const roots = [env['ProgramFiles'], env['ProgramFiles(x86)'], env['LOCALAPPDATA']];
  return place === undefined ? [] : roots.flatMap((root) => (root === undefined ? [] : [`${root}\\${place}`]));
}

const macosApplications: Readonly<Record<string, string>> = {
  chrome: 'Google Chrome',
  'google-chrome': 'Google Chrome',
  chromium: 'Chromium',
  brave: 'Brave Browser',
  'brave-browser': 'Brave Browser',
  msedge: 'Microsoft Edge',
  'microsoft-edge': 'Microsoft Edge',
  vivaldi: 'Vivaldi',
  opera: 'Opera',
  firefox: 'firefox',
};

const windowsPlaces: Readonly<Record<string, string>> = {
  chrome: 'Google\\Chrome\\Application\\chrome.exe',
  'google-chrome': 'Google\\Chrome\\Application\\chrome.exe',
  chromium: 'Chromium\\Application\\chrome.exe',
  brave: 'BraveSoftware\\Brave-Browser\\Application\\brave.exe',
  msedge: 'Microsoft\\Edge\\Application\\msedge.exe',
  'microsoft-edge': 'Microsoft\\Edge\\Application\\msedge.exe',
  firefox: 'Mozilla Firefox\\firefox.exe',
};

export interface BrowserSetup {
  /** Without credentials: browsers take none from there, and ask. */
  readonly proxy: { readonly host: string; readonly port: number };
  /** A folder that is empty, or that the person has named. */
  readonly profile: string;
  /** SHA-256 of the authority's public key, in base64. */
  readonly keyHash?: string;
}

/** Options that go before those of the person, who thereby has the last word. */
export function chromiumArguments({ proxy, profile, keyHash }: BrowserSetup): readonly string[] {
  return [
    `--user-data-dir=${profile}`,
    `--proxy-server=http://${authority(proxy)}`,
    '--proxy-bypass-list=<-loopback>', // it leaves proxies out for loopback otherwise
    '--no-first-run',
    '--no-default-browser-check',
    // Holds for chains in which the server sends a certificate with this key, and with a profile that is named.
    ...(keyHash === undefined ? [] : [`--ignore-certificate-errors-spki-list=${keyHash}`]),
  ];
}

/** The folder that the person has named for the profile, if any. */
export function namedProfile(args: readonly string[]): string | undefined {
  return args.flatMap((arg) => /^--user-data-dir=(.+)$/s.exec(arg)?.[1] ?? [])[0];
}

export function firefoxArguments(profile: string): readonly string[] {
  return ['--no-remote', '--profile', profile];
}

/** The `user.js` of a profile of Firefox. */
export function firefoxPreferences({ host, port }: BrowserSetup['proxy']): string {
  const preferences: Readonly<Record<string, string | number | boolean>> = {
    'network.proxy.type': 1, // by hand
    'network.proxy.http': host,
    'network.proxy.http_port': port,
    'network.proxy.ssl': host,
    'network.proxy.ssl_port': port,
    'network.proxy.no_proxies_on': '',
    'network.proxy.allow_hijacking_localhost': true,
    'security.enterprise_roots.enabled': true, // what macOS and Windows trust
    'browser.shell.checkDefaultBrowser': false,
    'browser.aboutwelcome.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
  };
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  return lines.join('');
}

function authority({ host, port }: BrowserSetup['proxy']): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
