// SOCKS5 messages, in whatever pieces: what they ask for, and how each that is not carried is answered. RFC 1928, RFC 1929.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf, handshake, maxMessageBytes, type Progress, reply, succeeded } from '../../../agent/tunnel/socks5.ts';
import { parseAuthority } from '../../../http/authority.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { type ErrorType, errorTypes } from '../../../schemas/error.ts';

const hello = [5, 1, 0];
const connect = [5, 1, 0];
const port443 = [1, 187];
const ipv4 = [...connect, 1, 192, 0, 2, 1, ...port443];
const ipv6 = [...connect, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, ...port443];
const name = (text: string, port = port443) => [...connect, 3, text.length, ...Buffer.from(text, 'latin1'), ...port];
const counted = (text: string) => [text.length, ...Buffer.from(text)];
const credentials = (user: string, password: string) => [1, ...counted(user), ...counted(password)];

/** What a handshake comes to: all that it answers, and its outcome without the octets. */
interface Result {
  readonly replied: readonly number[];
  readonly outcome: unknown;
  readonly early: readonly number[];
}

/** Feeds the pieces until the handshake is over; pieces after that are the tunnel's, as they are on a socket. */
function shake(...pieces: readonly (readonly number[])[]): Result {
  return shakeWith(() => undefined, undefined, ...pieces);
}

/** The same where credentials are asked for: `judge` says what is wrong with them, and is asked only when they have come. */
function shakeWith(
  judge: (name: string | undefined, password: string | undefined) => ProxyError | undefined,
  asksCredentials: boolean | undefined,
  ...pieces: readonly (readonly number[])[]
): Result {
  const { take, judged } = handshake(asksCredentials);
  const replied: number[] = [];
  let last: Progress | undefined;
  const early: number[] = [];
  for (const piece of pieces) {
    if (last !== undefined && last.kind !== 'incomplete') early.push(...piece);
    else {
      last = take(Buffer.from(piece));
      replied.push(...last.reply);
      if (last.kind === 'credentials') {
        last = judged(judge(last.name, last.password));
        replied.push(...last.reply);
      }
      if (last.kind === 'connect') early.push(...last.early);
    }
  }
  if (last === undefined || last.kind === 'incomplete' || last.kind === 'credentials')
    return { replied, outcome: 'incomplete', early };
  if (last.kind === 'connect') return { replied, outcome: `${last.host}:${last.port}`, early };
  return { replied, outcome: [last.code, last.error.type, last.error.status], early: [] };
}

describe('a client that wants a tunnel', () => {
  test.each([
    ['an IPv4 address', ipv4, '192.0.2.1:443'],
    ['an IPv6 address', ipv6, '[2001:db8::1]:443'],
    [
      'an IPv6 address with an IPv4 address in it',
      [...connect, 4, ...ipv4Mapped(127, 0, 0, 1), 0, 80],
      '[::ffff:7f00:1]:80',
    ],
    ['a name', name('Example.COM', [0, 80]), 'example.com:80'],
    ['a name with its root dot', name('example.com.'), 'example.com:443'],
    ['an IPv4 address as a name', name('192.0.2.1'), '192.0.2.1:443'],
    ['an IPv6 address as a name, as Chromium sends it', name('2001:DB8::1'), '[2001:db8::1]:443'],
    ['an IPv6 address as a name in brackets', name('[2001:db8::1]'), '[2001:db8::1]:443'],
    ['the highest port', name('a.example', [255, 255]), 'a.example:65535'],
  ])('to %s', (_, request, destination) => {
    expect(shake(hello, request)).toEqual({ replied: [5, 0], outcome: destination, early: [] });
  });

  test('goes without authentication where it offers that, whatever else it offers', () => {
    expect(shake([5, 3, 2, 1, 0], ipv4)).toMatchObject({ replied: [5, 0], outcome: '192.0.2.1:443' });
  });

  test.each([
    ['user', 'password'],
    ['', ''],
    ['u'.repeat(255), 'p'.repeat(255)],
  ])('may name any user "%s" with any password', (user, password) => {
    expect(shake([5, 1, 2], credentials(user, password), ipv4)).toEqual({
      replied: [5, 2, 1, 0],
      outcome: '192.0.2.1:443',
      early: [],
    });
  });

  test('may send octets of the tunnel in one piece with everything before', () => {
    const whole = [...hello, ...name('a.example'), 22, 3, 1];
    expect(shake(whole, [9])).toEqual({ replied: [5, 0], outcome: 'a.example:443', early: [22, 3, 1, 9] });
  });
});

