// NO_PROXY row by row: what curl 7.88 does with each, tried with it, and where entries that are dead to curl have a meaning.
import { describe, expect, test } from 'vitest';
import { isExcluded, parseNoProxy } from '../../../agent/upstream/no-proxy.ts';

function excluded(list: string, host: string, port = 80): boolean {
  return isExcluded(parseNoProxy(list), host, port);
}

describe('as curl', () => {
  test.each<readonly [list: string, host: string, isExcluded: boolean]>([
    ['', 'example.com', false],
    [' , ,', 'example.com', false],
    ['*', 'example.com', true],
    ['*', '[::1]', true],
    ['example.com', 'example.com', true],
    ['example.com', 'www.example.com', true],
    ['example.com', 'a.b.example.com', true],
    ['.example.com', 'example.com', true],
    ['.example.com', 'www.example.com', true],
    ['example.com', 'notexample.com', false],
    ['.example.com', 'notexample.com', false],
    ['www.example.com', 'example.com', false],
    ['example.com', 'example.com.evil.example', false],
    ['example.com.', 'example.com', true],
    ['example.com', 'example.com.', true],
    ['EXAMPLE.com', 'www.Example.COM', true],
    ['com', 'example.com', true],
    ['.', 'example.com', false],
    ['foo, bar example.com', 'example.com', true],
    ['foo,,,  ,example.com', 'example.com', true],
    ['foo\texample.com\n', 'example.com', true],
    ['localhost', 'foo.localhost', true],
    ['192.168.3.4', '192.168.3.4', true],
    ['192.168.3.4', '192.168.3.40', false],
    ['192.168.0.0/16', '192.168.3.4', true],
    ['192.168.0.0/24', '192.168.3.4', false],
    ['192.168.3.4/16', '192.168.9.9', true],
    ['192.168.3.4/32', '192.168.3.4', true],
    ['192.168.3.4/33', '192.168.3.4', false],
    ['192.168.3.4/x', '192.168.3.4', false],
    ['168.3.4', '192.168.3.4', false],
    ['10.0.0.0/8', 'ten.example', false],
    ['::1', '[::1]', true],
    ['::1', '::1', true],
    ['[::1]', '[::1]', true],
    ['::1/128', '[::2]', false],
    ['fd00::/8', '[fd12::1]', true],
    ['fd12::1', '[fd12:0::1]', true],
    ['::1', 'example.com', false],
    ['fe80::', '::1', false],
  ])('%j and %s: without parent %s', (list, host, isDirect) => {
    expect(excluded(list, host)).toBe(isDirect);
  });
});

describe('where curl has no use for an entry', () => {
  test.each<readonly [list: string, host: string, port: number, isExcluded: boolean]>([
    ['example.com:8443', 'example.com', 8443, true],
    ['example.com:8443', 'www.example.com', 8443, true],
    ['example.com:8443', 'example.com', 443, false],
    ['.example.com:80', 'www.example.com', 80, true],
    ['192.0.2.1:8443', '192.0.2.1', 8443, true],
    ['192.0.2.1:8443', '192.0.2.1', 80, false],
    ['192.0.2.0/24:8443', '192.0.2.9', 8443, true],
    ['[::1]:8443', '[::1]', 8443, true],
    ['[::1]:8443', '[::1]', 80, false],
    ['[fd00::/8]:443', '[fd12::1]', 443, true],
    ['::1:8443', '[::1]', 8443, false], // another address
    ['example.com:0', 'example.com', 80, false],
    ['example.com:', 'example.com', 80, false],
    ['example.com:http', 'example.com', 80, false],
    ['*.example.com', 'www.example.com', 80, true],
    ['*.example.com', 'example.com', 80, true],
    ['foo,*', 'example.com', 80, true],
    ['0.0.0.0/0', '192.0.2.1', 80, true],
    ['0.0.0.0/0', '[::1]', 80, false],
    ['::/0', '[2001:db8::1]', 80, true],
    ['10.0.0.0/8', '[::ffff:10.0.0.1]', 80, true],
    ['e*ample.com', 'example.com', 80, false],
    ['[', 'example.com', 80, false],
  ])('%j and %s at port %i: without parent %s', (list, host, port, isDirect) => {
    expect(excluded(list, host, port)).toBe(isDirect);
  });
});
