// What is accepted is understood whole; what is ambiguous is refused with a status and a reason.
import { PassThrough, type Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { accept } from '../../../../agent/proxy/accept/accept.ts';
import type { Accepted, AcceptedRequest, Arrival } from '../../../../agent/proxy/ports.ts';
import { testTrace } from '../../../support/walk.ts';

describe('accepted', () => {
  test('a request in absolute-form, its URL canonical and its fields as they came', () => {
    const { request, trace } = accepted('GET HTTP://O.Example:80/a/../b?c', ['hOST: x', 'A: 1', 'a: 2']);
    expect(request).toMatchObject({
      method: 'GET',
      url: 'http://o.example/b?c',
      scheme: 'http',
      host: 'o.example',
      port: 80,
      path: '/b?c',
      httpVersion: '1.1',
      framing: { kind: 'none' },
      content: undefined,
    });
    expect(request.fields).toEqual([
      ['hOST', 'x'],
      ['A', '1'],
      ['a', '2'],
    ]);
    expect(trace).toMatchObject({
      method: 'GET',
      url: 'http://o.example/b?c',
      httpVersion: '1.1',
      host: 'o.example',
      port: 80,
    });
  });

  test('A20, RFC 9112 3.2.2: a Host that differs from the target is ignored', () => {
    expect(accepted('GET http://b.example/', ['Host: a.example']).request.host).toBe('b.example');
  });

  test('A21: HTTP/1.0 needs no Host', () => {
    expect(accepted('GET http://o.example/', [], '1.0').request.httpVersion).toBe('1.0');
  });

  test('D11: userinfo in the target goes nowhere', () => {
    const { request } = accepted('GET http://u:p@o.example/', ['Host: o.example']);
    expect(JSON.stringify([request.url, request.host, request.path, request.fields])).not.toMatch(/u:p|u@/);
  });

  test.each([
    ['A02', ['Transfer-Encoding: chunked'], { kind: 'chunked' }, true],
    ['A05', ['Content-Length: 010'], { kind: 'length', octets: 10 }, true],
    ['A13: GET with content', ['Content-Length: 1'], { kind: 'length', octets: 1 }, true],
    ['a length of zero', ['Content-Length: 0'], { kind: 'length', octets: 0 }, false],
    ['none', [], { kind: 'none' }, false],
  ] as const)('framing, %s: %j', (_, lines, framing, hasContent) => {
    const { request } = accepted('GET http://o.example/', ['Host: o.example', ...lines]);
    expect(request.framing).toEqual(framing);
    expect(request.content !== undefined).toBe(hasContent);
  });
});

describe('refused', () => {
  const host = 'Host: o.example';
  test.each([
    ['A01', 'POST http://o.example/', [host, 'Content-Length: 5', 'Transfer-Encoding: chunked'], 400],
    ['A04', 'POST http://o.example/', [host, 'Content-Length: +5'], 400],
    ['A20: two Hosts', 'GET http://o.example/', [host, host], 400],
    ['A20: an empty Host', 'GET http://o.example/', ['Host:'], 400],
    ['A20: a Host with userinfo', 'GET http://o.example/', ['Host: b@a'], 400],
    ['A20: a Host with a path', 'GET http://o.example/', ['Host: a/x?'], 400],
    ['A21: no Host', 'GET http://o.example/', [], 400],
    ['A24: asterisk-form', 'OPTIONS *', [host], 400],
    ['A24: origin-form', 'GET /', [host], 400],
    ['A24: no form', 'GET admin', [host], 400],
    ['a fragment', 'GET http://o.example/#x', [host], 400],
  ])('%s: %s with %j', (_, line, lines, status) => {
    expect(arrive(line, lines)).toMatchObject({ kind: 'refused', error: { type: 'http_request_error', status } });
  });

  test('A06: chunks in HTTP/1.0', () => {
    expect(arrive('POST http://o.example/', ['Transfer-Encoding: chunked'], '1.0').kind).toBe('refused');
  });

  test.each(['2.0', '1.2', '0.9', '3.1'])('A12: HTTP/%s is answered 505', (version) => {
    expect(arrive('GET http://o.example/', [host], version)).toMatchObject({ error: { status: 505 } });
  });

  test('G02: a page that asks the proxy for a path of its own is told how a proxy is used', () => {
    expect(arrive('GET /v1/exchanges', ['Host: 127.0.0.1:8080'])).toMatchObject({
      error: { advice: expect.stringContaining('proxy') },
    });
  });

  test('nothing of the request stands in the reason', () => {
    const refusals = [
      arrive('GET http://secret.example/#x', [host]),
      arrive('GET http://o.example/', ['Host: secret@x']),
      arrive('POST http://o.example/', [host, 'Content-Length: secret']),
      arrive('GET secret', [host]),
    ];
    for (const refusal of refusals) expect((refusal as { error: Error }).error.message).not.toContain('secret');
  });
});

describe('reverse routes', () => {
  const route = (host: string, path = '/') => ({ host, path, pool: `${host}${path}`, stripPath: false });
  const routes = [route('app.localhost', '/api'), route('app.localhost'), route('*.dev.localhost'), route('127.0.0.1')];
  const all = [...routes, route('*')];
  const asked = (line: string, lines: readonly string[], given = routes, version = '1.1') =>
    accept(arrivalOf(line, lines, version), given);

  test.each([
    ['GET /', 'app.localhost:8080', 'http://app.localhost:8080/', 'app.localhost/'],
    ['GET /api/x?y', 'app.localhost', 'http://app.localhost/api/x?y', 'app.localhost/api'],
    ['GET /a/../api/./x', 'App.Localhost:80', 'http://app.localhost/api/x', 'app.localhost/api'],
    ['GET /%2e%2e/api', 'app.localhost', 'http://app.localhost/api', 'app.localhost/api'],
    ['GET //evil.example/', 'app.localhost', 'http://app.localhost//evil.example/', 'app.localhost/'],
    ['POST /', 'a.dev.localhost:1', 'http://a.dev.localhost:1/', '*.dev.localhost/'],
    ['GET /', '127.0.0.1:8080', 'http://127.0.0.1:8080/', '127.0.0.1/'],
  ])('%s with Host: %s is %s, of %s', (line, host, url, pool) => {
    const result = asked(line, [`Host: ${host}`]);
    expect(result).toMatchObject({ kind: 'accepted', request: { url, reverse: { pool }, scheme: 'http' } });
  });

  test.each([
    ['G03: a host that nobody configured', 'GET /', ['Host: evil.example:8080']],
    ['a name that only ends alike', 'GET /', ['Host: notapp.localhost']],
    ['two Hosts', 'GET /', ['Host: app.localhost', 'Host: app.localhost']],
    ['a Host with userinfo', 'GET /', ['Host: x@app.localhost']],
    ['a Host with a path', 'GET /', ['Host: app.localhost/api']],
    ['an empty Host', 'GET /', ['Host:']],
    ['no Host', 'GET /', []],
    ['the proxy itself', 'OPTIONS *', ['Host: app.localhost']],
    ['A01: two lengths', 'POST /', ['Host: app.localhost', 'Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['A04: a length that is none', 'POST /', ['Host: app.localhost', 'Content-Length: +5']],
    ['a fragment', 'GET /#x', ['Host: app.localhost']],
    ['a backslash', 'GET /a\\\\b', ['Host: app.localhost']],
  ])('%s is refused as without routes', (_, line, lines) => {
    expect(asked(line, lines)).toMatchObject({ kind: 'refused', error: { status: 400 } });
    expect(accept(arrivalOf(line, lines, '1.1'))).toMatchObject({ kind: 'refused', error: { status: 400 } });
  });

  test.each([
    ['no Host', []],
    ['an empty one', ['Host:']],
    ['two', ['Host: a', 'Host: b']],
  ])('a route for any host takes none that is ambiguous: %s', (_, lines) => {
    expect(asked('GET /', lines, all)).toMatchObject({ kind: 'refused', error: { status: 400 } });
  });

  test('a route for any host takes what is asked in origin-form, and nothing that a proxy is asked for', () => {
    expect(asked('GET /x', ['Host: any.example'], all)).toMatchObject({ request: { reverse: { pool: '*/' } } });
    expect(asked('GET http://any.example/x', ['Host: x'], all)).toMatchObject({ request: { reverse: undefined } });
  });

  test.each([
    ['http://app.localhost/', 'app.localhost/'],
    ['http://app.localhost:8080/', 'app.localhost/'],
    ['http://app.localhost:3000/', undefined],
    ['https://app.localhost/', undefined],
    ['http://other.localhost/', undefined],
  ])('a program that uses us as its proxy and asks for %s gets %s', (url, pool) => {
    const result = asked(`GET ${url}`, ['Host: evil.example']);
    expect(result).toMatchObject({
      kind: 'accepted',
      request: { url, reverse: pool === undefined ? undefined : { pool } },
    });
  });

  test('A21: HTTP/1.0 without Host asks the address that it has connected to', () => {
    const url = 'http://127.0.0.1:8080/x';
    expect(asked('GET /x', [], routes, '1.0')).toMatchObject({ request: { url, reverse: { pool: '127.0.0.1/' } } });
  });
});

describe('edgehop itself', () => {
  test.each([
    'GET http://edgehop.internal/',
    'GET http://EdgeHop.Internal./x/../',
    'GET http://u:p@edgehop.internal/',
    'POST http://edgehop.internal:81/',
    'GET https://edgehop.internal/',
    'OPTIONS http://edgehop.internal',
  ])('%s is for it, at the address that the client has reached', (line) => {
    expect(accepted(line, ['Host: x']).request).toMatchObject({
      host: 'edgehop.internal',
      reachedAt: '127.0.0.1:8080',
    });
  });

  test.each([
    'GET http://o.example/',
    'GET http://x.edgehop.internal/',
    'GET http://edgehop.internal.o.example/',
    'GET http://edgehop.internal@o.example/',
    'GET http://o.example/http://edgehop.internal/',
  ])('%s is not, whatever Host says', (line) => {
    expect(accepted(line, ['Host: edgehop.internal']).request.reachedAt).toBeUndefined();
  });

  test('no reverse route takes its name from it; asked in origin-form such a route answers, and edgehop does not', () => {
    const routes = ['*.internal', 'edgehop.internal', '*'].map((host) => ({
      host,
      path: '/',
      pool: 'p',
      stripPath: false,
    }));
    const through = accept(arrivalOf('GET http://edgehop.internal/', ['Host: x'], '1.1'), routes);
    expect(through).toMatchObject({ request: { reachedAt: '127.0.0.1:8080', reverse: undefined } });
    const at = accept(arrivalOf('GET /', ['Host: edgehop.internal'], '1.1'), routes);
    expect(at).toMatchObject({ request: { reverse: { pool: 'p' } } });
    expect(at.kind === 'accepted' && at.request.reachedAt).toBeUndefined();
  });
});

describe('RFC 9110 10.1.1: 100 (Continue)', () => {
  const posted = ['Host: o.example', 'Content-Length: 5'];
  test.each([
    ['a client that waits is told once', [...posted, 'Expect: 100-continue'], '1.1', 1],
    ['a client that does not wait is not', posted, '1.1', 0],
    ['another expectation is not met', [...posted, 'Expect: x-100-continue'], '1.1', 0],
    ['HTTP/1.0 does not know it', [...posted, 'Expect: 100-continue'], '1.0', 0],
  ] as const)('%s', (_, lines, version, told) => {
    const { request, continued } = accepted('POST http://o.example/', lines, version);
    request.continue();
    request.continue();
    expect(continued()).toBe(told);
  });
});

describe('content', () => {
  const chunked = ['Host: o.example', 'Transfer-Encoding: chunked'];

  test('comes octet for octet and is counted', async () => {
    const { request, trace, message } = accepted('POST http://o.example/', chunked);
    message.write('ab');
    message.complete = true;
    message.end('c');
    expect(await textOf(request.content)).toBe('abc');
    expect(trace.fromClient).toBe(3);
  });

  test('that breaks off fails, and says whose fault it is', async () => {
    const { request, message } = accepted('POST http://o.example/', chunked);
    message.write('ab');
    message.destroy();
    await expect(textOf(request.content)).rejects.toMatchObject({ type: 'http_request_error' });
  });
});

interface FakeMessage extends PassThrough {
  complete: boolean;
}

function arrive(line: string, lines: readonly string[], httpVersion = '1.1'): Accepted {
  return accept(arrivalOf(line, lines, httpVersion));
}

function accepted(line: string, lines: readonly string[], httpVersion = '1.1') {
  const arrival = arrivalOf(line, lines, httpVersion);
  const result = accept(arrival);
  if (result.kind === 'refused') throw result.error;
  const request: AcceptedRequest = result.request;
  return {
    request,
    trace: arrival.trace,
    message: arrival.message as unknown as FakeMessage,
    continued: arrival.continued,
  };
}

/** As Node's parser gives it: `line` is `METHOD target`. */
function arrivalOf(line: string, lines: readonly string[], httpVersion: string): Arrival & { continued: () => number } {
  const [method, url] = line.split(' ');
  const fields = lines.map((text) => [text.split(':', 1)[0] ?? '', text.replace(/^[^:]*: ?/, '')] as const);
  const [major, minor] = httpVersion.split('.').map(Number);
  let told = 0;
  const message = Object.assign(new PassThrough(), {
    method,
    url,
    httpVersion,
    httpVersionMajor: major,
    httpVersionMinor: minor,
    rawHeaders: fields.flat(),
    headers: Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
    complete: false,
    socket: { localAddress: '::ffff:127.0.0.1', localPort: 8080 },
  });
  message.on('error', () => undefined);
  const reply = {
    writeContinue: () => {
      told++;
    },
  };
  return { trace: testTrace(), head: message, message, reply, continued: () => told } as unknown as Arrival & {
    continued: () => number;
  };
}

async function textOf(content: Readable | undefined): Promise<string> {
  let text = '';
  for await (const piece of content ?? []) text += piece;
  return text;
}
