// The proxy listens beyond loopback only where it is said for whom.
import { expect, test } from 'vitest';
import { listenHosts } from '../../../agent/access/listen-hosts.ts';
import { config } from '../../../schemas/config.ts';

const clients = { allow: ['192.0.2.0/24'] };
const credentials = [{ name: 'anna', hash: 'scrypt:2:8:1:AAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAA' }];
const listen = (host: string, admit: object = {}) => listenHosts(config.parse({ listen: { host }, admit }));

test.each([
  ['127.0.0.1', ['127.0.0.1', '::1']],
  ['localhost', ['127.0.0.1', '::1']],
  ['::1', ['::1']],
  ['[::1]', ['::1']],
  ['127.9.9.9', ['127.9.9.9']],
])('G01: %s is loopback, and needs nothing', (host, hosts) => {
  expect(listen(host)).toEqual({ hosts, warning: undefined });
});

test.each(['0.0.0.0', '::', '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1'])(
  'G01: %s without knowing for whom is refused, with what to do',
  (host) => {
    for (const admit of [{}, { clients: { deny: ['192.0.2.0/24'] } }])
      expect(() => listen(host, admit)).toThrow(
        expect.objectContaining({
          type: 'proxy_configuration_error',
          advice: expect.stringMatching(/config credential.*admit\.clients\.allow/),
        }),
      );
  },
);

test.each([
  ['credentials', { credentials }, 'with credentials, which travel in clear'],
  ['addresses', { clients }, 'to the clients of admit.clients.allow'],
  [
    'both',
    { clients, credentials },
    'to the clients of admit.clients.allow, and only with credentials, which travel in clear',
  ],
])('with %s it listens, and warns in one line', (_, admit, who) => {
  expect(listen('0.0.0.0', admit)).toEqual({
    hosts: ['0.0.0.0'],
    warning: `the proxy is open to the network on 0.0.0.0: ${who}`,
  });
});

test.each(['example.com', '', '192.0.2', '1', 'eth0', '127.0.0.1:8080'])('%j is no address', (host) => {
  expect(() => listen(host, { credentials })).toThrow(/is none/);
});
