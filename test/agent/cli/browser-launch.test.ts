import { describe, expect, test } from 'vitest';
import {
  browserOf,
  browserPlaces,
  chromiumArguments,
  firefoxPreferences,
  namedProfile,
} from '../../../agent/cli/browser-launch.ts';

test.each([
  ['chromium', 'chromium'],
  ['/usr/bin/google-chrome-stable', 'chromium'],
  ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', 'chromium'],
  ['C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe', 'chromium'],
  ['brave', 'chromium'],
  ['firefox', 'firefox'],
  ['/usr/bin/firefox-esr', 'firefox'],
  ['chromedriver', undefined],
  ['curl', undefined],
  ['my-firefox-script', undefined],
])('%s is %s', (command, browser) => {
  expect(browserOf(command)).toBe(browser);
});

describe('a browser that is not on PATH', () => {
  test('lies in its application on macOS', () => {
    expect(browserPlaces('chrome', 'darwin', {})).toEqual([
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ]);
  });
  test('lies in one of three folders on Windows', () => {
    const env = { ProgramFiles: 'C:\\P', LOCALAPPDATA: 'C:\\L' };
    expect(browserPlaces('msedge.exe', 'win32', env)).toEqual([
      'C:\\P\\Microsoft\\Edge\\Application\\msedge.exe',
      'C:\\L\\Microsoft\\Edge\\Application\\msedge.exe',
    ]);
  });
  test('lies nowhere on Linux, and a path is itself', () => {
    expect(browserPlaces('chromium', 'linux', {})).toEqual([]);
    expect(browserPlaces('/opt/chrome', 'darwin', {})).toEqual([]);
  });
});

test('without an authority no key is named, and an IPv6 address stands in brackets', () => {
  const told = chromiumArguments({ proxy: { host: '::1', port: 8080 }, profile: '/p' });
  expect(told).toContain('--proxy-server=http://[::1]:8080');
  expect(told.join(' ')).not.toContain('spki');
});

test('a profile is named by its option', () => {
  expect(namedProfile(['--headless', '--user-data-dir=/a b', '--user-data-dir=/c'])).toBe('/a b');
  expect(namedProfile(['--headless'])).toBeUndefined();
});

test("Firefox's preferences name the proxy for http and https, loopback included", () => {
  const text = firefoxPreferences({ host: '127.0.0.1', port: 8080 });
  expect(text).toContain('user_pref("network.proxy.type", 1);\n');
  expect(text).toContain('user_pref("network.proxy.ssl_port", 8080);\n');
  expect(text).toContain('user_pref("network.proxy.allow_hijacking_localhost", true);\n');
});
