// Which names a path leads to, below the part of it that stands for the folder.
import { expect, test } from 'vitest';
import { segmentsBelow } from '../../../../agent/proxy/apply/local-path.ts';

test.each<[string, string, ReturnType<typeof segmentsBelow>]>([
  ['/', '/a/b.js', ['a', 'b.js']],
  ['/', '/', ['']],
  ['/', '/a/', ['a', '']],
  ['/', '/%C3%A4%20b', ['ä b']],
  ['/', '/%252e%252e/x', ['%2e%2e', 'x']],
  ['/', '/a..b/c.', ['a..b', 'c.']],
  ['/', '/.well-known/x', ['.well-known', 'x']],
  ['/', '/.env', 'elsewhere'],
  ['/', '/.git/config', 'elsewhere'],
  ['/', '/a/%2Ehtpasswd', 'elsewhere'],
  ['/', '/..a/...', 'elsewhere'],
  ['/', '/a/Edgehop.jsonc', 'elsewhere'],
  ['/app', '/app/x', ['x']],
  ['/app/', '/app/x', ['x']],
  ['/app', '/app/', ['']],
  ['/a b', '/a%20b/x', ['x']],
  ['/app', '/app', 'elsewhere'],
  ['/app', '/application/x', 'elsewhere'],
  ['/app', '/x/app/y', 'elsewhere'],
  ['/', '//x', 'elsewhere'],
  ['/', '/a//b', 'elsewhere'],
  ['/', '/%', 'elsewhere'],
  ['/', '/%ff', 'elsewhere'],
  ['/', '/a%0ab', 'elsewhere'],
  ['/', '/../x', 'leading-out'],
  ['/', '/./x', 'leading-out'],
  ['/', '/%2e%2e/x', 'leading-out'],
  ['/', '/a%2fb', 'leading-out'],
  ['/', '/a%5Cb', 'leading-out'],
  ['/', '/a\\b', 'leading-out'],
  ['/', '/a%00', 'leading-out'],
  ['/app', '/app/%2e%2e', 'leading-out'],
])('below %s the path %s is %j', (under, path, names) => {
  expect(segmentsBelow(under, path)).toEqual(names);
});
