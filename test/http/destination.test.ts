// Which destinations are refused before and after a look-up, and what exceptions change.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DestinationPolicy, judgeAddresses, judgeDestination, parseException } from '../../http/destination.ts';

const strict: DestinationPolicy = { allowPrivate: false, exceptions: [] };
const allowPrivate: DestinationPolicy = { allowPrivate: true, exceptions: [] };

describe('before the look-up', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1 is in a special block, loopback (127.0.0.0/8)'],
    ['10.0.0.5', '10.0.0.5 is in a special block, private use (10.0.0.0/8)'],
    ['[::1]', '::1 is in a special block, loopback (::1)'],
    ['::1', '::1 is in a special block, loopback (::1)'],
    ['[::ffff:7f00:1]', '::ffff:7f00:1 is in a special block, IPv4-mapped (::ffff:0:0/96)'],
    ['[::ffff:808:808]', '::ffff:808:808 is in a special block, IPv4-mapped (::ffff:0:0/96)'],
    ['localhost', 'localhost and the names under it are the machine itself'],
    ['LocalHost.', 'localhost and the names under it are the machine itself'],
    ['a.b.localhost', 'localhost and the names under it are the machine itself'],
    ['ip6-localhost', 'localhost and the names under it are the machine itself'],
    ['router', 'a name without a dot belongs to a private network'],
    ['router.', 'a name without a dot belongs to a private network'],
    ['printer.local', 'names under .local belong to private networks'],
    ['metadata.google.internal', 'names under .internal belong to private networks'],
    ['router.home.arpa', 'names under home.arpa belong to private networks'],
    ['home.arpa', 'names under home.arpa belong to private networks'],
    ['x.test', 'names under .test belong to private networks'],
    ['kubernetes.default.svc', 'names under .svc belong to private networks'],
    ['nas.lan', 'names under .lan belong to private networks'],
    ['wiki.corp', 'names under .corp belong to private networks'],
    ['host.localdomain', 'names under .localdomain belong to private networks'],
    ['abc.onion', 'names under .onion are not in the public DNS'],
    ['127.1', 'the host is an IPv4 address not written as four decimal numbers'],
    ['a..b', 'the host has an empty label'],
  ])('%s is refused: %s', (host, because) => {
    const refused = { kind: 'refused', type: 'destination_ip_prohibited', because };
    expect(judgeDestination({ host, port: 80, purpose: 'exchange' }, strict)).toEqual(refused);
    expect(judgeDestination({ host, port: 443, purpose: 'tunnel' }, strict)).toEqual(refused);
  });

  test.each([
    ...[
      'example.com',
      'internal.example.com',
      'localhost.example.com',
      'notlocalhost.com',
      'mylocal.net',
      'fe80.example',
    ],
    ...[
      '127.0.0.1.example.com',
      'xhome.arpa',
      '1.in-addr.arpa',
      'x.invalid',
      'x.example',
      'x.alt',
      'xn--fiqs8s.example',
    ],
  ])('%s is left to the look-up', (host) => {
    const verdict = { kind: 'name-to-resolve', privateAllowed: false };
    expect(judgeDestination({ host, port: 80, purpose: 'exchange' }, strict)).toEqual(verdict);
    expect(judgeDestination({ host: `${host}.`, port: 443, purpose: 'tunnel' }, strict)).toEqual(verdict);
  });

  test.each(['8.8.8.8', '[2606:4700:4700::1111]', '2606:4700:4700::1111', '[64:ff9b::808:808]'])(
    '%s is public',
    (host) => {
      const verdict = { kind: 'allowed', because: 'public' };
      expect(judgeDestination({ host, port: 80, purpose: 'exchange' }, strict)).toEqual(verdict);
    },
  );

  test('allowPrivate allows literals and lets names resolve to anything, but takes no host that is none', () => {
    expect(judgeDestination({ host: '127.1', port: 80, purpose: 'exchange' }, allowPrivate).kind).toBe('refused');
    const literal = { host: '[::1]', port: 3000, purpose: 'exchange' } as const;
    expect(judgeDestination(literal, allowPrivate)).toEqual({ kind: 'allowed', because: 'private-allowed' });
    for (const host of ['localhost', 'nas.lan', 'example.com']) {
      const verdict = judgeDestination({ host, port: 3000, purpose: 'tunnel' }, allowPrivate);
      expect(verdict).toEqual({ kind: 'name-to-resolve', privateAllowed: true });
    }
  });
});

