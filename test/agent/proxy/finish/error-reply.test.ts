// An error as a page or as problem details: what to do next, what to look for, and nothing of the request.
import { describe, expect, test } from 'vitest';
import { errorReply, refuseSocket } from '../../../../agent/proxy/finish/error-reply.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { problem } from '../../../../schemas/api.ts';
import type { ErrorType } from '../../../../schemas/error.ts';
import { startOrigin } from '../../../support/origin.ts';

const error = new ProxyError('dns_error', 'It said <b>"no"</b> & \'never\'.', { advice: 'Ask <another>.' });
const browser = 'text/html,application/xhtml+xml,*/*;q=0.8';

describe('for a program', () => {
  const { body, fields } = errorReply(error, 'agent', '1a2b-7', '*/*');

  test('problem details (RFC 9457)', () => {
    expect(problem.parse(JSON.parse(body.toString()))).toEqual({
      type: 'https://www.rfc-editor.org/rfc/rfc9209#section-2.3.2',
      title: 'Bad Gateway',
      status: 502,
      detail: error.message,
      advice: error.advice,
      exchange: '1a2b-7',
    });
  });

  test('fields that say what it is, and that nobody may store it', () => {
    expect(fields).toEqual([
      ['Content-Type', 'application/problem+json'],
      ['Content-Length', String(body.length)],
      ['Cache-Control', 'no-store'],
      ['Proxy-Status', 'edgehop;error=dns_error;details="It said <b>\\"no\\"</b> & \'never\'."'],
      ['Server-Timing', 'edgehop;desc="1a2b-7"'],
    ]);
  });

  test.each([
    ['http_request_denied', 407, ['Proxy-Authenticate', 'Basic realm="edgehop", charset="UTF-8"']],
    ['http_request_denied', 429, ['Retry-After', '1']],
  ] as const)('%s with %i says what to do (RFC 7617 2.1, RFC 6585 4)', (type, status, field) => {
    for (const accept of ['*/*', browser])
      expect(errorReply(new ProxyError(type, 'No.', { status }), 'agent', 'x', accept).fields).toContainEqual(field);
  });

  test.each([
    ['http_request_denied', 403],
    ['http_request_error', 429],
  ] as const)('%s with %i asks for nothing', (type, status) => {
    const { fields } = errorReply(new ProxyError(type, 'No.', { status }), 'agent', 'x', undefined);
    expect(fields).toHaveLength(5);
  });

  test.each([undefined, '', 'application/json', 'text/plain'])('who accepts %s is a program', (accept) => {
    expect(errorReply(error, 'agent', 'x', accept).body.toString()).toMatch(/^\{/);
  });

  test('without advice there is none', () => {
    const plain = errorReply(new ProxyError('dns_error', 'No.'), 'agent', 'x', undefined);
    expect('advice' in JSON.parse(plain.body.toString())).toBe(false);
  });

  test.each([
    ['dns_timeout', '1'],
    ['http_response_header_section_size', '19'],
    ['proxy_loop_detected', '32'],
  ] as [ErrorType, string][])('%s leads to RFC 9209 2.3.%s', (type, section) => {
    const { body } = errorReply(new ProxyError(type, 'No.'), 'agent', 'x', undefined);
    expect(JSON.parse(body.toString()).type).toBe(`https://www.rfc-editor.org/rfc/rfc9209#section-2.3.${section}`);
  });
});

describe('for a person’s browser', () => {
  const { body, fields } = errorReply(error, 'edge', '<7>', browser);

  test('D09: a page in which nothing is markup but its own', () => {
    const text = body.toString();
    expect(text).toContain('<h1>502 Bad Gateway</h1>');
    expect(text).toContain('<p>It said &#60;b&#62;&#34;no&#34;&#60;/b&#62; &#38; &#39;never&#39;.</p>');
    expect(text).toContain('<p>Ask &#60;another&#62;.</p>');
    expect(text).toContain('exchange &#60;7&#62;');
    expect(text).not.toMatch(/<b>|<another>|<7>|<script/);
  });

  test('a page that loads nothing and stands in no frame', () => {
    expect(fields).toContainEqual(['Content-Type', 'text/html; charset=utf-8']);
    expect(fields).toContainEqual(['Content-Length', String(body.length)]);
    expect(fields).toContainEqual(['X-Content-Type-Options', 'nosniff']);
    expect(new Map(fields).get('Content-Security-Policy')).toContain("default-src 'none'");
  });

  test('an error of the edge is the edge’s in Proxy-Status', () => {
    expect(new Map(fields).get('Proxy-Status')).toMatch(/^edgehop-edge;error=dns_error;/);
  });
});

test('a whole response is written to a socket that nobody parses any more, and it is closed', async () => {
  await using listener = await startOrigin((_, socket) => {
    refuseSocket(socket, new ProxyError('http_request_error', 'Too large.', { status: 431 }), '1a2b-7');
  });
  const answer = await fetch(listener.url);
  expect(answer.status).toBe(431);
  expect(answer.headers.get('connection')).toBe('close');
  expect(await answer.json()).toMatchObject({ status: 431, exchange: '1a2b-7' });
});
