// One parent proxy read from text: schemes, ports, credentials, and what is refused without repeating a password.
import { expect, test } from 'vitest';
import { parseParent } from '../../../agent/upstream/parent.ts';

test.each<[text: string, name: string, credentials?: [string, string]]>([
  ['proxy.example', 'http://proxy.example:80'],
  ['proxy.example:3128', 'http://proxy.example:3128'],
  ['http://proxy.example:3128', 'http://proxy.example:3128'],
  ['http://proxy.example:3128/', 'http://proxy.example:3128'],
  ['http://proxy.example/ignored/path', 'http://proxy.example:80'],
  [' HTTP://Proxy.Example:3128 ', 'http://proxy.example:3128'],
  ['https://proxy.example', 'https://proxy.example:443'],
  ['https://proxy.example:80', 'https://proxy.example:80'],
  ['socks5://127.0.0.1', 'socks5://127.0.0.1:1080'],
  ['socks5h://[2001:DB8::1]:9050', 'socks5h://[2001:db8::1]:9050'],
  ['http://me:secret@proxy.example:3128', 'http://proxy.example:3128', ['me', 'secret']],
  ['me:secret@proxy.example:3128', 'http://proxy.example:3128', ['me', 'secret']],
  ['http://me@proxy.example', 'http://proxy.example:80', ['me', '']],
  ['http://corp%5Cme:p%40s%3As%25@proxy.example', 'http://proxy.example:80', ['corp\\me', 'p@s:s%']],
  ['http://me:with:colon@proxy.example', 'http://proxy.example:80', ['me', 'with:colon']],
  ['http://me:with@at@proxy.example', 'http://proxy.example:80', ['me', 'with@at']],
  ['http://me:with/slash@proxy.example', 'http://proxy.example:80', ['me', 'with/slash']],
  ['http://%C3%B6:%E2%82%AC@proxy.example', 'http://proxy.example:80', ['ö', '€']],
  ['http://@proxy.example', 'http://proxy.example:80'],
  ['http://:@proxy.example', 'http://proxy.example:80'],
])('%s is %s with %j', (text, name, credentials) => {
  const parent = parseParent(text, 'HTTPS_PROXY');
  expect([parent.name, parent.source]).toEqual([name, 'HTTPS_PROXY']);
  expect(parent.credentials).toEqual(credentials && { username: credentials[0], password: credentials[1] });
  expect(parent.resolvesNames).toBe(parent.scheme !== 'socks5');
  expect(`${parent.scheme}://${parent.host}:${parent.port}`).toBe(name);
});

test.each<readonly [text: string, because: RegExp]>([
  ['', /empty/],
  ['http://', /empty/],
  ['http://me:hunter2@', /empty/],
  ['socks4://proxy.example', /speaks http, https, socks5, socks5h/],
  ['ftp://proxy.example', /speaks http/],
  ['constructor://proxy.example', /speaks http/],
  ['http://proxy.example:0', /port/],
  ['http://proxy.example:65536', /port/],
  ['http://proxy.example:http', /port/],
  ['http:proxy.example', /port/],
  ['http://me:hunter2@proxy example', /white space/],
  ['http://me:hunter2@ex%61mple', /percent-encoded/],
  ['http://me:hunter2%@proxy.example', /percent-encoding/],
  ['http://me:hunter2%zz@proxy.example', /percent-encoding/],
  ['http://me:hunter2%ff@proxy.example', /percent-encoding/],
  ['http://me:hunter2%0d%0a@proxy.example', /control characters/],
  ['http://m%3ae:hunter2@proxy.example', /colon/],
  [`socks5://me:hunter2${'x'.repeat(255)}@proxy.example`, /255 octets/],
])('%s is refused', (text, because) => {
  expect(() => parseParent(text, 'parents.all')).toThrow(because);
  try {
    parseParent(text, 'parents.all');
  } catch (error) {
    expect(error).toMatchObject({ type: 'proxy_configuration_error' });
    expect(String(error)).toContain('parents.all');
    expect(JSON.stringify([String(error), error])).not.toContain('hunter2');
  }
});

test('a SOCKS user name may have a colon', () => {
  expect(parseParent('socks5://m%3ae:x@proxy.example', 'all_proxy').credentials?.username).toBe('m:e');
});