describe('ports (Fetch standard, 2.9)', () => {
  const deniedFor = (because: string) => ({ kind: 'refused', type: 'http_request_denied', because });

  test.each([0, 1, 7, 22, 23, 25, 53, 143, 587, 993, 2049, 4190, 5060, 6000, 6667, 6679, 6697, 10080])(
    'an exchange on port %d is refused, for literals and names',
    (port) => {
      const denied = deniedFor(`port ${port} belongs to a protocol other than HTTP`);
      expect(judgeDestination({ host: '8.8.8.8', port, purpose: 'exchange' }, strict)).toEqual(denied);
      expect(judgeDestination({ host: 'example.com', port, purpose: 'exchange' }, allowPrivate)).toEqual(denied);
    },
  );

  test.each([2, 24, 26, 80, 81, 443, 3000, 5432, 6001, 6379, 8080, 8443, 10079, 10081, 65535])(
    'an exchange on port %d is allowed',
    (port) => {
      expect(judgeDestination({ host: '8.8.8.8', port, purpose: 'exchange' }, strict).kind).toBe('allowed');
    },
  );

  test('a tunnel is refused on port 25 and no other', () => {
    const at = (port: number) => judgeDestination({ host: '8.8.8.8', port, purpose: 'tunnel' }, strict);
    expect(at(25)).toEqual(deniedFor('port 25 is for sending mail'));
    for (const port of [1, 22, 24, 26, 465, 587, 993, 6667]) expect(at(port).kind).toBe('allowed');
  });

  test('what is private is told before what is wrong with its port', () => {
    const verdict = judgeDestination({ host: '127.0.0.1', port: 22, purpose: 'exchange' }, strict);
    expect(verdict).toMatchObject({ type: 'destination_ip_prohibited' });
  });

  test('an exception that names the very port lifts the port policy, for its host only', () => {
    const policy = allowing('8.8.8.8:25', 'mail.example.com:25', '10.0.0.0/8');
    const kindOf = (host: string, port: number) => judgeDestination({ host, port, purpose: 'tunnel' }, policy).kind;
    expect(kindOf('8.8.8.8', 25)).toBe('allowed');
    expect(kindOf('8.8.4.4', 25)).toBe('refused');
    expect(kindOf('Mail.example.com.', 25)).toBe('name-to-resolve');
    expect(kindOf('example.com', 25)).toBe('refused');
    expect(kindOf('10.0.0.1', 443)).toBe('allowed');
    expect(kindOf('10.0.0.1', 25)).toBe('refused');
  });
});

