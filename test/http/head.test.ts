// The lines of a head, when others have found them: a status line, field lines, and what is none.
import { describe, expect, test } from 'vitest';
import { fieldsFromLines, parseStatusLine } from '../../http/head.ts';

describe('a status line', () => {
  test.each([
    ['HTTP/1.1 200 OK', { httpVersion: '1.1', status: 200, reason: 'OK' }],
    ['HTTP/1.0 404 Not Found', { httpVersion: '1.0', status: 404, reason: 'Not Found' }],
    ['HTTP/1.1 503 ', { httpVersion: '1.1', status: 503, reason: '' }],
    ['HTTP/1.1 503', { httpVersion: '1.1', status: 503, reason: '' }],
    ['HTTP/1.1 200 200 \xff', { httpVersion: '1.1', status: 200, reason: '200 \xff' }],
  ])('RFC 9112 4: %j', (line, understood) => {
    expect(parseStatusLine(`${line}\r\nA: 1\r\n\r\n`)).toEqual({ ...understood, end: line.length + 2 });
  });

  test.each([
    '',
    'HTTP/1.1',
    'HTTP/1.1 20',
    'HTTP/1.1 2000',
    'HTTP/2 200',
    'HTTP/1.1 000 OK',
    'A: 1',
    'HTTP/1.1 200\tOK',
  ])('RFC 9112 4: %j is none, whatever follows it', (line) => {
    expect(parseStatusLine(`${line}\r\nHTTP/1.1 200 OK\r\n\r\n`)).toBeUndefined();
  });

  test('a text without line end is none', () => {
    expect(parseStatusLine('HTTP/1.1 200')).toBeUndefined();
  });
});

describe('field lines', () => {
  test('RFC 9112 5: are told in their order, with duplicates, from where they begin', () => {
    const text = 'HTTP/1.1 200 OK\r\nA: 1\r\nb:2\r\nA:\t3 \r\n\r\n';
    expect(fieldsFromLines(text, 17, 3)).toEqual({
      kind: 'fields',
      fields: [
        ['A', '1'],
        ['b', '2'],
        ['A', '3'],
      ],
    });
  });

  test.each([
    ['RFC 9110 5.5: spaces and tabs around it are not part of it', 'A: \t1 2\t ', '1 2'],
    ['RFC 9110 5.5: it may be empty', 'A:', ''],
    ['RFC 9110 5.5: it may be nothing but spaces', 'A:   ', ''],
    ['RFC 9110 5.5: other white space is part of it', 'A:\xa01\x85', '\xa01\x85'],
    ['RFC 9112 5: only the first colon divides', 'A:b:c', 'b:c'],
  ])('a value, %s: %j', (_, line, value) => {
    expect(fieldsFromLines(`${line}\r\n\r\n`, 0, 1)).toEqual({ kind: 'fields', fields: [['A', value]] });
  });

  test('there may be none', () => {
    expect(fieldsFromLines('\r\n', 0, 0)).toEqual({ kind: 'fields', fields: [] });
  });

  test.each([
    ['no colon', 'A'],
    ['no colon but in the next line', 'A\r\nB: 1'],
    ['an empty name', ': 1'],
    ['space ahead of the colon', 'A : 1'],
    ['a folded line', 'A: 1\r\n B'],
    ['a name of two words', 'A B: 1'],
    ['a name in quotes', '"A": 1'],
    ['obs-text in the name', '\xc4: 1'],
  ])('RFC 9112 5: %s is an error: %j', (_, lines) => {
    expect(fieldsFromLines(`${lines}\r\n\r\n`, 0, 10)).toMatchObject({
      kind: 'failed',
      error: { type: 'http_protocol_error', status: 502 },
    });
  });

  test('as many as maxFields are taken, and one more is an error of its own', () => {
    const lines = `${'A: 1\r\n'.repeat(3)}\r\n`;
    expect(fieldsFromLines(lines, 0, 3).kind).toBe('fields');
    expect(fieldsFromLines(lines, 0, 2)).toMatchObject({
      kind: 'failed',
      error: { type: 'http_response_header_section_size' },
    });
  });

  test('no error repeats what the destination sent', () => {
    const failed = fieldsFromLines('Secret\r\n\r\n', 0, 1);
    expect(failed.kind === 'failed' && failed.error.message).not.toContain('Secret');
  });
});