describe('where credentials are asked for, a client', () => {
  const denied = new ProxyError('http_request_denied', 'No.', { status: 407 });
  const judge = (name: string | undefined, password: string | undefined) =>
    name === 'user' && password === 'right' ? undefined : denied;
  const good = credentials('user', 'right');

  test('that shows right ones gets its tunnel, in whatever pieces', () => {
    const expected = { replied: [5, 2, 1, 0], outcome: '192.0.2.1:443', early: [9] };
    expect(shakeWith(judge, true, [5, 2, 0, 2], good, ipv4, [9])).toEqual(expected);
    const whole = [5, 2, 0, 2, ...good, ...ipv4, 9];
    expect(shakeWith(judge, true, whole)).toEqual(expected);
    expect(shakeWith(judge, true, ...whole.map((octet) => [octet]))).toEqual(expected);
  });

  test.each([
    ['wrong ones', credentials('user', 'wrong')],
    ['empty ones', credentials('', '')],
    ['ones that are no UTF-8', [1, 4, ...Buffer.from('user'), 1, 0xff]],
  ])('that shows %s is told so, and nothing behind them is looked at (RFC 1929 2)', (_, shown) => {
    expect(shakeWith(judge, true, [5, 1, 2], [...shown, ...ipv4])).toEqual({
      replied: [5, 2, 1, 1],
      outcome: [1, 'http_request_denied', 407],
      early: [],
    });
  });

  test('that shows none is refused at its greeting', () => {
    expect(shakeWith(judge, true, hello)).toEqual({
      replied: [5, 255],
      outcome: [255, 'http_request_denied', 407],
      early: [],
    });
  });
});

describe('a client is refused', () => {
  test.each([
    ['without any method', [5, 0], [5, 255], 255, 400],
    ['with methods of others only', [5, 2, 1, 128], [5, 255], 255, 400],
    ['with a greeting of another version', [6], [5, 255], 255, 400],
    ['with credentials of another version', [5, 1, 2, 5], [5, 2, 1, 1], 1, 400],
    ['with a request of another version', [...hello, 4], [5, 0, ...reply(1)], 1, 400],
    ['that wants BIND', [...hello, 5, 2], [5, 0, ...reply(7)], 7, 501],
    ['that wants UDP ASSOCIATE', [...hello, 5, 3], [5, 0, ...reply(7)], 7, 501],
    ['that wants a command that is none', [...hello, 5, 0], [5, 0, ...reply(7)], 7, 501],
    ['whose reserved octet is not 0', [...hello, 5, 1, 1], [5, 0, ...reply(1)], 1, 400],
    ['with an unknown kind of address', [...hello, ...connect, 2], [5, 0, ...reply(8)], 8, 501],
  ])('%s, as soon as that is known', (_, octets, replied, code, status) => {
    expect(shake(octets)).toEqual({ replied, outcome: [code, 'http_request_error', status], early: [] });
    expect(shake(octets.slice(0, -1)).outcome).toBe('incomplete');
  });

  test.each([
    ['C07: port 0', name('a.example', [0, 0])],
    ['no name', name('')],
    ['C16: octets outside ASCII', name('\xe4.example')],
    ['C16: a percent-encoded name', name('ex%61mple.com')],
    ['D07: CR and LF', name('a.example\r\nX: y')],
    ['D07: a space', name('a b.example')],
    ['a NUL', name('a.example\0.b.example')],
    ['userinfo', name('u@a.example')],
    ['a port of its own', name('a.example:80')],
    ['a path', name('a.example/')],
    ['an octal address', name('0177.0.0.1')],
    ['a short address', name('127.1')],
    ['a number', name('2130706433')],
    ['an empty label', name('a..example')],
    ['a label that is too long', name(`${'a'.repeat(64)}.example`)],
    ['a name that is too long', name(`${'a.'.repeat(127)}b`)],
    ['a zone', name('fe80::1%eth0')],
    ['half an IPv6 address', name('1::2::3')],
  ])('with %s for a destination', (_, request) => {
    expect(shake(hello, request)).toEqual({
      replied: [5, 0, ...reply(1)],
      outcome: [1, 'http_request_error', 400],
      early: [],
    });
  });

  test('that is late, in the form of the message that it waits for', () => {
    const late = (...octets: number[]) => {
      const { take, late } = handshake();
      take(Buffer.from(octets));
      return late();
    };
    expect(late(5, 1)).toMatchObject({ reply: Buffer.of(5, 255), error: { status: 408 } });
    expect(late(5, 1, 2, 1, 4)).toMatchObject({ reply: Buffer.of(1, 1), error: { status: 408 } });
    expect(late(...hello, 5, 1)).toMatchObject({ reply: reply(1), error: { status: 408 } });
  });
});