describe('exceptions', () => {
  test.each([
    ['127.0.0.1:9000', '127.0.0.1', 9000, 'allowed'],
    ['127.0.0.1:9000', '127.0.0.1', 9001, 'refused'],
    ['127.0.0.1:9000', '[::1]', 9000, 'refused'],
    ['127.0.0.1:9000', '[::ffff:7f00:1]', 9000, 'allowed'],
    ['127.0.0.1:9000', 'localhost', 9000, 'refused'],
    ['127.0.0.1', '127.0.0.1', 1234, 'allowed'],
    ['10.0.0.0/8', '10.255.0.1', 80, 'allowed'],
    ['10.0.0.0/8', '11.0.0.1', 80, 'allowed'],
    ['10.0.0.0/8', '192.168.0.1', 80, 'refused'],
    ['::/0', '10.0.0.1', 80, 'refused'],
    ['[::1]:9000', '[::1]', 9000, 'allowed'],
    ['localhost:3000', 'localhost', 3000, 'name-to-resolve'],
    ['localhost:3000', 'LOCALHOST.', 3000, 'name-to-resolve'],
    ['localhost:3000', 'localhost', 3001, 'refused'],
    ['localhost:3000', '127.0.0.1', 3000, 'refused'],
    ['*.corp', 'wiki.corp', 80, 'name-to-resolve'],
    ['*.corp', 'a.wiki.corp', 80, 'name-to-resolve'],
    ['*.corp', 'corp', 80, 'refused'],
    ['*.corp', 'wiki.xcorp.lan', 80, 'refused'],
    ['*.lan', 'xlan', 80, 'refused'],
  ])('with %s allowed, %s:%d is %s', (exception, host, port, kind) => {
    const verdict = judgeDestination({ host, port, purpose: 'exchange' }, allowing(exception));
    expect(verdict.kind).toBe(kind);
    if (verdict.kind === 'name-to-resolve') expect(verdict.privateAllowed).toBe(true);
  });

  test.each([
    ['127.0.0.1', { kind: 'range', range: '127.0.0.1', port: undefined }],
    ['127.0.0.1:9000', { kind: 'range', range: '127.0.0.1', port: 9000 }],
    ['10.0.0.0/8', { kind: 'range', range: '10.0.0.0/8', port: undefined }],
    ['10.0.0.0/8:443', { kind: 'range', range: '10.0.0.0/8', port: 443 }],
    ['::1', { kind: 'range', range: '::1', port: undefined }],
    ['[::1]', { kind: 'range', range: '::1', port: undefined }],
    ['[0::1]:9000', { kind: 'range', range: '::1', port: 9000 }],
    ['FD00::/8', { kind: 'range', range: 'fd00::/8', port: undefined }],
    ['[fd00::/8]:443', { kind: 'range', range: 'fd00::/8', port: 443 }],
    ['::ffff:10.0.0.1', { kind: 'range', range: '10.0.0.1', port: undefined }],
    ['localhost:3000', { kind: 'name', name: 'localhost', port: 3000 }],
    ['NAS.home.arpa.', { kind: 'name', name: 'nas.home.arpa', port: undefined }],
    ['*.Corp.example', { kind: 'name', name: '*.corp.example', port: undefined }],
    ['*.corp.example:8443', { kind: 'name', name: '*.corp.example', port: 8443 }],
  ])('%s is read', (text, exception) => {
    expect(parseException(text)).toEqual(exception);
  });

  test.each([
    ...[
      '',
      ' ',
      ':80',
      '*',
      '*.',
      '*.*.a',
      'a.*',
      '127.1',
      '127.0.0.1.',
      '*.10.0.0.1',
      '10.0.0.1/8',
      '10.0.0.0/33',
      '10/8',
    ],
    ...[
      '[10.0.0.1]',
      '[fd00::]/8',
      '[fd00::1/8]',
      '[::1',
      '::1]',
      '[::1]9000',
      'a:0',
      'a:65536',
      'a:080',
      'a:',
      'a:b:1',
    ],
    ...['http://localhost', 'localhost/x', 'user@localhost', 'lo cal', '*:80', 'fd00::/8:443', 'local%68ost'],
  ])('%j is malformed', (text) => {
    expect(parseException(text)).toEqual({ kind: 'malformed', because: expect.any(String) });
  });

  test('every address that is read as an exception is allowed by it', () => {
    const address = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
    );
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 65535 }), (host, port) => {
        const verdict = judgeDestination({ host, port, purpose: 'exchange' }, allowing(`${host}:${port}`));
        expect(verdict.kind).toBe('allowed');
      }),
    );
  });
});

