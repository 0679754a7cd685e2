// Fields on their way through: what goes on, what ends here, what is added, and how a loop is noticed.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';

const ok = 'HTTP/1.1 200 OK';

describe.each(upstreams)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;
  let asked = 0;
  let answer: readonly string[] = [];

  beforeAll(async () => {
    origin = await startOrigin((_request, socket) => {
      socket.write(message([ok, ...answer, 'Content-Length: 2'], 'ok'));
    });
    proxy = await startTestAgent({ edge });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  beforeEach(() => {
    asked = origin.requests.length;
    answer = [];
  });

  /** What the origin was asked when a client sent these fields. */
  async function relayed(...fields: string[]): Promise<OriginRequest> {
    const response = await getOnce(proxy.port, `${origin.url}/`, ...fields);
    expect(response.status).toBe(200);
    return origin.requests[asked] as OriginRequest;
  }

  describe('a request', () => {
    test('keeps its end-to-end fields, octet for octet', async () => {
      const request = await relayed(
        'X-Odd: a "b";c=d,  e',
        'Accept: */*',
        'Range: bytes=0-1',
        'If-None-Match: W/"x"',
        'X-Empty:',
      );
      expect(request.values('x-odd')).toEqual(['a "b";c=d,  e']);
      expect(request.values('accept')).toEqual(['*/*']);
      expect(request.values('range')).toEqual(['bytes=0-1']);
      expect(request.values('if-none-match')).toEqual(['W/"x"']);
      expect(request.values('x-empty')).toEqual(['']);
    });

    test('keeps what was said in several lines, in their order', async () => {
      const request = await relayed('X-Many: one', 'X-Many: two', 'X-Many: one');
      expect(request.values('x-many')).toEqual(['one', 'two', 'one']);
    });

    test('keeps its names and their order, but by fetch', async () => {
      const request = await relayed('zEbRa: 1', 'Apple: 2', 'MANGO: 3');
      const names = request.fields.map(([name]) => name);
      const sent = ['zEbRa', 'Apple', 'MANGO'];
      if (edge !== 'embedded') expect(names.filter((name) => sent.includes(name))).toEqual(sent);
      else expect(names.map((name) => name.toLowerCase())).toEqual(expect.arrayContaining(['zebra', 'apple', 'mango']));
    });

    test('keeps cookies of several lines as cookies', async () => {
      const request = await relayed('Cookie: a=1', 'Cookie: b=2; c=3');
      expect(request.values('cookie').join('; ')).toBe('a=1; b=2; c=3'); // never joined by a comma. RFC 6265 5.4
    });

    test('keeps octets beyond ASCII that are UTF-8', async () => {
      const octets = Buffer.from('grüß', 'utf8').toString('latin1');
      expect((await relayed(`X-Text: ${octets}`)).values('x-text')).toEqual([octets]);
    });

    test('loses the fields of this hop and those that Connection names', async () => {
      const request = await relayed(
        'Connection: X-Mine, TE, Host, Content-Length',
        'X-Mine: 1',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic c2VjcmV0',
        'TE: trailers',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        'Proxy: http://evil.example/',
        'CF-Connecting-IP: 1.2.3.4',
        'CF-Worker: evil.example',
        'X-Real-IP: 1.2.3.4',
        'edgehop-envelope-0: x',
      );
      const names = request.fields.map(([name]) => name.toLowerCase());
      expect(
        names.filter((name) => !['host', 'via', 'cdn-loop', 'connection', 'accept-encoding', 'te'].includes(name)),
      ).toEqual([]);
      expect(request.values('te')).toEqual(['trailers']); // each hop says it for itself
      expect(request.values('host')).toEqual([origin.url.slice('http://'.length)]);
      expect(request.octets).not.toContain('c2VjcmV0');
    });

    test('has a Via with this hop behind those before it', async () => {
      const via = (await relayed('Via: 1.0 fred, 1.1 p.example')).values('via').join(', ');
      expect(via).toMatch(/^1\.0 fred, 1\.1 p\.example, 1\.1 edgehop-[0-9a-f]{8}$/);
    });

    test("tells neither the client's address nor this machine's MAC or name", async () => {
      const request = await relayed();
      const macs = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ mac }) => mac) ?? []);
      for (const mac of macs.filter((mac) => mac !== '00:00:00:00:00:00')) expect(request.octets).not.toContain(mac);
      const names = request.fields.map(([name]) => name.toLowerCase());
      expect(names.filter((name) => /forwarded|client|real-ip|edgehop/.test(name))).toEqual([]);
    });

    test('asks for the canonical URL, without userinfo', async () => {
      const url = origin.url.replace('http://', 'HTTP://user:secret@');
      await getOnce(proxy.port, `${url}/a/./b/../c?q=%20#`.replace('#', ''));
      const request = origin.requests[asked] as OriginRequest;
      expect(request.target).toBe('/a/c?q=%20');
      expect(request.octets).not.toContain('secret');
      expect(request.values('authorization')).toEqual([]);
    });
  });

  describe('a response', () => {
    const get = () => getOnce(proxy.port, `${origin.url}/`);

    test('keeps each Set-Cookie in a line of its own', async () => {
      answer = ['Set-Cookie: a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'Set-Cookie: b=2'];
      expect((await get()).values('set-cookie')).toEqual(['a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'b=2']);
    });

    test('keeps duplicate fields in their order', async () => {
      answer = ['X-Many: one', 'X-Many: two', 'X-Many: one'];
      expect((await get()).values('x-many').join(', ')).toBe('one, two, one');
    });

    test('loses the fields of this hop', async () => {
      answer = [
        'Connection: X-Mine',
        'X-Mine: 1',
        'Keep-Alive: timeout=9',
        'Proxy-Authenticate: Basic',
        'Proxy-Connection: x',
        'edgehop-x: 1',
      ];
      const response = await get();
      for (const name of ['x-mine', 'proxy-authenticate', 'proxy-connection', 'edgehop-x', 'keep-alive'])
        expect(response.field(name)).toBeUndefined();
    });

    test('is followed nowhere when it is a redirect', async () => {
      await using elsewhere = await startOrigin((_request, socket) => {
        socket.write(message(['HTTP/1.1 302 Found', `Location: ${origin.url}/followed`, 'Content-Length: 0']));
      });
      const response = await getOnce(proxy.port, `${elsewhere.url}/`);
      expect([response.status, response.field('location')]).toEqual([302, `${origin.url}/followed`]);
      expect(origin.requests.length).toBe(asked);
    });

    test('says by Via, Server-Timing and Proxy-Status which way it came', async () => {
      answer = ['Via: 1.1 origin.example'];
      const response = await get();
      expect(response.values('via').join(', ')).toMatch(/^1\.1 origin\.example, 1\.1 edgehop-[0-9a-f]{8}$/);
      expect(response.field('server-timing')).toMatch(/^edgehop;/);
      expect(response.field('proxy-status')).toBe(
        `edgehop;next-hop="${edge === 'none' ? '127.0.0.1' : 'embedded'}";received-status=200`,
      );
    });

    test('has its Date and its reason phrase as the origin wrote them', async () => {
      answer = ['Date: Tue, 15 Nov 1994 08:12:31 GMT'];
      const response = await get();
      expect([response.field('date'), response.startLine]).toEqual(['Tue, 15 Nov 1994 08:12:31 GMT', ok]);
    });
  });

  describe('Max-Forwards', () => {
    test.each([
      ['OPTIONS', '0', 204, undefined],
      ['OPTIONS', '5', 200, '4'],
      ['TRACE', '0', 405, undefined],
      ['TRACE', '1', 200, '0'],
      ['GET', '0', 200, '0'],
      ['OPTIONS', 'x', 400, undefined],
    ])('of %s with %s', async (method, value, status, forwarded) => {
      const response = await exchangeOnce(
        proxy.port,
        `${method} ${origin.url}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nMax-Forwards: ${value}\r\n\r\n`,
      );
      expect(response.status).toBe(status);
      expect(origin.requests.slice(asked).map((request) => request.values('max-forwards'))).toEqual(
        forwarded === undefined ? [] : [[forwarded]],
      );
    });
  });

  describe('a loop', () => {
    test('is noticed by Via', async () => {
      const via = (await relayed()).values('via').join(', ');
      const response = await getOnce(proxy.port, `${origin.url}/`, `Via: 1.1 other, ${via}`);
      expect(response.status).toBe(502);
      expect(response.field('proxy-status')).toMatch(/error=proxy_loop_detected/);
      expect(origin.requests.length).toBe(asked + 1);
    });

    const own = () =>
      [...Object.values(networkInterfaces())].flatMap((each) => each?.map(({ address }) => address) ?? []);
    const spellings = [
      '127.0.0.1',
      'localhost',
      '127.1.2.3',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      'LOCALHOST.',
      'sub.localhost',
    ];

    test.each(spellings)('by %s to a port of its own is refused', async (host) => {
      const ports = [proxy.port, proxy.controlPort];
      for (const port of ports) {
        const absolute = await getOnce(proxy.port, `http://${host}:${port}/`);
        const connect = await exchangeOnce(
          proxy.port,
          `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`,
        );
        for (const { status } of [absolute, connect])
          expect(host === 'sub.localhost' ? [403, 502] : [403]).toContain(status);
      }
    });

    // Without an edge there is no such port.
    if (edge !== 'none')
      test('to a port of the edge is refused', async ({ skip }) => {
        skip(process.platform !== 'linux', 'the ports of a process are read from /proc');
        const ports = listeningPorts(proxy.agent.state().edgePid as number);
        expect(ports.length).toBeGreaterThan(0);
        for (const port of ports) {
          for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
            expect((await getOnce(proxy.port, `http://${host}:${port}/v1/hello`)).status).toBe(403);
          }
        }
      });

    test("by this machine's own addresses is refused", async () => {
      for (const address of own().filter((each) => !each.startsWith('fe80'))) {
        const host = address.includes(':') ? `[${address}]` : address;
        expect((await getOnce(proxy.port, `http://${host}:${proxy.port}/`)).status).toBe(403);
      }
    });
  });
});

/** The ports that a process listens on, by Linux's tables. */
function listeningPorts(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === '0A' && sockets.includes(`socket:[${inode}]`)
      ? [Number.parseInt(local.split(':')[1] ?? '', 16)]
      : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