describe('whatever comes', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const listOf = (maxLength: number) => fc.array(octet, { maxLength });
  /** Octets that go far into a handshake, and then perhaps wrong. */
  const octets = fc
    .tuple(
      fc.constantFrom([5, 1, 0], [5, 2, 0, 2], [5, 1, 2, ...credentials('me', 'secret')], [5, 1, 2], [5, 1, 1], []),
      fc.constantFrom(ipv4, ipv6, name('a.example'), name('a b'), [5, 2], [5, 3], [...connect, 9], [5, 1, 0, 3], []),
      listOf(40),
    )
    .map((parts) => parts.flat());

  test('A18: any split of the octets comes to the same', () => {
    fc.assert(
      fc.property(octets, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (whole, lengths) => {
        const pieces: number[][] = [];
        for (let at = 0; at < whole.length; ) {
          const { value } = lengths.next();
          pieces.push(whole.slice(at, at + value));
          at += value;
        }
        expect(shake(...pieces)).toEqual(shake(whole));
      }),
      { numRuns: 2_000 },
    );
  });

  test('A23: a message is understood or refused within its bound', () => {
    const heads = fc.constantFrom([5], [...hello, 5], [...hello, ...connect, 3], [5, 1, 2, 1], [...hello]);
    fc.assert(
      fc.property(heads, fc.array(octet, { minLength: maxMessageBytes, maxLength: maxMessageBytes }), (head, noise) => {
        const wanted = shake([...head, ...noise, ...noise, ...noise]);
        expect(wanted.outcome).not.toBe('incomplete');
      }),
      { numRuns: 500 },
    );
  });

  test('a name is judged as the host of CONNECT is', () => {
    const text = fc.oneof(
      fc.domain(),
      fc.ipV4Extended(),
      fc.webAuthority(),
      fc.array(octet, { maxLength: 30 }).map((each) => Buffer.from(each).toString('latin1')),
    );
    fc.assert(
      fc.property(
        text.filter((each) => each.length < 256 && !/^[0-9a-f.]*:[0-9a-f:.]*$/i.test(each)),
        (host) => {
          const judged = parseAuthority(`${host}:443`);
          const expected = judged.kind === 'malformed' ? [1, 'http_request_error', 400] : `${judged.host}:443`;
          expect(shake(hello, name(host)).outcome).toEqual(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('an address means the same as octets and as a name', () => {
    const address = fc.oneof(
      fc.ipV4().map((text) => ({ text, kind: [1, ...text.split('.').map(Number)] })),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((each) => {
        const words = Array.from({ length: 8 }, (_, i) =>
          Buffer.from(each)
            .readUInt16BE(i * 2)
            .toString(16),
        );
        return { text: words.join(':'), kind: [4, ...each] };
      }),
    );
    fc.assert(
      fc.property(address, ({ text, kind }) => {
        expect(shake(hello, [...connect, ...kind, ...port443])).toEqual(shake(hello, name(text)));
      }),
    );
  });
});

test('replies say 0.0.0.0:0, which every client can read', () => {
  expect([...reply(succeeded)]).toEqual([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
});

test.each<[ErrorType, number]>([
  ['destination_ip_prohibited', 2],
  ['http_request_denied', 2],
  ['proxy_loop_detected', 2],
  ['destination_ip_unroutable', 3],
  ['dns_error', 4],
  ['dns_timeout', 4],
  ['destination_unavailable', 4],
  ['connection_refused', 5],
  ['connection_timeout', 6],
  ['connection_limit_reached', 1],
  ['http_request_error', 1],
  ['proxy_internal_error', 1],
])('%s is told as reply %i', (type, code) => {
  expect(codeOf(new ProxyError(type, 'No.'))).toBe(code);
});

test('every error has a reply, and none is success', () => {
  for (const type of errorTypes) expect(codeOf(new ProxyError(type, 'No.'))).toBeOneOf([1, 2, 3, 4, 5, 6]);
});

function ipv4Mapped(...octets: readonly number[]): readonly number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...octets];
}
