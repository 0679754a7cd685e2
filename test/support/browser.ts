// The system's Chromium, told to dial nobody but those whom a test names.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Without a browser its tests are skipped, and the reason is printed. */
export const hasBrowser = existsSync(executablePath);
if (!hasBrowser) console.warn(`the browser tests are skipped: there is no ${executablePath}`);

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Chromium leaves proxies out for loopback otherwise. */
const bypassesNobody = '--proxy-bypass-list=<-loopback>';

/** A browser that knows of no proxy, or uses the one at this port for everything. */
export function launchBrowser(proxyPort?: number): Promise<Browser> {
  const proxied = proxyPort === undefined ? [] : [bypassesNobody, `--proxy-server=http://127.0.0.1:${proxyPort}`];
  return chromium.launch({ executablePath, args: [...args, ...proxied] });
}

/** A browser that does as a PAC file says, and for itself finds every name below .example on this machine. */
export function launchBrowserByPac(url: string): Promise<Browser> {
  const found = '--host-resolver-rules=MAP *.example 127.0.0.1';
  return chromium.launch({ executablePath, args: [...args, `--proxy-pac-url=${url}`, found] });
}
