// ATTACKS.md group D: fields that lie, credentials that must stay, octets that would become something else.
import { networkInterfaces } from 'node:os';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { startDeployedEdge, testToken } from '../support/edge.ts';
import { message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';

const secret = 'c2VjcmV0OnBhc3N3b3Jk';

describe.each(routes)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;
  let asked = 0;

  beforeAll(async () => {
    origin = await startOrigin((request, socket) => {
      const line = request.target.startsWith('/407') ? 'HTTP/1.1 407 Pay' : 'HTTP/1.1 200 OK';
      const fields = ['Proxy-Authenticate: Basic realm="x"', 'Proxy-Authentication-Info: x', 'X-Own: 1'];
      socket.write(message([line, ...fields, 'Content-Length: 5'], 'hello'));
    });
    proxy = await startTestAgent({ edge });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  beforeEach(() => {
    asked = origin.requests.length;
  });

  /** What the origin got of a GET with these fields. */
  async function received(...fields: string[]): Promise<OriginRequest> {
    expect((await getOnce(proxy.port, `${origin.url}/fields`, ...fields)).status).toBe(200);
    return origin.received(asked + 1);
  }

  const told = () => JSON.stringify([proxy.records, proxy.said]);

  test.each(['Basic', 'Bearer', 'nonsense'])('D01 Proxy-Authorization: %s ends here', async (scheme) => {
    const field = `Proxy-Authorization: ${scheme} ${secret}`;
    const request = await received(field, 'Connection: Proxy-Authorization');
    expect(request.octets).not.toMatch(/proxy-authorization/i);
    expect(request.octets).not.toContain(secret);
    using client = await connectClient(proxy.port);
    client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x', field);
    const opened = await client.octets.until('\r\n\r\n');
    client.sendHead('GET /tunnel HTTP/1.1', 'Host: x');
    expect((await origin.received(asked + 2)).octets).not.toContain(secret);
    for (const url of ['http://127.0.0.1:1/', 'http://10.0.0.1:0/', 'nonsense']) {
      expect((await getOnce(proxy.port, url, field)).content.toString()).not.toContain(secret);
    }
    expect(opened?.toString()).not.toContain(secret);
    expect(told()).not.toContain(secret);
  });

  test('D03 fields by which platforms and edgehop itself speak never come from a client', async () => {
    const claims = [
      'CF-Connecting-IP',
      'CF-Worker',
      'CF-Ray',
      'True-Client-IP',
      'X-Real-IP',
      'Proxy',
      'EdgeHop-Envelope-0',
      'edgehop-envelope-1',
    ];
    const request = await received(...claims.map((name) => `${name}: forged`));
    expect(request.octets).not.toContain('forged');
  });

  test('D04 a client cannot have our own fields taken away', async () => {
    const request = await received(
      'Connection: edgehop-envelope-0, authorization, host, via, cdn-loop, x-mine',
      'X-Mine: 1',
    );
    expect(request.values('host')).toEqual([`127.0.0.1:${origin.port}`]);
    expect(request.values('via').join()).toContain('edgehop');
    expect(request.values('x-mine')).toEqual([]);
    expect((await proxy.recordOf('/fields')).route?.kind).toBe(edge === 'none' ? 'direct' : 'edge');
  });

  test('D05 Proxy: is dropped', async () => {
    expect((await received('Proxy: http://evil.example/')).values('proxy')).toEqual([]);
  });

  test.each([
    ['percent-encoded', 'a%0d%0aX-Evil: 1'],
    ['as the low octets of U+010D U+010A', Buffer.from('\u010d\u010aX-Evil: 1').toString('latin1')],
    ['as those of U+560D U+560A', Buffer.from('\u560d\u560aX-Evil: 1').toString('latin1')],
  ])('D06 a line break %s stays what it is', async (_name, value) => {
    const raw = `GET ${origin.url}/06?${value.includes('%') ? 'a%0d%0aX-Evil:%201' : ''} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${value}\r\n\r\n`;
    const response = await exchangeOnce(proxy.port, raw);
    if (response.status !== 200) return expect(response.status).toBe(501); // refused, in words
    const request = await origin.received(asked + 1);
    expect([request.values('x'), request.values('x-evil')]).toEqual([[value], []]);
  });

  test('D08 X-Forwarded-For of any size is not read, and no address of this machine is added', async () => {
    for (const value of ['9'.repeat(50_000), '1.2.3.4,'.repeat(6_000)]) {
      asked = origin.requests.length;
      const request = await received(`X-Forwarded-For: ${value}`);
      for (const seen of request.values('x-forwarded-for'))
        expect(seen).toBe(value.replace(/^,|,$/g, '') === seen ? seen : value);
    }
    const request = origin.requests.at(-1)?.octets ?? '';
    for (const { address, internal } of Object.values(networkInterfaces()).flatMap((each) => each ?? []))
      if (!internal) expect(request).not.toContain(address);
  });

  test.each(['text/html', '*/*'])(
    'D09 an error page for %s has no markup and no field of the request',
    async (accept) => {
      const markup = '<script>alert(1)</script>';
      for (const url of [
        `http://${markup}.x/`,
        `http://a.example:0/${markup}`,
        `ftp://${markup}/`,
        `http://127.0.0.1:1/?${markup}`,
      ]) {
        const response = await getOnce(proxy.port, url, `Accept: ${accept}`, `Cookie: ${secret}`, `X: ${markup}`);
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.content.toString()).not.toContain('<script>alert');
        expect(response.content.toString()).not.toContain(secret);
        expect(response.field('content-type')).toMatch(/^(text\/html|application\/problem\+json)/);
      }
      const large = await getOnce(proxy.port, `${origin.url}/`, `Accept: ${accept}`, `X: ${secret.repeat(4_000)}`);
      expect([large.status, large.content.toString().includes(secret)]).toEqual([431, false]);
    },
  );

  test('D10 407 of an origin is not ours: 502, and inside a tunnel it is the tunnel’s', async () => {
    const response = await getOnce(proxy.port, `${origin.url}/407`);
    expect([response.status, response.field('proxy-authenticate')]).toEqual([502, undefined]);
    using client = await connectClient(proxy.port);
    client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    client.sendHead('GET /407 HTTP/1.1', 'Host: x');
    expect((await client.response()).startLine).toBe('HTTP/1.1 407 Pay');
  });

  test('D10 fields that speak to the next proxy only do not pass', async () => {
    const response = await getOnce(proxy.port, `${origin.url}/`);
    expect([
      response.values('proxy-authenticate'),
      response.values('proxy-authentication-info'),
      response.field('x-own'),
    ]).toEqual([[], [], '1']);
  });

  test('D11 credentials in the URL are not made into a field, nor told', async () => {
    const response = await getOnce(proxy.port, `${origin.url.replace('//', `//user:${secret}@`)}/11`);
    expect([200, 400]).toContain(response.status);
    for (const { octets } of origin.requests.slice(asked)) {
      expect(octets).not.toMatch(/authorization/i);
      expect(octets).not.toContain(secret);
    }
    expect(told()).not.toContain(secret);
  });

  test('D12 fields for the origin reach it, those for this hop do not', async () => {
    const ends = [
      'Range: bytes=0-1',
      'If-None-Match: "a"',
      'If-Modified-Since: x',
      'Accept-Encoding: zstd',
      'Authorization: Basic eDp5',
    ];
    const request = await received(
      ...ends,
      'TE: gzip, trailers',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Trailer: X',
    );
    for (const line of ends) {
      const [name = '', value] = line.split(': ');
      expect([name, request.values(name.toLowerCase())]).toEqual([name, [value]]);
    }
    for (const name of ['keep-alive', 'proxy-connection', 'trailer'])
      expect([name, request.values(name)]).toEqual([name, []]);
    // This hop may say for itself that it takes trailers. RFC 9110 10.1.4.
    if (request.values('te').length === 0) return;
    expect(request.values('te')).toEqual(['trailers']);
    expect(request.values('connection').join().toLowerCase()).toMatch(/\bte\b/);
  });
});

test('D02 the token for the edge reaches neither origin nor client nor log', async () => {
  await using origin = await startOrigin(
    (_request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok')),
  );
  await using edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
  await using proxy = await startTestAgent({
    edge: edge.direct as `http://${string}`,
    fallback: 'fail',
    allowPrivate: false,
    allow: [`127.0.0.1:${origin.port}`],
    answers: { 'site.example': ['127.0.0.1'] },
  });
  const answers = [
    await getOnce(proxy.port, `http://site.example:${origin.port}/`, 'Connection: authorization'),
    await getOnce(proxy.port, `http://site.example:${origin.port}/`, 'Authorization: Basic eDp5'),
    await getOnce(proxy.port, `${edge.direct}/v1/hello`),
  ];
  expect(answers.map(({ status }) => status).slice(0, 2)).toEqual([200, 200]);
  expect(origin.requests[1]?.values('authorization')).toEqual(['Basic eDp5']);
  const seen = [
    ...origin.requests.map(({ octets }) => octets),
    ...edge.logLines,
    JSON.stringify([proxy.records, proxy.said]),
  ];
  for (const { fields, content } of answers) seen.push(JSON.stringify(fields), content.toString());
  expect(seen.join('\n')).not.toContain(testToken);
});
