// What a purge concerns.
import { expect, test } from 'vitest';
import { authorityOf, purgeMatcher, withoutPort } from '../../../agent/cache/purge-match.ts';

test.each([
  ['http://a.com/', 'a.com', 'a.com'],
  ['http://a.com:8080/x:1', 'a.com:8080', 'a.com'],
  ['http://a.com?x=//b.com:1/', 'a.com', 'a.com'],
  ['https://[2001:db8::1]:8443/', '[2001:db8::1]:8443', '[2001:db8::1]'],
  ['https://[2001:db8::1]/', '[2001:db8::1]', '[2001:db8::1]'],
])('the host of %s', (url, authority, host) => {
  expect([authorityOf(url), withoutPort(authority)]).toEqual([authority, host]);
});

test.each([
  [{ kind: 'all' }, 'http://a.com/', true],
  [{ kind: 'url', url: 'http://a.com/?a' }, 'http://a.com/?a', true],
  [{ kind: 'url', url: 'http://a.com/?a' }, 'http://a.com/?a=', false], // E11
  [{ kind: 'prefix', prefix: 'http://a.com/x' }, 'http://a.com/x/y', true],
  [{ kind: 'prefix', prefix: 'http://a.com/x' }, 'https://a.com/x/y', false], // E01
  [{ kind: 'host', host: 'a.com' }, 'http://a.com.b.com/', false],
  [{ kind: 'host', host: 'a.com' }, 'http://b.com/a.com', false],
  [{ kind: 'host', host: '[2001:DB8::1]' }, 'http://[2001:db8::1]:81/', true],
] as const)('%j and %s: %s', (match, url, matches) => {
  expect(purgeMatcher(match)(url)).toBe(matches);
});