describe('after the look-up', () => {
  const destination = { host: 'app.example', port: 8080 };
  const refused = (block: string) => ({
    kind: 'refused',
    type: 'destination_ip_prohibited',
    because: `it resolves to an address in a special block, ${block}`,
  });

  test.each([
    [['93.184.216.34'], { kind: 'allowed', because: 'public' }],
    [['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'], { kind: 'allowed', because: 'public' }],
    [['64:ff9b::808:808'], { kind: 'allowed', because: 'public' }],
    [['127.0.0.1'], refused('loopback (127.0.0.0/8)')],
    [['93.184.216.34', '10.0.0.5'], refused('private use (10.0.0.0/8)')],
    [['10.0.0.5', '93.184.216.34'], refused('private use (10.0.0.0/8)')],
    [['93.184.216.34', '::1'], refused('loopback (::1)')],
    [['64:ff9b::7f00:1'], refused('loopback (127.0.0.0/8) behind NAT64 (64:ff9b::/96)')],
    [['::ffff:8.8.8.8'], refused('IPv4-mapped (::ffff:0:0/96)')],
    [['0.0.0.0'], refused('this network (0.0.0.0/8)')],
    [['fe80::1%eth0'], refused('not an address')],
    [['127.1'], refused('not an address')],
  ])('%j', (addresses, verdict) => {
    expect(judgeAddresses(destination, addresses, strict)).toEqual(verdict);
  });

  test.each([
    ['app.example', ['127.0.0.1', '::1'], 'allowed'],
    ['app.example:8080', ['127.0.0.1', '93.184.216.34'], 'allowed'],
    ['app.example:8081', ['127.0.0.1'], 'refused'],
    ['*.example', ['10.0.0.5'], 'allowed'],
    ['other.example', ['10.0.0.5'], 'refused'],
    ['10.0.0.0/8', ['10.0.0.5', '93.184.216.34'], 'allowed'],
    ['10.0.0.0/8', ['10.0.0.5', '192.168.0.1'], 'refused'],
    ['10.0.0.0/8:8080', ['10.0.0.5'], 'allowed'],
    ['10.0.0.0/8:80', ['10.0.0.5'], 'refused'],
    ['127.0.0.0/8', ['127.0.0.1', '::1'], 'refused'],
    ['127.0.0.0/8', ['::ffff:127.0.0.1'], 'allowed'],
  ])('with %s allowed, %j are %s', (exception, addresses, kind) => {
    const verdict = judgeAddresses(destination, addresses, allowing(exception));
    expect(verdict).toMatchObject(kind === 'allowed' ? { kind, because: 'exception' } : { kind });
  });

  test('an exception for public answers only is none', () => {
    const verdict = judgeAddresses(destination, ['93.184.216.34'], allowing('app.example'));
    expect(verdict).toEqual({ kind: 'allowed', because: 'public' });
  });

  test('allowPrivate is the reason where an exception is not', () => {
    const verdict = (policy: DestinationPolicy) => judgeAddresses(destination, ['10.0.0.5', '192.168.0.1'], policy);
    expect(verdict(allowPrivate)).toEqual({ kind: 'allowed', because: 'private-allowed' });
    const both = { allowPrivate: true, exceptions: allowing('192.168.0.0/16').exceptions };
    expect(verdict(both)).toEqual({ kind: 'allowed', because: 'private-allowed' });
    const all = { allowPrivate: true, exceptions: allowing('192.168.0.0/16', '10.0.0.5').exceptions };
    expect(verdict(all)).toEqual({ kind: 'allowed', because: 'exception' });
  });

  test('no addresses are an error of the program', () => {
    expect(() => judgeAddresses(destination, [], allowPrivate)).toThrow(RangeError);
  });

  test('one special address among any public ones refuses them all', () => {
    const publicOnes = fc.array(fc.constantFrom('8.8.8.8', '93.184.216.34', '2606:4700:4700::1111'), { maxLength: 4 });
    const special = fc.constantFrom('10.0.0.1', '127.0.0.1', '::1', 'fd00::1', '169.254.169.254', '64:ff9b::a00:1', '');
    fc.assert(
      fc.property(publicOnes, special, publicOnes, (before, address, after) => {
        expect(judgeAddresses(destination, [...before, address, ...after], strict).kind).toBe('refused');
      }),
    );
  });
});

function allowing(...texts: readonly string[]): DestinationPolicy {
  const exceptions = texts.map((text) => {
    const exception = parseException(text);
    if (exception.kind === 'malformed') throw new Error(`${text}: ${exception.because}`);
    return exception;
  });
  return { allowPrivate: false, exceptions };
}
