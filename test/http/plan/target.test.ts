// Placeholders of targets, and what of a request can never become a URL or another host. Also B11.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileTarget } from '../../../http/plan/target.ts';
import { parseRequestTarget } from '../../../http/request-target.ts';
import { exchangeOf } from '../../support/rules.ts';

function filled(to: string, url = 'http://www.example.com:8080/a/b?x=1&y=2', captures: readonly string[] = []): string {
  const compiled = compileTarget(to);
  if (compiled.kind === 'wrong') return `wrong: ${compiled.because}`;
  const result = compiled.target.fill(exchangeOf(url), captures);
  return result.kind === 'url' ? result.url : `no URL: ${result.because}`;
}

describe('what is filled in', () => {
  test.each([
    ['https://b.example/', 'https://b.example/'],
    ['https://{host}{path}{query}', 'https://www.example.com/a/b?x=1&y=2'],
    ['{scheme}://{host}:{port}/', 'http://www.example.com:8080/'],
    ['{url}', 'http://www.example.com:8080/a/b?x=1&y=2'],
    ['{url}&z=3', 'http://www.example.com:8080/a/b?x=1&y=2&z=3'],
    ['http://b.example/x{path}', 'http://b.example/x/a/b'],
    ['http://b.example{query}', 'http://b.example/?x=1&y=2'],
    [
      'http://b.example/?next={url}',
      'http://b.example/?next=http%3A%2F%2Fwww.example.com%3A8080%2Fa%2Fb%3Fx%3D1%26y%3D2',
    ],
    ['HTTP://B.Example:80', 'http://b.example/'],
    ['http://bücher.example/ä b', 'http://xn--bcher-kva.example/%C3%A4%20b'],
    ['http://b.example/a/../c', 'http://b.example/c'],
    ['http://b.example/a\\b', 'http://b.example/a/b'],
    ['http://b.example./', 'http://b.example./'],
  ])('%s is %s', (to, expected) => {
    expect(filled(to)).toBe(expected);
  });

  test.each([
    ['https://{1}.b.example{path}', ['www'], 'https://www.b.example/a/b'],
    ['https://b.example/{2}/{1}', ['x', 'y/z'], 'https://b.example/y/z/x'],
    ['https://b.example:{1}/', ['8080'], 'https://b.example:8080/'],
    ['https://staging.{1}/', ['b.example'], 'https://staging.b.example/'],
    ['https://srv{1}/', ['2'], 'https://srv2/'],
    ['https://b.example{path}/{1}', ['x/y'], 'https://b.example/a/b/x/y'],
    ['https://{1}', ['b.example/x?y'], 'https://b.example/x?y'],
    ['{1}', ['http://b.example/x'], 'http://b.example/x'],
    ['https://b.example/?q={1}', ['x'], 'https://b.example/?q=x'],
  ])('%s with %j is %s', (to, captures, expected) => {
    expect(filled(to, undefined, captures)).toBe(expected);
  });

  test('{path} of * is /, {query} without one is empty', () => {
    expect(filled('http://b.example{path}{query}', 'http://a.example/')).toBe('http://b.example/');
  });
});

describe('what makes no URL', () => {
  test.each([
    ['https://{1}.b.example/', ['evil.example/']],
    ['https://{1}.b.example/', ['evil.example?']],
    ['https://{1}.b.example/', ['evil.example#']],
    ['https://{1}.b.example/', ['evil.example\\']],
    ['https://b.example{1}.c.example/', ['@evil.example']],
    ['https://{1}.b.example/', ['a:80']],
    ['https://{1}.b.example/', ['']],
    ['https://{1}.b.example/', ['a..b']],
    ['{1}', ['javascript:alert(1)']],
    ['{1}', ['//evil.example/']],
    ['{1}', ['']],
    ['http://{1}:{2}/', ['b.example', '99999']],
  ])('%s with %j', (to, captures) => {
    expect(filled(to, undefined, captures)).toMatch(/^no URL: /);
  });

  test('says nothing of what the client sent', () => {
    expect(filled('https://{1}.b.example/', undefined, ['evil.example/'])).not.toContain('evil');
  });
});

test('userinfo and fragment that a capture brings along are left out', () => {
  expect(filled('{1}', undefined, ['http://user:secret@b.example/x#y'])).toBe('http://b.example/x');
  expect(filled('{1}', undefined, ['http://b.example/x#'])).toBe('http://b.example/x');
});

describe('what is wrong whatever the request is', () => {
  test.each([
    ['/elsewhere', 'begins with'],
    ['//b.example/', 'begins with'],
    ['ftp://b.example/', 'begins with'],
    ['{path}', 'begins with'],
    ['http://{name}/', '{name} is none of'],
    ['http://b.example/{0}', '{0} is none of'],
    ['http://b.example/#top', 'fragment'],
    ['http://user:secret@b.example/', 'userinfo'],
    ['http://b.example{1}', '{1} would go on with the name of the host'],
    ['{scheme}://b.example{2}/x', '{2} would go on with the name of the host'],
    ['http://www.b.example{1}{path}', 'write a slash ahead'],
  ])('%s', (to, words) => {
    expect(filled(to)).toContain('wrong: ');
    expect(filled(to)).toContain(words);
  });
});

describe('whatever a client sends', () => {
  const captures = fc.array(fc.string({ unit: fc.constantFrom(...'ab.:/?#@\\%[]*&= \u00e4\n'), maxLength: 12 }), {
    minLength: 2,
    maxLength: 2,
  });
  const fillings = (to: string, given: readonly string[]) => {
    const compiled = compileTarget(to);
    return compiled.kind === 'target' ? compiled.target.fill(exchangeOf('http://a.example/x?y'), given) : undefined;
  };

  test.each([
    '{1}',
    'http://{1}/',
    'http://{1}.b.example{2}/',
    'https://b.example/{1}?q={2}',
    'http://{1}:{2}/',
    '{1}://{2}',
  ])('what %s makes of it is canonical, or no URL', (to) => {
    fc.assert(
      fc.property(captures, (given) => {
        const filling = fillings(to, given);
        if (filling?.kind !== 'url') return;
        expect(parseRequestTarget('GET', filling.url)).toMatchObject({ kind: 'absolute', url: filling.url });
        expect(filling.url).not.toMatch(/#|^https?:\/\/[^/]*@/);
      }),
      { numRuns: 500 },
    );
  });

  test('the host is the one that the target ends with', () => {
    fc.assert(
      fc.property(captures, (given) => {
        const filling = fillings('http://{1}.b.example/{2}', given);
        if (filling?.kind === 'url') expect(new URL(filling.url).hostname).toMatch(/\.b\.example$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
