// The four forms of a request-target, and the one URL that an absolute one becomes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRequestTarget } from '../../http/request-target.ts';

describe('absolute-form (RFC 9112 3.2.2)', () => {
  test.each([
    ['http://example.com/', 'http://example.com/', 'http', 'example.com', 80, '/'],
    ['http://example.com', 'http://example.com/', 'http', 'example.com', 80, '/'],
    ['https://example.com', 'https://example.com/', 'https', 'example.com', 443, '/'],
    ['HTTP://EXAMPLE.com/A', 'http://example.com/A', 'http', 'example.com', 80, '/A'],
    ['http://example.com:80/', 'http://example.com/', 'http', 'example.com', 80, '/'],
    ['http://example.com:443/', 'http://example.com:443/', 'http', 'example.com', 443, '/'],
    ['https://example.com:443/', 'https://example.com/', 'https', 'example.com', 443, '/'],
    ['https://example.com:8443/', 'https://example.com:8443/', 'https', 'example.com', 8443, '/'],
    ['http://example.com:/', 'http://example.com/', 'http', 'example.com', 80, '/'],
    ['http://example.com?x', 'http://example.com/?x', 'http', 'example.com', 80, '/?x'],
    ['http://example.com/?', 'http://example.com/?', 'http', 'example.com', 80, '/?'],
    ['http://example.com/a%00b', 'http://example.com/a%00b', 'http', 'example.com', 80, '/a%00b'],
    ['http://example.com/a/%2e%2e/b', 'http://example.com/b', 'http', 'example.com', 80, '/b'],
    ['http://example.com/a/../../b', 'http://example.com/b', 'http', 'example.com', 80, '/b'],
    ['http://example.com//a', 'http://example.com//a', 'http', 'example.com', 80, '//a'],
    ['http://example.com/"<>', 'http://example.com/%22%3C%3E', 'http', 'example.com', 80, '/%22%3C%3E'],
    ['http://example.com/a@b:c', 'http://example.com/a@b:c', 'http', 'example.com', 80, '/a@b:c'],
    ['http://example.com?a@b', 'http://example.com/?a@b', 'http', 'example.com', 80, '/?a@b'],
    [
      'http://example.com/http://localhost/',
      'http://example.com/http://localhost/',
      'http',
      'example.com',
      80,
      '/http://localhost/',
    ],
    ['http://example.com./', 'http://example.com./', 'http', 'example.com', 80, '/'],
    ['http://user:pass@example.com/', 'http://example.com/', 'http', 'example.com', 80, '/'],
    ['http://@example.com/', 'http://example.com/', 'http', 'example.com', 80, '/'],
    ['http://example.com@127.0.0.1/', 'http://127.0.0.1/', 'http', '127.0.0.1', 80, '/'],
    ['http://[0000::1]:8080/', 'http://[::1]:8080/', 'http', '[::1]', 8080, '/'],
    ['http://_dmarc.example.com/', 'http://_dmarc.example.com/', 'http', '_dmarc.example.com', 80, '/'],
  ])('%s becomes %s', (target, url, scheme, host, port, path) => {
    expect(parseRequestTarget('GET', target)).toEqual({ kind: 'absolute', url, scheme, host, port, path });
  });

  test.each([
    ['http://example.com', 'http://example.com', '*'],
    ['HTTP://EXAMPLE.com:80', 'http://example.com', '*'],
    ['http://user:pass@example.com:8080', 'http://example.com:8080', '*'],
    ['https://[0::1]', 'https://[::1]', '*'],
    ['http://example.com/', 'http://example.com/', '/'],
    ['http://example.com?x', 'http://example.com/?x', '/?x'],
    ['http://example.com?', 'http://example.com/?', '/?'],
  ])('OPTIONS %s becomes %s, and asks for %s (3.2.4)', (target, url, path) => {
    expect(parseRequestTarget('OPTIONS', target)).toMatchObject({ kind: 'absolute', url, path });
    expect(parseRequestTarget('OPTIONS', url)).toMatchObject({ kind: 'absolute', url, path });
  });

  const badText = 'it has white space, control characters or characters outside ASCII';
  const badIpv4 = 'the host is an IPv4 address not written as four decimal numbers';
  const badPort = 'the port is not a number from 1 to 65535 without leading zeros';
  const badUserinfo = 'its userinfo could be taken for a host';
  test.each([
    ['', 'it is empty'],
    [' http://example.com/', badText],
    ['http://example.com/ ', badText],
    ['http://exam\nple.com/', badText],
    ['ht\ntp://example.com/', badText],
    ['http://example.com/\u0000', badText],
    ['http://example.com/\u007f', badText],
    ['http://example.com/\u00e9', badText],
    ['http://①②⑦.⓪.⓪.①/', badText],
    ['http://169。254。169。254/', badText],
    ['http://example.com/#x', 'it has a fragment'],
    ['http://127.0.0.1#@example.com/', 'it has a fragment'],
    ['http://127.0.0.1\\@example.com/', 'it has a backslash'],
    ['http:\\\\example.com/', 'it has a backslash'],
    ['http://example.com/a\\b', 'it has a backslash'],
    ['http://', 'the host is empty'],
    ['http:///example.com/', 'the host is empty'],
    ['http://user@/', 'the host is empty'],
    ['http://:80/', 'the host is empty'],
    ['http://./', 'the host is empty'],
    ['http:example.com/', 'the scheme is not followed by // and a host'],
    ['http:/example.com/', 'the scheme is not followed by // and a host'],
    ['http://.example.com/', 'the host has an empty label'],
    ['http://0x7f.1/', badIpv4],
    ['http://3232235521/', badIpv4],
    ['http://127.0.0.1./', badIpv4],
    ['http://010.010.010.010/', badIpv4],
    ['http://loc%61lhost/', 'the host is percent-encoded'],
    ['http://exa|mple.com/', 'the host has a character that no name has'],
    ['http://[::1%25lo]/', 'the host is not an IPv6 address'],
    ['http://example.com:0/', badPort],
    ['http://example.com:65536/', badPort],
    ['http://example.com:080/', badPort],
    ['http://example.com:%38%30/', badPort],
    ['http://foo@127.0.0.1:11211@example.com:80/', badUserinfo],
    ['http://127.0.0.1%23@example.com/', badUserinfo],
    ['http://[::1]@example.com/', badUserinfo],
    ['file:///etc/passwd', 'only http and https URLs are relayed'],
    ['ftp://example.com/', 'only http and https URLs are relayed'],
    ['wss://example.com/', 'only http and https URLs are relayed'],
    ['view-source:http://example.com/', 'only http and https URLs are relayed'],
    ['example.com:443', 'only http and https URLs are relayed'],
    ['example.com/', 'only http and https URLs are relayed'],
  ])('%j is malformed: %s', (target, because) => {
    expect(parseRequestTarget('GET', target)).toEqual({ kind: 'malformed', because });
  });

  test('the URL is its own canonical text, with nothing beside the parts that are judged', () => {
    const targets = fc.webUrl({ withQueryParameters: true, validSchemes: ['http', 'https', 'HTTP'] });
    const userinfo = fc.constantFrom('', 'a@', 'a:b@', ':@');
    fc.assert(
      fc.property(targets, userinfo, (target, user) => {
        const parsed = parseRequestTarget('GET', target.replace('://', `://${user}`));
        if (parsed.kind !== 'absolute') return;
        expect(parseRequestTarget('GET', parsed.url)).toEqual(parsed);
        expect(new URL(parsed.url).username + new URL(parsed.url).password).toBe('');
        expect(parsed.url.endsWith(parsed.path)).toBe(true);
        expect(new URL(parsed.url).hostname.replace(/\.$/, '')).toBe(parsed.host);
      }),
    );
  });

  test('no text makes it throw, and what it takes goes to the host that it names', () => {
    const piece = fc.constantFrom(
      'http://',
      'https:',
      '//',
      '/',
      '@',
      ':',
      '.',
      '[',
      ']',
      '::1',
      '127.0.0.1',
      '0x7f',
      '80',
      '%2e',
      '?',
      '#',
      '\\',
      'a',
      ' ',
      '..',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const target = pieces.join('');
        const parsed = parseRequestTarget('GET', target);
        if (parsed.kind === 'absolute') expect(new URL(target).hostname.replace(/\.$/, '')).toBe(parsed.host);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the other forms', () => {
  test('CONNECT takes authority-form (3.2.3)', () => {
    expect(parseRequestTarget('CONNECT', 'Example.com.:443')).toEqual({
      kind: 'authority',
      host: 'example.com',
      port: 443,
    });
  });

  test.each(['http://example.com/', '/', '*', 'example.com', ''])('CONNECT takes nothing else: %j', (target) => {
    expect(parseRequestTarget('CONNECT', target).kind).toBe('malformed');
  });

  test('OPTIONS takes an asterisk, no other method does (3.2.4)', () => {
    expect(parseRequestTarget('OPTIONS', '*')).toEqual({ kind: 'asterisk' });
    expect(parseRequestTarget('GET', '*')).toEqual({ kind: 'malformed', because: '* is for OPTIONS only' });
  });

  test.each([
    ['/', '/'],
    ['/a?b', '/a?b'],
    ['/a/%2e%2e/b', '/b'],
    ['//127.0.0.1/', '//127.0.0.1/'],
    ['//user@host:99999/', '//user@host:99999/'],
    ['/?', '/?'],
  ])('%s is origin-form with the path %s (3.2.1)', (target, path) => {
    expect(parseRequestTarget('GET', target)).toEqual({ kind: 'origin', path });
  });
});

test('whatever the path, the URL is the text that the WHATWG parser writes', () => {
  const piece = fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    'a',
    'B',
    '%41',
    '%2e',
    '%',
    '?',
    '&',
    '=',
    "'",
    '|',
    '^',
    '~',
    ';',
    '"',
    '{',
    '[',
    ':',
    '@',
  );
  const host = fc.constantFrom(
    'o.example',
    'O.example',
    'o.example.',
    'o.example:80',
    'o.example:8080',
    'o.example:',
    '[::1]',
    '127.0.0.1',
  );
  fc.assert(
    fc.property(fc.constantFrom('http', 'HTTPS'), host, fc.array(piece, { maxLength: 8 }), (scheme, at, pieces) => {
      const text = `${scheme}://${at}/${pieces.join('')}`;
      const url = new URL(text);
      const path = url.href.slice(url.origin.length);
      expect(parseRequestTarget('GET', text)).toMatchObject({ kind: 'absolute', url: url.href, path });
    }),
    { numRuns: 2_000 },
  );
});
