// What a person means by a URL, a host or an IP address.
import { expect, test } from 'vitest';
import { hostOfUrl, portOfUrl, urlOf } from '../../../agent/cli/url-of.ts';

test.each([
  ['example.com', 'http', 'http://example.com/', 'example.com', 80],
  [' example.com ', 'https', 'https://example.com/', 'example.com', 443],
  ['example.com:80', 'https', 'https://example.com:80/', 'example.com', 80],
  ['example.com:8080/path?q#fragment', 'http', 'http://example.com:8080/path?q', 'example.com', 8080],
  ['HTTPS://Example.com', 'http', 'https://example.com/', 'example.com', 443],
  ['10.1.2.3', 'http', 'http://10.1.2.3/', '10.1.2.3', 80],
  ['::1', 'http', 'http://[::1]/', '::1', 80],
  ['[::1]:9', 'http', 'http://[::1]:9/', '::1', 9],
] as const)('%j, otherwise %s, is %s', (text, otherwise, href, host, port) => {
  const url = urlOf(text, otherwise);
  expect([url.href, hostOfUrl(url), portOfUrl(url)]).toEqual([href, host, port]);
});

test.each(['', ' ', 'ftp://x/', 'http://', 'a b', 'http://x:99999/'])('%j is none', (text) => {
  expect(() => urlOf(text)).toThrow(/no http or https URL/);
});
