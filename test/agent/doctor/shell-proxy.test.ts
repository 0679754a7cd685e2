// The proxy variables of a shell.
import { expect, test } from 'vitest';
import { shellProxyCheck } from '../../../agent/doctor/shell-proxy.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

const ours = 'http://127.0.0.1:8080';
const local = 'localhost,127.0.0.1,::1';
const all = {
  http_proxy: ours,
  HTTP_PROXY: ours,
  https_proxy: ours,
  HTTPS_PROXY: ours,
  no_proxy: local,
  NO_PROXY: local,
};
const well = 'pass proxy variables: they lead to edgehop, and the programs of this shell that read them use it';

async function found(env: Record<string, string>, { runs = true, listens = true } = {}): Promise<string> {
  const situation = situationWith({ env, agents: runs ? [agentWith()] : [] });
  const check = shellProxyCheck(situation, {
    listens: async () => listens,
    isOwnAddress: (address) => address === '192.0.2.9',
  });
  return told(await check.run(never));
}

test.each([
  ['all as it should be', all, `${well}\npass NO_PROXY: it excepts what is on this machine`],
  ['a slash more', { ...all, HTTP_PROXY: `${ours}/` }, `${well}\npass NO_PROXY: it excepts what is on this machine`],
  [
    'with a name',
    { ...all, http_proxy: 'http://localhost:8080', HTTP_PROXY: 'http://localhost:8080' },
    `${well}\npass NO_PROXY: it excepts what is on this machine`,
  ],
  [
    'by an address of this machine',
    { all_proxy: 'http://192.0.2.9:8080', no_proxy: local },
    `${well}\npass NO_PROXY: it excepts what is on this machine`,
  ],
  [
    'NO_PROXY without ::1',
    { ...all, no_proxy: 'localhost,127.0.0.0/8', NO_PROXY: 'localhost,127.0.0.0/8' },
    `${well}\nfail NO_PROXY: it does not except ::1: programs ask the proxy for what is on this machine, which it refuses`,
  ],
  [
    'no NO_PROXY',
    { http_proxy: ours, https_proxy: ours },
    `${well}\nfail NO_PROXY: it does not except localhost, 127.0.0.1, ::1: programs ask the proxy for what is on this machine, which it refuses`,
  ],
  [
    'NO_PROXY for all',
    { ...all, no_proxy: '*', NO_PROXY: '*' },
    `${well}\nfail NO_PROXY: it excepts every host, so that nothing uses edgehop`,
  ],
  ['none', {}, 'skip proxy variables: none is set in this shell: its programs do not use edgehop'],
  [
    'two that differ',
    { ...all, HTTPS_PROXY: 'http://other:1' },
    'fail proxy variables: https_proxy and HTTPS_PROXY differ, and programs choose differently among them',
  ],
  [
    'two lists that differ',
    { ...all, NO_PROXY: 'x' },
    'fail proxy variables: no_proxy and NO_PROXY differ, and programs choose differently among them',
  ],
  [
    'https forgotten',
    { http_proxy: ours },
    'fail proxy variables: https_proxy does not lead to edgehop, though the other one does',
  ],
  [
    'capitals alone',
    { HTTP_PROXY: ours, HTTPS_PROXY: ours },
    'fail proxy variables: HTTP_PROXY is set in capitals alone, which curl and others do not read',
  ],
  [
    'one that cannot be read',
    { http_proxy: 'ftp://me:hush@x' },
    'fail proxy variables: http_proxy does not name a parent proxy: a parent speaks http, https, socks5, socks5h',
  ],
  [
    'another proxy',
    { https_proxy: 'http://me:hush-hush@proxy.example:3128' },
    'skip proxy variables: they lead elsewhere (https_proxy=http://(secret)@proxy.example:3128), so that the programs of this shell do not use edgehop',
  ],
  [
    'another one here',
    { all_proxy: 'http://127.0.0.1:9' },
    'skip proxy variables: they lead elsewhere (all_proxy=http://127.0.0.1:9), so that the programs of this shell do not use edgehop',
  ],
])('%s', async (_, env, expected) => {
  expect(await found(env as Record<string, string>)).toBe(expected);
});

test('a port of this machine where nothing is, and an agent that does not run', async () => {
  expect(await found({ all_proxy: 'http://[::1]:9' }, { listens: false })).toBe(
    'fail proxy variables: all_proxy=http://[::1]:9 leads to this machine, and nothing listens there',
  );
  expect(await found(all, { runs: false })).toBe('fail proxy variables: they lead to port 8080, where no agent runs');
});
