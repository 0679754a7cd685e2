// Responses are read by the letter of RFC 9112: what is one is told part by part, and what is none is an error.
import { describe, expect, test } from 'vitest';
import { ResponseReader } from '../../http/response-reader.ts';
import { contentOf, headOf, heard, named, trailersOf } from '../support/heard.ts';

const ok = 'HTTP/1.1 200 OK\r\n';
const empty = 'Content-Length: 0\r\n\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const notHttp = 'failed: http_protocol_error';
const tooLarge = 'failed: http_response_header_section_size';

/** The response whole, and octet by octet: what is told must be the same. */
const paces = [
  ['in one piece', (text: string) => text],
  ['octet by octet', (text: string) => [...text]],
] as const;

describe.each(paces)('%s', (_, cut) => {
  describe('a status line', () => {
    test.each([
      ['RFC 9112 4', 'HTTP/1.1 200 OK', '1.1', 200, 'OK'],
      ['RFC 9112 4: the phrase may be empty', 'HTTP/1.1 200 ', '1.1', 200, ''],
      ['RFC 9112 4: its space may be missing, as senders leave it out', 'HTTP/1.1 404', '1.1', 404, ''],
      ['RFC 9112 4: the phrase may hold obs-text and tabs', 'HTTP/1.1 200 \xe9\t x', '1.1', 200, '\xe9\t x'],
      ['RFC 9112 4: a phrase of many spaces is one', 'HTTP/1.1 200   ', '1.1', 200, '  '],
      ['RFC 9112 2.3', 'HTTP/1.0 200 OK', '1.0', 200, 'OK'],
      ['RFC 9110 15: no class of statuses that we know', 'HTTP/1.1 999 Hm', '1.1', 999, 'Hm'],
    ])('%s: %j', (_, line, httpVersion, status, reason) => {
      const response = heard(cut(`${line}\r\n${empty}`));
      expect(headOf(response)).toMatchObject({ httpVersion, status, reason });
      expect(response.reading).toBe('complete');
    });

    test.each([
      ['no HTTP', 'SSH-2.0-OpenSSH'],
      ['lower case', 'http/1.1 200 OK'],
      ['another major version', 'HTTP/2.0 200 OK'],
      ['a minor version that does not exist', 'HTTP/1.2 200 OK'],
      ['a version of two digits', 'HTTP/1.10 200 OK'],
      ['space ahead of it', ' HTTP/1.1 200 OK'],
      ['an empty line ahead of it (RFC 9112 2.2 lets servers skip those, no client)', '\r\nHTTP/1.1 200 OK'],
      ['two spaces', 'HTTP/1.1  200 OK'],
      ['a tab', 'HTTP/1.1\t200 OK'],
      ['two digits', 'HTTP/1.1 20 OK'],
      ['four digits', 'HTTP/1.1 2000 OK'],
      ['a sign', 'HTTP/1.1 +20 OK'],
      ['a status below 100', 'HTTP/1.1 099 Hm'],
      ['no status', 'HTTP/1.1 '],
      ['no space behind the status', 'HTTP/1.1 200OK'],
      ['a digit that is no ASCII', 'HTTP/1.1 20\xb2 OK'],
      ['nothing', ''],
    ])('with %s is none: %j', (_, line) => {
      expect(heard(cut(`${line}\r\n${empty}`)).reading).toBe(notHttp);
    });

    test.each(['SSH-2.0-', '\x16\x03', '220 mail', 'HTTP/2', 'h'])(
      '%j will not become one by being waited for',
      (line) => {
        expect(heard(cut(line)).reading).toBe(notHttp);
      },
    );

    test.each(['H', 'HTTP', 'HTTP/1.', 'HTTP/1.1 2', 'HTTP/1.1 200 OK\r'])('%j may become one', (line) => {
      expect(heard(cut(line)).reading).toBe('more');
    });
  });

  describe('lines', () => {
    test.each([
      ['RFC 9112 2.2: a bare LF ends none', `${ok}A: 1\nB: 2\r\n${empty}`],
      ['RFC 9112 2.2: a bare LF ends no head', `${ok}Content-Length: 0\n\n`],
      ['RFC 9112 2.2: a bare LF ends no status line', `HTTP/1.1 200 OK\n${empty}`],
      ['RFC 9112 2.2: a bare CR', `${ok}A: 1\rB: 2\r\n${empty}`],
      ['RFC 9112 2.2: a bare CR ahead of CRLF', `${ok}A: 1\r\r\n${empty}`],
      ['RFC 9112 2.2: a bare CR in the status line', `HTTP/1.1 200 O\rK\r\n${empty}`],
      ['RFC 9112 2.2: a bare CR as the last line', `${ok}A: 1\r\n\r\r\n`],
      ['RFC 9112 5.2: a folded line', `${ok}A: 1\r\n 2\r\n${empty}`],
      ['RFC 9112 5.2: a line folded with a tab', `${ok}A: 1\r\n\t2: 3\r\n${empty}`],
      ['RFC 9112 2.2: white space ahead of the first field', `${ok} A: 1\r\n${empty}`],
      ['RFC 9112 5.1: space ahead of the colon', `${ok}A : 1\r\n${empty}`],
      ['RFC 9112 5.1: a tab ahead of the colon', `${ok}A\t: 1\r\n${empty}`],
      ['RFC 9110 5.1: an empty name', `${ok}: 1\r\n${empty}`],
      ['RFC 9110 5.1: a name that is no token', `${ok}A(b): 1\r\n${empty}`],
      ['RFC 9110 5.1: a name with obs-text', `${ok}\xe9: 1\r\n${empty}`],
      ['RFC 9112 5: no colon', `${ok}A\r\n${empty}`],
      ['RFC 9112 5: no colon in the last line', `${ok}${empty.slice(0, -2)}A\r\n\r\n`],
      ...['\0', '\x01', '\b', '\v', '\f', '\x1b', '\x1f', '\x7f'].map((octet): [string, string] => [
        'RFC 9110 5.5: a control octet',
        `${ok}A: 1${octet}2\r\n${empty}`,
      ]),
      ['RFC 9112 4: a control octet in the phrase', `HTTP/1.1 200 O\0K\r\n${empty}`],
    ])('%s is an error: %j', (_, text) => {
      expect(heard(cut(text)).reading).toBe(notHttp);
    });

    test('RFC 9110 5.5: values lose the spaces and tabs around them, and nothing else', () => {
      const lines = ['A:1', 'a: \t 2 \t', 'B:', 'C: \t', 'D: x\t y', 'E: \xa0z\x85', "x!#$%&'*+-.^_`|~9: :"];
      expect(headOf(heard(cut(`${ok}${lines.join('\r\n')}\r\n${empty}`)))?.fields).toEqual([
        ['A', '1'],
        ['a', '2'],
        ['B', ''],
        ['C', ''],
        ['D', 'x\t y'],
        ['E', '\xa0z\x85'],
        ["x!#$%&'*+-.^_`|~9", ':'],
        ['Content-Length', '0'],
      ]);
    });

    test('RFC 9112 3: a head may have no field', () => {
      expect(headOf(heard(cut('HTTP/1.1 204 \r\n\r\n')))?.fields).toEqual([]);
    });
  });

  describe('limits of a head', () => {
    const head = `${ok}A: ${'x'.repeat(40)}\r\n${empty}`;

    test.each([
      ['maxHeadBytes may be filled', { maxHeadBytes: head.length }, 'complete'],
      ['maxHeadBytes and one more octet is too large', { maxHeadBytes: head.length - 1 }, tooLarge],
      ['maxFields may be filled', { maxFields: 2 }, 'complete'],
      ['maxFields and one more is too large', { maxFields: 1 }, tooLarge],
    ])('%s', (_, options, reading) => {
      expect(heard(cut(`${head}`), options).reading).toBe(reading);
      expect(heard(cut(`HTTP/1.1 103 \r\n\r\n${head}`), options).reading).toBe(reading); // each head has its own
    });

    test('B04: a head that never ends is not waited for beyond maxHeadBytes', () => {
      expect(heard(cut(`${ok}A: `.padEnd(101, 'x')), { maxHeadBytes: 100 }).reading).toBe(tooLarge);
      expect(heard(cut(`${ok}A: `.padEnd(100, 'x')), { maxHeadBytes: 100 }).reading).toBe('more');
      expect(heard(cut('HTTP/1.1 200 '.padEnd(101, 'x')), { maxHeadBytes: 100 }).reading).toBe(tooLarge);
    });

    test('octets that are no HTTP are told so, however many they are', () => {
      expect(heard(cut('x'.repeat(101)), { maxHeadBytes: 100 }).reading).toBe(notHttp);
    });
  });

  describe('interim responses', () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';

    test('RFC 9110 15.2: come ahead of the final one, each with its fields', () => {
      const { parts, reading } = heard(cut(`HTTP/1.1 100 Continue\r\n\r\n${hints}${ok}${empty}`));
      expect(reading).toBe('complete');
      expect(parts).toMatchObject([
        { kind: 'interim', head: { status: 100, reason: 'Continue', fields: [] } },
        { kind: 'interim', head: { status: 103, fields: [['Link', '</a>']] } },
        { kind: 'head', head: { status: 200 } },
        { kind: 'end', trailers: [] },
      ]);
    });

    test.each([
      ['as many as maxInterimResponses', 3, 'complete'],
      ['one more is an error (B03)', 4, notHttp],
    ])('%s', (_, count, reading) => {
      const response = heard(cut(`${hints.repeat(count)}${ok}${empty}`), { maxInterimResponses: 3 });
      expect(response.reading).toBe(reading);
      expect(response.parts.filter(({ kind }) => kind === 'interim').length).toBe(3);
    });

    test('RFC 9110 8.6: a length in one frames nothing', () => {
      const text = `HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n${ok}${empty}`;
      expect(heard(cut(text)).parts.map(({ kind }) => kind)).toEqual(['interim', 'head', 'end']);
    });

    test.each(['Content-Length: 1\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: x'])(
      'an ambiguous one is an error: %j',
      (lines) => {
        expect(heard(cut(`HTTP/1.1 103 Hm\r\n${lines}\r\n\r\n${ok}${empty}`)).reading).toBe(notHttp);
      },
    );

    test('a connection that ends behind one has not answered', () => {
      const { reader } = heard(cut(hints));
      expect(named(reader.finish())).toBe('failed: connection_terminated');
    });
  });

  describe('101', () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';

    test('B03, RFC 9110 15.2.2: unasked is an error', () => {
      expect(heard(cut(switching)).reading).toBe(notHttp);
    });

    test('RFC 9110 7.8: asked for is the answer, and what follows is of the other protocol', () => {
      const response = heard(cut(`${switching}HTTP/1.1 200 hello`), { isUpgrade: true });
      expect(response).toMatchObject({ reading: 'complete', rest: 18 });
      expect(response.parts.map(({ kind }) => kind)).toEqual(['head', 'end']);
      expect(headOf(response)).toMatchObject({ status: 101, framing: { kind: 'none' } });
    });

    test('RFC 9110 7.8: may be asked for and not be given', () => {
      const response = heard(cut(`${ok}Content-Length: 2\r\n\r\nok`), { isUpgrade: true });
      expect([response.reading, contentOf(response)]).toEqual(['complete', 'ok']);
    });
  });

  describe('content', () => {
    test.each([
      ['RFC 9112 6.3 (1): a response to HEAD has none', 'HEAD', `${ok}Content-Length: 5\r\n\r\n`, 'none', ''],
      ['RFC 9112 6.3 (1): a response to HEAD has no chunks', 'HEAD', chunked, 'none', ''],
      ['RFC 9112 6.3 (1): 204 has none', 'GET', 'HTTP/1.1 204 \r\n\r\n', 'none', ''],
      ['RFC 9112 6.3 (1): 304 has none', 'GET', 'HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n', 'none', ''],
      ['RFC 9112 6.3 (2): nor 2xx to CONNECT', 'CONNECT', `${ok}Content-Length: 5\r\n\r\n`, 'none', ''],
      ['RFC 9112 6.3 (6)', 'GET', `${ok}Content-Length: 5\r\n\r\nhello`, 'length', 'hello'],
      ['RFC 9112 6.3 (6): of no octets', 'GET', `${ok}${empty}`, 'length', ''],
      ['RFC 9112 7.1', 'GET', `${chunked}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`, 'chunked', 'hello!'],
      ['RFC 9112 7.1: of no octets', 'GET', `${chunked}0\r\n\r\n`, 'chunked', ''],
      [
        'RFC 9112 7.1: sizes in hexadecimal',
        'GET',
        `${chunked}00a\r\nhellohello\r\n000\r\n\r\n`,
        'chunked',
        'hellohello',
      ],
      [
        'RFC 9112 7.1: of octets that look like a head',
        'GET',
        `${chunked}4\r\n\r\n\r\n\r\n0\r\n\r\n`,
        'chunked',
        '\r\n\r\n',
      ],
      [
        'RFC 9112 7.1.1: extensions are skipped',
        'GET',
        `${chunked}5;a="b;c";d\r\nhello\r\n0;e\r\n\r\n`,
        'chunked',
        'hello',
      ],
    ])('%s', (_, method, text, framing, content) => {
      const response = heard(cut(text), { method });
      expect(response).toMatchObject({ reading: 'complete', rest: 0 });
      expect(headOf(response)?.framing.kind).toBe(framing);
      expect(contentOf(response)).toBe(content);
      expect(trailersOf(response)).toEqual([]);
      const behind = heard(cut(`${text}HTTP/1.1`), { method });
      expect(behind).toMatchObject({ reading: 'complete', rest: 8 }); // B02, B08: told, never taken for content
      expect(contentOf(behind)).toBe(content);
    });

    test('RFC 9112 6.3 (8): without length and chunks it lasts until the connection ends', () => {
      const response = heard(cut(`${ok}\r\nhello HTTP/1.1 200\r\n\r\n`));
      expect([response.reading, headOf(response)?.framing.kind]).toEqual(['more', 'close']);
      expect(contentOf(response)).toBe('hello HTTP/1.1 200\r\n\r\n');
      expect(response.reader.finish()).toEqual({ kind: 'complete', rest: 0 });
      expect(trailersOf(response)).toEqual([]);
    });

    test.each([
      ['B01, RFC 9112 6.3 (3)', '1.1', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
      ['B01, RFC 9112 6.3 (5)', '1.1', 'Content-Length: 5\r\nContent-Length: 5'],
      ['B01, RFC 9112 6.3 (5)', '1.1', 'Content-Length: 5, 5'],
      ['B01, RFC 9110 8.6', '1.1', 'Content-Length: -1'],
      ['B01, RFC 9110 8.6', '1.1', 'Content-Length: '],
      ['B01, RFC 9112 6.1', '1.1', 'Transfer-Encoding: xchunked'],
      ['B01, RFC 9112 6.1', '1.1', 'Transfer-Encoding: gzip, chunked'],
      ['B01, RFC 9112 6.1', '1.1', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
      ['RFC 9112 6.1', '1.0', 'Transfer-Encoding: chunked'],
    ])('%s: ambiguous in HTTP/%s: %j', (_, version, lines) => {
      for (const method of ['GET', 'HEAD']) {
        const response = heard(cut(`HTTP/${version} 200 OK\r\n${lines}\r\n\r\n5\r\nhello`), { method });
        expect([response.reading, response.parts]).toEqual([notHttp, []]);
      }
    });
  });

  describe('chunks', () => {
    test.each([
      ['an empty line', '\r\n'],
      ['no hexadecimal digit', 'g\r\nhello'],
      ['a sign', '+5\r\nhello'],
      ['a prefix', '0x5\r\nhello'],
      ['an underscore', '0_5\r\nhello'],
      ['space ahead of it', ' 5\r\nhello'],
      ['space behind it', '5 \r\nhello'],
      ['space ahead of the extension', '5 ;a\r\nhello'],
      ['a bare LF', '5\nhello'],
      ['a bare CR', '5;a\r\r\nhello'],
      ['a control octet in an extension', '5;a=\0\r\nhello'],
      ['more octets than can be counted', `${'F'.repeat(14)}\r\nhello`],
      ['more digits than a number has', `${'0'.repeat(16)}5\r\nhello`],
      ['a minus', '-5\r\nhello'],
    ])('A07: a size with %s is none: %j', (_, text) => {
      const response = heard(cut(chunked + text));
      expect([response.reading, contentOf(response)]).toEqual([notHttp, '']);
    });

    test.each([
      ['other octets', 'XX'],
      ['no line end', '3\r'],
      ['a bare LF', '\n0'],
      ['a bare CR', '\rX'],
      ['half a line end', '\r\r\n'],
    ])('A08: followed by %s are none: %j', (_, text) => {
      const response = heard(cut(`${chunked}5\r\nhello${text}\r\n\r\n`));
      expect([response.reading, contentOf(response), trailersOf(response)]).toEqual([notHttp, 'hello', undefined]);
    });

    test('what cannot become the line end of a chunk is not waited for', () => {
      expect(heard(cut(`${chunked}5\r\nhelloX`)).reading).toBe(notHttp);
    });

    test.each([
      ['fill maxChunkLineBytes', 4096, 'complete'],
      ['are too long', 4097, notHttp],
    ])('extensions may %s', (_, octets, reading) => {
      const line = '5;a='.padEnd(octets - 2, 'x');
      expect(heard(cut(`${chunked}${line}\r\nhello\r\n0\r\n\r\n`)).reading).toBe(reading);
      if (reading !== 'complete') expect(heard(cut(chunked + line)).reading).toBe('more');
      if (reading !== 'complete') expect(heard(cut(`${chunked}${line}xx`)).reading).toBe(notHttp);
    });

    test('B07: of one octet each come one after the other', () => {
      const response = heard(cut(`${chunked}${'1\r\na\r\n'.repeat(5_000)}0\r\n\r\n`));
      expect([response.reading, contentOf(response)]).toEqual(['complete', 'a'.repeat(5_000)]);
    });
  });

  describe('trailers', () => {
    const last = `${chunked}2\r\nhi\r\n0\r\n`;

    test('RFC 9112 7.1.2: come with the end', () => {
      const response = heard(cut(`${last}A: 1\r\na:\t2 \r\n\r\n`));
      expect(response.reading).toBe('complete');
      expect(trailersOf(response)).toEqual([
        ['A', '1'],
        ['a', '2'],
      ]);
    });

    test.each([
      ['no colon', 'A\r\n\r\n', notHttp],
      ['a folded line', 'A: 1\r\n 2\r\n\r\n', notHttp],
      ['a name that is none', 'A b: 1\r\n\r\n', notHttp],
      ['a bare LF', 'A: 1\n\n', notHttp],
      ['a bare CR', 'A: 1\r\rB: 2\r\n\r\n', notHttp],
      ['a control octet', 'A: \0\r\n\r\n', notHttp],
      ['another response', 'HTTP/1.1 200 OK\r\n\r\n', notHttp],
      ['too many lines', 'A: 1\r\nB: 2\r\nC: 3\r\n\r\n', tooLarge],
      ['too many octets', `A: ${'x'.repeat(94)}\r\n\r\n`, tooLarge],
    ])('with %s are an error, and there is no end: %j', (_, lines, reading) => {
      const response = heard(cut(last + lines), { maxFields: 2, maxHeadBytes: 100 });
      expect([response.reading, contentOf(response), trailersOf(response)]).toEqual([reading, 'hi', undefined]);
    });

    test.each([
      ['as many as maxFields', 'A: 1\r\nB: 2\r\n\r\n'],
      ['as long as maxHeadBytes', `A: ${'x'.repeat(93)}\r\n\r\n`],
    ])('may be %s', (_, lines) => {
      expect(heard(cut(last + lines), { maxFields: 2, maxHeadBytes: 100 }).reading).toBe('complete');
    });
  });

  test.each([
    ['nothing', '', 'failed: connection_terminated', undefined],
    ['half a status line', 'HTTP/1.1 2', 'failed: connection_terminated', undefined],
    ['half a head', `${ok}A: 1\r\n`, 'failed: connection_terminated', undefined],
    ['a head', `${ok}Content-Length: 5\r\n\r\n`, 'failed: http_response_incomplete', ''],
    ['half the content', `${ok}Content-Length: 5\r\n\r\nhel`, 'failed: http_response_incomplete', 'hel'],
    ['a head of chunks', chunked, 'failed: http_response_incomplete', ''],
    ['half a chunk size', `${chunked}5;a`, 'failed: http_response_incomplete', ''],
    ['half a chunk', `${chunked}5\r\nhel`, 'failed: http_response_incomplete', 'hel'],
    ['a chunk without its end', `${chunked}5\r\nhello\r`, 'failed: http_response_incomplete', 'hello'],
    ['a chunk', `${chunked}5\r\nhello\r\n`, 'failed: http_response_incomplete', 'hello'],
    ['the last chunk without its trailers', `${chunked}0\r\n`, 'failed: http_response_incomplete', ''],
    ['half a trailer', `${chunked}0\r\nA: 1\r\n`, 'failed: http_response_incomplete', ''],
    ['content without length', `${ok}\r\nhel`, 'complete', 'hel'],
    ['a head of content without length', `${ok}\r\n`, 'complete', ''],
    ['a whole response', `${ok}${empty}`, 'complete', ''],
  ])('B05: a connection that ends behind %s', (_, text, reading, content) => {
    const response = heard(cut(text));
    expect(named(response.reader.finish())).toBe(reading);
    expect(response.parts.filter(({ kind }) => kind === 'end').length).toBe(reading === 'complete' ? 1 : 0);
    if (content === undefined) expect(response.parts).toEqual([]);
    else expect(contentOf(response)).toBe(content);
  });
});

