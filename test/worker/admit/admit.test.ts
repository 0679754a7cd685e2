// What the edge refuses to fetch, whatever the agent has allowed; and that workerd itself refuses it too.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DestinationPolicy } from '../../../http/destination.ts';
import { judgeExchange } from '../../../worker/admit/admit.ts';
import {
  call,
  envelopeFor,
  exchange,
  failureOf,
  responseOf,
  startDeployedEdge,
  startEmbeddedEdge,
  type TestEdge,
} from '../../support/edge.ts';
import { message, startOrigin } from '../../support/origin.ts';

const strict: DestinationPolicy = { allowPrivate: false, exceptions: [] };
const open: DestinationPolicy = { allowPrivate: true, exceptions: [] };
const loopback = { kind: 'range', range: '127.0.0.1', port: undefined } as const;

function judge(url: string, policy = strict, fields: [string, string][] = [], method = 'GET'): string {
  const verdict = judgeExchange({ method, url, fields }, 'edge.example', policy);
  return verdict.kind === 'refused' ? verdict.error.type : 'allowed';
}

describe('a destination', () => {
  test('without a path is one for OPTIONS only, RFC 9112 3.2.4', () => {
    const methods = ['OPTIONS', 'GET', 'HEAD', 'BREW'];
    const verdicts = methods.map((method) => judge('http://origin.example', strict, [], method));
    expect(verdicts).toEqual(['allowed', ...Array(3).fill('http_request_denied')]);
    expect(judge('http://127.0.0.1', strict, [], 'OPTIONS')).toBe('destination_ip_prohibited');
    expect(judge('http://edge.example', strict, [], 'OPTIONS')).toBe('proxy_loop_detected');
  });

  test.each([
    'http://origin.example/',
    'https://origin.example/a?b',
    'http://origin.example:8080/',
    'https://origin.example:8443/',
    'http://edge.example:8080/', // another port is another server
    'http://sub.edge.example/',
    'http://8.8.8.8/',
    'http://[2606:4700::1111]/',
    'http://[64:ff9b::808:808]/', // NAT64 of 8.8.8.8
    'http://127.0.0.1.nip.example/', // a name; what it resolves to is the network's to refuse
    'http://xn--bcher-kva.example/',
  ])('%s is allowed', (url) => {
    expect(judge(url)).toBe('allowed');
  });

  test.each([
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://100.64.0.1/',
    'http://127.0.0.1/',
    'http://127.255.255.254/',
    'http://169.254.169.254/latest/meta-data/',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.1.1/',
    'http://198.18.0.1/',
    'http://224.0.0.1/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    'http://[::]/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/', // 127.0.0.1
    'http://[::ffff:a9fe:a9fe]/', // 169.254.169.254
    'http://[64:ff9b::7f00:1]/', // NAT64 of 127.0.0.1
    'http://[2002:7f00:1::]/', // 6to4 of 127.0.0.1
    'http://[fc00::1]/',
    'http://[fd00:ec2::254]/', // a cloud's metadata
    'http://[fe80::1]/',
    'http://[ff02::1]/',
    'http://localhost/',
    'http://a.localhost/',
    'http://intranet/',
    'http://printer.local/',
    'http://metadata.google.internal/',
    'http://nas.home.arpa/',
  ])('%s is prohibited, unless all that is private is allowed', (url) => {
    expect(judge(url)).toBe('destination_ip_prohibited');
    expect(judge(url, open)).toBe('allowed');
  });

  test.each(['http://127.0.0.2/', 'http://[::1]/', 'http://localhost/'])(
    '%s stays prohibited when the exception is another',
    (url) => {
      expect(judge(url, { allowPrivate: false, exceptions: [loopback] })).toBe('destination_ip_prohibited');
    },
  );

  test.each([
    ['http://127.0.0.1/', loopback],
    ['http://127.0.0.1:9000/', { kind: 'range', range: '127.0.0.0/8', port: 9000 }],
    ['http://localhost/', { kind: 'name', name: 'localhost', port: undefined }],
    ['http://a.corp:81/', { kind: 'name', name: '*.corp', port: 81 }],
  ] as const)('%s is allowed by its exception', (url, exception) => {
    expect(judge(url)).toBe('destination_ip_prohibited');
    expect(judge(url, { allowPrivate: false, exceptions: [exception] })).toBe('allowed');
  });

  test.each([1, 22, 25, 53, 110, 6000, 6667])('port %i is denied, whatever is private', (port) => {
    expect(judge(`http://origin.example:${port}/`)).toBe('http_request_denied');
    expect(judge(`http://origin.example:${port}/`, open)).toBe('http_request_denied');
  });
});

