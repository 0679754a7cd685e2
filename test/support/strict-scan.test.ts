// The judge is judged: what RFC 9112 takes is taken, what it does not is found, and a careless proxy is caught.
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connectClient } from './client.ts';
import { replayRequest } from './replay-request.ts';
import { replayResponse } from './replay-response.ts';
import { scanRequests, scanResponses } from './strict-scan.ts';
import { startTcp } from './tcp.ts';

const request = (text: string) => scanRequests(Buffer.from(text, 'latin1'), 'upstream');
const response = (text: string, isEnded = false) => scanResponses(Buffer.from(text, 'latin1'), ['GET'], isEnded);
const host = 'Host: a\r\n';

describe('of requests', () => {
  test.each([
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', ''],
    ['OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', ''],
    [`POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`, 'hello'],
    [
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: Chunked\r\n\r\n5;a="b\\"" ; c\r\nhello\r\n00\r\nX: y\r\n\r\n`,
      'hello',
    ],
  ])('%j is sound and complete', (text, content) => {
    const { messages, violation, end } = request(text + text);
    expect([violation, end, messages.map((each) => `${each.isComplete} ${each.content}`)]).toEqual([
      undefined,
      text.length * 2,
      [`true ${content}`, `true ${content}`],
    ]);
  });

  test.each([
    'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\nHost: a\n\n',
    'GET / HTTP/1.1\r\n\r\n',
    `GET / HTTP/1.1\r\n${host}${host}\r\n`,
    `GET / HTTP/1.1\r\n${host} X: y\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X : y\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}X: a\x01b\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 05\r\n\r\nhello`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0x5\r\n`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n`,
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n`,
    '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  ])('%j is a violation', (text) => {
    expect(request(text).violation).toBeDefined();
  });

  test('any sound message that is cut anywhere is incomplete, and no violation', () => {
    const text = `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n`;
    for (let octets = 1; octets < text.length; octets++) {
      const { messages, violation, isMidHead } = request(text.slice(0, octets));
      expect([octets, violation, isMidHead || messages[0]?.isComplete === false]).toEqual([octets, undefined, true]);
    }
  });
});

describe('of responses', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';

  test.each([
    [`HTTP/1.1 103 Early Hints\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`, 'ok', false],
    [`${ok}\r\nall`, 'all', true],
    ['HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n', '', false],
    ['HTTP/1.1 204 No Content\r\n\r\n', '', false],
  ])('%j is sound and complete', (text, content, isEnded) => {
    const { messages, violation } = response(text, isEnded);
    const last = messages.at(-1);
    expect([violation, last?.isComplete, last?.content.toString()]).toEqual([undefined, true, content]);
  });

  test.each([
    `${ok}Content-Length: 2\r\n\r\nok${ok}\r\n`,
    `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'hello',
  ])('%j is a violation, or no response', (text) => {
    const { messages, violation, isMidHead } = response(text);
    expect(violation !== undefined || (isMidHead && messages.length === 0)).toBe(true);
  });
});

describe('a proxy that passes octets on as they come', () => {
  /** Sends the first line on in origin-form, and after it what there is. */
  const careless = () =>
    startTcp((client) => {
      client.once('data', (octets) => {
        const text = octets.toString('latin1');
        const [, port = '0'] = /127\.0\.0\.1:(\d+)/.exec(text) ?? [];
        const origin = connect(Number(port), '127.0.0.1').on('error', () => client.destroy());
        origin.write(text.replace(/http:\/\/127\.0\.0\.1:\d+/g, ''), 'latin1');
        origin.pipe(client);
        client.on('data', (more) =>
          origin.write(more.toString('latin1').replace(/http:\/\/127\.0\.0\.1:\d+/g, ''), 'latin1'),
        );
        client.on('end', () => origin.end());
      });
    });
  const post = 'POST http://{{ORIGIN}}/c/{{ID}} HTTP/1.1\r\nHost: {{ORIGIN}}\r\n';

  test.each([
    `${post}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    `${post}Content-Length: 010\r\n\r\nhellohello`,
    `${post}X : y\r\nContent-Length: 0\r\n\r\n`,
  ])('is caught by %j', async (raw) => {
    await using proxy = await careless();
    expect(await replayRequest(proxy.port, raw, 'whole')).not.toEqual([]);
  });

  test.each([
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison',
    'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
  ])('is caught by the response %j', async (raw) => {
    await using proxy = await careless();
    expect(await replayResponse(proxy.port, raw, 'whole')).not.toEqual([]);
  });

  test('is not caught where there is nothing to catch', async () => {
    await using proxy = await careless();
    expect(await replayRequest(proxy.port, `${post}Content-Length: 5\r\n\r\nhello`, 'whole')).toEqual([]);
    expect(await replayResponse(proxy.port, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'whole')).toEqual([]);
    using client = await connectClient(proxy.port);
    expect(client.socket.destroyed).toBe(false);
  });
});
