// What an HTTP parent is asked for a tunnel, and what each of its answers means, also one octet at a time.
import { describe, expect, test } from 'vitest';
import { parseParent } from '../../../agent/upstream/parent.ts';
import { connectTurn, proxyAuthorization } from '../../../agent/upstream/parent-connect.ts';

const parent = parseParent('http://proxy.example:3128', 'HTTPS_PROXY');
const known = parseParent('http://me:s%C3%A9cret@proxy.example:3128', 'HTTPS_PROXY');

test('the request has authority, Host and Via, and nothing that this agent’s client said', () => {
  expect(text(connectTurn(parent, 'o.example:443', 'edgehop-1a2b').send)).toBe(
    'CONNECT o.example:443 HTTP/1.1\r\nHost: o.example:443\r\nVia: 1.1 edgehop-1a2b\r\n\r\n',
  );
});

test('credentials go as Basic, in UTF-8', () => {
  const basic = `Basic ${Buffer.from('me:sécret', 'utf8').toString('base64')}`;
  expect(proxyAuthorization(known)).toBe(basic);
  expect(proxyAuthorization(parent)).toBe(undefined);
  expect(text(connectTurn(known, 'o.example:443', 'x').send)).toContain(`\r\nProxy-Authorization: ${basic}\r\n\r\n`);
});

describe('an answer', () => {
  test.each([
    ['HTTP/1.1 200 Connection established\r\n\r\n'],
    ['HTTP/1.0 200 OK\r\nVia: 1.0 squid\r\n\r\n'],
    ['HTTP/1.1 200\r\n\r\n'],
    ['HTTP/1.1 204 No Content\r\n\r\n'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n'], // RFC 9110 9.3.6: without meaning
    ['HTTP/1.1 200 \xd6k\r\nX: \xff\r\n\r\n'],
  ])('%j opens the way, and no octet behind it is taken', (head) => {
    expect(heard(`${head}\x16\x03\x01 first octets`)).toEqual({ kind: 'open', octets: head.length });
    for (let i = 0; i < head.length; i++) expect(heard(head.slice(0, i)).kind).toBe('more');
  });

  test('may come after interim ones, of which there are not many', () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
    let turn = connectTurn(parent, 'o.example:443', 'x');
    for (let i = 0; i < 10; i++) {
      const next = turn.hear(octets(`${interim}HTTP/1.1 200 OK\r\n\r\n`));
      if (next.kind !== 'next') throw new Error(next.kind);
      expect(next.octets).toBe(interim.length);
      expect(next.turn.send.length).toBe(0);
      turn = next.turn;
    }
    expect(turn.hear(octets('HTTP/1.1 200 OK\r\n\r\n')).kind).toBe('open');
    expect(turn.hear(octets(interim))).toMatchObject({ kind: 'refused', error: { type: 'http_protocol_error' } });
  });

  test.each<readonly [head: string, kind: string, type: string, status: number, says: RegExp]>([
    ['HTTP/1.1 403 Forbidden', 'refused', 'http_request_denied', 403, /does not go .* \(status 403\)/],
    ['HTTP/1.1 400 Bad', 'refused', 'http_request_denied', 403, /status 400/],
    ['HTTP/1.1 405 Method Not Allowed', 'refused', 'http_request_denied', 403, /status 405/],
    ['HTTP/1.1 500 Oops', 'unreached', 'destination_unavailable', 502, /could not reach .* \(status 500\)/],
    ['HTTP/1.1 502 Bad Gateway', 'unreached', 'destination_unavailable', 502, /status 502/],
    ['HTTP/1.1 503 Unavailable', 'unreached', 'destination_unavailable', 502, /status 503/],
    ['HTTP/1.1 504 Timeout', 'unreached', 'connection_timeout', 504, /in time/],
    ['HTTP/1.1 302 Found\r\nLocation: http://login.example/', 'refused', 'destination_unavailable', 502, /login pages/],
    ['HTTP/1.1 511 Network Authentication Required', 'refused', 'destination_unavailable', 502, /login pages/],
    ['HTTP/1.1 101 Switching Protocols', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.1 2000 OK', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.1 600 OK', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.1  200 OK', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.2 200 OK', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.1 200 OK\nX: y', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.1 200 OK\r\nX: y\rz', 'refused', 'http_protocol_error', 502, /malformed/],
    ['HTTP/1.1 200 OK\r\nX: \0', 'refused', 'http_protocol_error', 502, /malformed/],
  ])('%j is %s as %s, answered with %i', (head, kind, type, status, says) => {
    const { error, ...rest } = heard(`${head}\r\n\r\n`) as Extract<ReturnType<typeof heard>, { kind: 'refused' }>;
    expect(rest.kind).toBe(kind);
    expect(error).toMatchObject({ type, status, message: expect.stringMatching(says) });
    expect(error.message).toContain('http://proxy.example:3128');
    expect(error.advice).toMatch(/\.$/);
  });

  test('of lines that end in LF is refused as soon as that is seen', () => {
    expect(heard('HTTP/1.1 200 OK\n\n')).toMatchObject({ kind: 'refused', error: { type: 'http_protocol_error' } });
  });

  test.each(['SSH-2.0-OpenSSH_9.2\r\n', '\x05\x00', '\x15\x03\x01\x00\x02\x02', '<html>', 'HTTP/2', 'http/1.1 200'])(
    '%j is none of HTTP, and that is seen at once',
    (garbage) => {
      const result = heard(garbage);
      expect(result).toMatchObject({ kind: 'refused', error: { type: 'proxy_configuration_error', status: 502 } });
      expect(result).toMatchObject({ error: { advice: expect.stringContaining('HTTPS_PROXY') } });
    },
  );

  test('D10: a challenge of the parent is for this agent, and never becomes one for its client', () => {
    const challenge = 'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n';
    expect(heard(challenge)).toMatchObject({
      kind: 'refused',
      error: {
        type: 'proxy_configuration_error',
        status: 502,
        message: expect.stringContaining('asks for credentials'),
        advice: expect.stringMatching(/HTTPS_PROXY.*user:password@/),
      },
    });
    expect(heard('HTTP/1.1 401 Unauthorized\r\n\r\n')).toMatchObject({ error: { type: 'proxy_configuration_error' } });
    const refused = connectTurn(known, 'o.example:443', 'x').hear(octets(challenge));
    expect(refused).toMatchObject({
      error: { status: 502, message: expect.stringContaining('does not take the credentials') },
    });
    expect(JSON.stringify(refused)).not.toMatch(/cret/);
  });
});

function heard(answer: string) {
  return connectTurn(parent, 'o.example:443', 'edgehop-1a2b').hear(octets(answer));
}

function octets(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1');
}

function text(sent: Uint8Array): string {
  return Buffer.from(sent).toString('latin1');
}
