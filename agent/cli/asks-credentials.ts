// Whether a proxy asks this machine's programs for credentials.
import { request } from 'node:http';
import type { ProxyAddress } from './running-agent.ts';

/** Far more than an answer of loopback takes. */
const answerTimeoutMs = 5_000;

/** Asks without any. `Max-Forwards: 0` lets nothing go on from the proxy (RFC 9110 7.6.2). False where it does not answer. */
export function asksForCredentials({ host, port }: ProxyAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request({
      host,
      port,
      method: 'OPTIONS',
      path: 'http://localhost/',
      headers: { 'Max-Forwards': '0', Connection: 'close' },
      timeout: answerTimeoutMs,
      agent: false,
    });
    asking.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 407);
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(false));
    asking.end();
  });
}