test('content is a view into what was read: nothing is copied', () => {
  const octets = Buffer.from(`${ok}Content-Length: 5\r\n\r\nhello and more`);
  const told: Uint8Array[] = [];
  const parts = { interim: () => undefined, head: () => undefined, end: () => undefined };
  const reader = new ResponseReader(
    { method: 'GET', maxHeadBytes: 100, maxFields: 10, maxInterimResponses: 1 },
    { ...parts, content: (piece) => void told.push(piece) },
  );
  expect(reader.read(octets)).toEqual({ kind: 'complete', rest: 9 });
  expect(told.map(({ buffer, byteOffset, length }) => [buffer === octets.buffer, byteOffset, length])).toEqual([
    [true, octets.byteOffset + octets.indexOf('hello'), 5],
  ]);
});

test('every octet is one character, also where no reader of octets is given', () => {
  const reason = Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join('');
  const long = reason.repeat(80); // longer than what is turned into characters at once
  const response = heard(`HTTP/1.1 200 ${reason}\r\nA: ${long}\r\n${empty}`);
  expect(headOf(response)).toMatchObject({
    reason,
    fields: [
      ['A', long],
      ['Content-Length', '0'],
    ],
  });
  const given = heard(`HTTP/1.1 200 ${reason}\r\nA: ${long}\r\n${empty}`, {
    latin1: (octets, start, end) => Buffer.from(octets).toString('latin1', start, end),
  });
  expect(given.parts).toEqual(response.parts);
});