test.each([
  ['userinfo', 'http://user:secret@origin.example/'],
  ['a name as userinfo', 'http://origin.example@evil.example/'],
  ['upper case', 'http://ORIGIN.example/'],
  ['the default port', 'http://origin.example:80/'],
  ['no path', 'http://origin.example'],
  ['dot segments', 'http://origin.example/a/../b'],
  ['encoded dot segments', 'http://origin.example/a/%2e%2e/b'],
  ['a backslash', 'http://origin.example\\@evil.example/'],
  ['a tab', 'http://origin.example/a\tb'],
  ['a line', 'http://origin.example/ HTTP/1.1\r\nX-A: b'],
  ['white space before it', ' http://origin.example/'],
  ['what the parser would encode', 'http://origin.example/"'],
  ['letters beyond ASCII', 'http://b\u00fccher.example/'],
  ['a fragment', 'http://origin.example/#a'],
  ['an IPv4 address in octal', 'http://0177.0.0.1/'],
  ['an IPv4 address in hexadecimal', 'http://0x7f000001/'],
  ['an IPv4 address in two parts', 'http://127.1/'],
  ['an IPv6 address not shortened', 'http://[0:0:0:0:0:0:0:1]/'],
  ['an IPv6 zone', 'http://[fe80::1%25eth0]/'],
  ['an encoded host', 'http://%6c%6f%63%61%6c%68%6f%73%74/'],
  ['another scheme', 'ftp://origin.example/'],
  ['a file', 'file:///etc/passwd'],
  ['data', 'data:text/plain,a'],
  ['a path alone', '/v1/hello'],
  ['two slashes', '//origin.example/'],
  ['an asterisk', '*'],
  ['nothing', ''],
])('a URL with %s is denied, for it is not what would be fetched', (_, url) => {
  expect(judge(url, open)).toBe('http_request_denied');
});

test.each([
  ['the own host', 'https://edge.example/v1/hello', []],
  ['the own host by the other scheme', 'http://edge.example/', []],
  ['the own host with the root dot', 'https://edge.example./', []],
  ['the loop mark', 'http://origin.example/', [['CDN-Loop', 'edgehop']]],
  ['the loop mark among others', 'http://origin.example/', [['cdn-loop', 'a; v=1, EDGEHOP; b']]],
  [
    'the loop mark on a second line',
    'http://origin.example/',
    [
      ['CDN-Loop', 'a'],
      ['CDN-Loop', 'edgehop'],
    ],
  ],
] as [string, string, [string, string][]][])('%s is a loop', (_, url, fields) => {
  expect(judge(url, open, fields)).toBe('proxy_loop_detected');
});

test('the loop mark of others is no loop', () => {
  expect(judge('http://origin.example/', strict, [['CDN-Loop', 'cloudflare; edgehop="1", edgehop2']])).toBe('allowed');
});

describe('over the wire', () => {
  test('a deployed edge refuses what is private, and does not dial it', async () => {
    await using origin = await startOrigin(() => undefined);
    await using edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
    const { error } = failureOf(await exchange(edge.direct, envelopeFor(origin.url)));
    expect(error).toMatchObject({ type: 'destination_ip_prohibited', status: 403 });
    expect(error.advice).toContain('embedded');
    expect(origin.connections).toBe(0);
  });

  test('an embedded edge refuses its own sockets', async () => {
    await using edge = await startEmbeddedEdge();
    for (const socket of [edge.direct, edge.entry]) {
      const { error } = failureOf(await exchange(socket, envelopeFor(`${socket}/v1/hello`)));
      expect(error.type).toBe('proxy_loop_detected');
    }
  });

  test.each([
    ['nothing is excepted', [], 'failed', 0],
    ['the address is', [loopback], 'response', 1],
  ] as const)('an embedded edge without private destinations, when %s', async (_, exceptions, kind, connections) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    await using edge = await startEmbeddedEdge({ policy: { allowPrivate: false, exceptions } });
    const reply = await exchange(edge.direct, envelopeFor(origin.url));
    if (kind === 'response') expect(responseOf(reply).status).toBe(204);
    else expect(failureOf(reply).error.type).toBe('destination_ip_prohibited');
    expect(origin.connections).toBe(connections);
  });
});

describe("workerd's own network, below a worker that checks nothing", () => {
  const source = `export default {
    async fetch(request, env) {
      try {
        const response = await env.UPSTREAM.fetch(request.headers.get('x-url'));
        return new Response(String(response.status));
      } catch (cause) {
        return new Response(String(cause), { status: 502 });
      }
    },
  };`;
  let strictEdge: TestEdge;
  let exceptedEdge: TestEdge;
  beforeAll(async () => {
    strictEdge = await startEmbeddedEdge({ source, policy: strict });
    exceptedEdge = await startEmbeddedEdge({ source, policy: { allowPrivate: false, exceptions: [loopback] } });
  });
  afterAll(async () => {
    await strictEdge[Symbol.asyncDispose]();
    await exceptedEdge[Symbol.asyncDispose]();
  });

  test.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0.0.0.0'])('does not dial %s', async (host) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    const reply = await call(strictEdge.direct, { fields: { 'x-url': `http://${host}:${origin.port}/` } });
    expect(reply.status).toBe(502);
    expect(origin.connections).toBe(0);
  });

  test.each(['127.0.0.1', 'localhost'])('dials %s when the address is excepted', async (host) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    const reply = await call(exceptedEdge.direct, { fields: { 'x-url': `http://${host}:${origin.port}/` } });
    expect(reply.content.toString()).toBe('204');
    expect(origin.connections).toBe(1);
  });

  test('does not dial what is not excepted when something else is', async () => {
    await using origin = await startOrigin(() => undefined);
    const other = { kind: 'range', range: '127.0.0.2', port: undefined } as const;
    await using edge = await startEmbeddedEdge({ source, policy: { allowPrivate: false, exceptions: [other] } });
    expect((await call(edge.direct, { fields: { 'x-url': `${origin.url}/` } })).status).toBe(502);
    expect(origin.connections).toBe(0);
  });
});
