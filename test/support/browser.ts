// The system's Chromium, told to dial nobody but those whom a test names.
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
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
export function launchBrowser(proxyPort?: number, more: readonly string[] = []): Promise<Browser> {
  const proxied = proxyPort === undefined ? [] : [bypassesNobody, `--proxy-server=http://127.0.0.1:${proxyPort}`];
  return chromium.launch({ executablePath, args: [...args, ...proxied, ...more] });
}

/** A browser that does as a PAC file says, and for itself finds every name below .example on this machine. */
export function launchBrowserByPac(url: string, more: readonly string[] = []): Promise<Browser> {
  const found = '--host-resolver-rules=MAP *.example 127.0.0.1';
  return chromium.launch({ executablePath, args: [...args, `--proxy-pac-url=${url}`, found, ...more] });
}

/** The program and its arguments, for who starts it otherwise: it waits for a debugger at this port. */
export function browserCommand(debuggingPort: number): readonly string[] {
  return [executablePath, '--headless', ...args, `--remote-debugging-port=${debuggingPort}`];
}

/** A browser that was started so, as soon as it can be reached. */
export async function attachBrowser(debuggingPort: number): Promise<Browser> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await chromium.connectOverCDP(`http://127.0.0.1:${debuggingPort}`);
    } catch (cause) {
      if (attempt === maxAttempts) throw cause;
      await sleep(attemptPauseMs);
    }
  }
}

const maxAttempts = 100;
const attemptPauseMs = 100;

/** Lets a browser trust this authority (PEM), by the hash of its key. */
export function trusting(authority: string): string {
  const key = new X509Certificate(authority).publicKey.export({ type: 'spki', format: 'der' });
  return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`;
}
