// Where a proxy is, and what it is shown in place of credentials.
import { expect, test } from 'vitest';
import { addressOf, namedProxy, proxyAuthorization, urlOfProxy } from '../../../agent/cli/running-agent.ts';

const state = { pid: 1, host: '127.0.0.1', port: 8080, controlPort: 8081, controlToken: 'the-token_0' };
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('an agent of this machine is shown its own token', () => {
  const agent = addressOf(state);
  expect(urlOfProxy(agent)).toBe('http://:the-token_0@127.0.0.1:8080');
  expect(proxyAuthorization(agent.userinfo)).toEqual({ 'Proxy-Authorization': basic(':the-token_0') });
});

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['192.0.2.7', '192.0.2.7'],
])('one that listens on %s is reached at %s', (host, reached) => {
  expect(addressOf({ ...state, host }).host).toBe(reached);
});

test.each([
  ['proxy.example:3128', undefined],
  ['http://anna:secret@proxy.example:3128', 'anna:secret'],
  ['http://anna@proxy.example', 'anna:'],
  ['http://a%40b:p%3Aw%C3%B6rd@proxy.example', 'a@b:p:wörd'],
])('another one, %s, is shown what its URL says', (url, shown) => {
  const { userinfo, name } = namedProxy(url);
  expect(proxyAuthorization(userinfo)).toEqual(shown === undefined ? {} : { 'Proxy-Authorization': basic(shown) });
  expect(name).not.toContain('secret');
});

test('a URL without userinfo shows nothing', () => {
  expect(proxyAuthorization(':')).toEqual({});
  expect(urlOfProxy({ host: '::1', port: 1 })).toBe('http://[::1]:1');
});
