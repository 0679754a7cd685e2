// Parent proxies between the agent and everything else: from the environment or the configuration, for every route.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTls, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchangeRecord } from '../../schemas/exchange.ts';
import { type EdgeKind, routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { selfSigned } from '../support/certificate.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { makeHome } from '../support/command.ts';
import { startDeployedEdge, testToken } from '../support/edge.ts';
import { startFront } from '../support/front.ts';
import { octetsOf } from '../support/messages.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { type Parent, startHttpParent, startSocksParent, tunnelTo } from '../support/parent.ts';
import { startSilentPort } from '../support/silent-port.ts';
import { closedPort } from '../support/tcp.ts';

/** Answers with the request's target: in absolute-form it is the parent of plain http. */
let origin: Origin;
let secure: Origin;
const certificate = selfSigned('site.example', 'edge.example');
const others = getCACertificates('default');

beforeAll(async () => {
  setDefaultCACertificates([...others, certificate.cert]);
  origin = await startOrigin((request, socket) => void socket.write(ok(request.target)));
  secure = await startOrigin((request, socket) => void socket.write(ok(`secure ${request.target}`)), {
    tls: certificate,
  });
});

afterAll(async () => {
  setDefaultCACertificates(others);
  await origin[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
});

describe.each(routes)('with edge %s', (edge) => {
  let parent: Parent;
  let agent: TestAgent;
  const asked: string[] = [];

  beforeAll(async () => {
    parent = await startHttpParent(tunnelTo(secure.port));
    agent = await startTestAgent({
      edge,
      allowPrivate: false,
      allow: ['direct.example', 'localhost'],
      environment: {
        HTTP_PROXY: `http://me:p%40ss@127.0.0.1:${origin.port}`,
        https_proxy: `http://127.0.0.1:${parent.port}`,
        NO_PROXY: `elsewhere.example, direct.example:${origin.port}`,
      },
      lookup: async (host) => {
        asked.push(host);
        return ['direct.example', 'localhost'].includes(host) ? ['127.0.0.1'] : [];
      },
    });
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await parent[Symbol.asyncDispose]();
  });

  test('plain http is sent to the parent in absolute-form, and nothing is looked up', async () => {
    const response = await getOnce(agent.port, 'http://site.example/hello?x', 'Proxy-Authorization: Basic bWluZQ==');
    expect([response.status, response.content.toString()]).toEqual([200, 'http://site.example/hello?x']);
    const request = origin.requests.at(-1);
    expect(request?.values('host')).toEqual(['site.example']);
    expect(request?.values('proxy-authorization')).toEqual(['Basic bWU6cEBzcw==']); // ours, not the client's
    expect(request?.values('via').join()).toMatch(/^1\.1 edgehop-/);
    expect(asked).toEqual([]);
    const record = await agent.recordOf('/hello?x');
    const name = `http://127.0.0.1:${origin.port}`;
    expect(record.route).toEqual({
      kind: 'direct',
      because: edge === 'none' ? 'no-edge' : 'parent-proxy',
      parent: name,
    });
    expect(record.destination).toEqual({ host: 'site.example', port: 80, knownBy: 'unknown' });
  });

  test('a tunnel goes by CONNECT, and carries TLS that the parent cannot read', async () => {
    const before = parent.asked.length;
    const tunnel = await openTunnel(agent, 'site.example:443');
    const tls = connectTls({ socket: tunnel, servername: 'site.example' });
    await once(tls, 'secureConnect');
    tls.write('GET /over-tls HTTP/1.1\r\nHost: site.example\r\n\r\n');
    expect((await octetsOf(tls).until('over-tls'))?.toString()).toMatch(/secure \/over-tls$/);
    tls.destroy();
    expect(parent.asked.slice(before)).toEqual([
      expect.stringMatching(
        /^CONNECT site\.example:443 HTTP\/1\.1\r\nHost: site\.example:443\r\nVia: 1\.1 edgehop-\w+$/,
      ),
    ]);
    expect(asked).toEqual([]);
    const record = await agent.recordOf('site.example:443');
    expect(record.route).toEqual({ kind: 'direct', because: 'connect', parent: `http://127.0.0.1:${parent.port}` });
    expect(record.destination).toMatchObject({ host: 'site.example', knownBy: 'unknown' });
    expect(record.destination).not.toHaveProperty('address');
  });

  test('https that a client leaves to the agent goes by CONNECT, verified by the name', async () => {
    const response = await getOnce(agent.port, 'https://site.example/left');
    expect([response.status, response.content.toString()]).toEqual([200, 'secure /left']);
    const wrong = await getOnce(agent.port, 'https://other.example/');
    expect([wrong.status, wrong.field('proxy-status')]).toEqual([
      502,
      expect.stringContaining('tls_certificate_error'),
    ]);
  });

  test('NO_PROXY is honoured: looked up and dialled from here', async () => {
    const before = parent.connections;
    const response = await getOnce(agent.port, `http://direct.example:${origin.port}/plain`);
    expect(response.content.toString()).toBe('/plain');
    const tunnel = await openTunnel(agent, `direct.example:${origin.port}`);
    tunnel.destroy();
    expect(parent.connections).toBe(before);
    expect(new Set(asked)).toEqual(new Set(['direct.example']));
    expect((await agent.recordOf('/plain')).route).not.toHaveProperty('parent');
  });

  test('this machine is never looked for at a parent', async () => {
    const response = await getOnce(agent.port, `http://localhost:${origin.port}/here`);
    expect(response.content.toString()).toBe('/here');
    expect((await agent.recordOf('/here')).route).not.toHaveProperty('parent');
  });

  test.each(['127.0.0.1', 'app.localhost', '10.0.0.7', '[::1]', 'wiki', 'nas.local', '169.254.169.254'])(
    'C01: %s stays refused, and the parent learns nothing of it',
    async (host) => {
      const before = [parent.connections, origin.requests.length];
      const connect = message([`CONNECT ${host}:443 HTTP/1.1`, `Host: ${host}:443`]);
      for (const response of [await getOnce(agent.port, `http://${host}/`), await exchangeOnce(agent.port, connect)]) {
        expect([response.status, response.field('proxy-status')]).toEqual([
          403,
          expect.stringContaining('destination_ip_prohibited'),
        ]);
      }
      expect([parent.connections, origin.requests.length]).toEqual(before);
    },
  );
});

describe.each(['socks5', 'socks5h'] as const)('a %s parent for everything', (scheme) => {
  test('is asked for names or for judged addresses, and carries http and tunnels', async () => {
    const destination = (asked: string) => ({ port: asked.endsWith(':443') ? secure.port : origin.port });
    await using parent = await startSocksParent({ credentials: 'me:secret', destination });
    await using agent = await startTestAgent({
      edge: 'none',
      allowPrivate: false,
      answers: { 'site.example': ['93.184.215.14'], 'private.example': ['93.184.215.14', '10.0.0.7'] },
      environment: { ALL_PROXY: `${scheme}://me:secret@127.0.0.1:${parent.port}` },
    });
    expect((await getOnce(agent.port, 'http://site.example/plain')).content.toString()).toBe('/plain');
    expect((await getOnce(agent.port, 'https://site.example/left')).content.toString()).toBe('secure /left');
    (await openTunnel(agent, 'site.example:443')).destroy();
    const host = scheme === 'socks5h' ? 'site.example' : '93.184.215.14';
    expect(parent.asked).toEqual([`${host}:80`, `${host}:443`, `${host}:443`]);
    const { status } = await getOnce(agent.port, 'http://private.example/');
    expect(status).toBe(scheme === 'socks5h' ? 200 : 403); // C04: what we resolve, we judge
  });
});

describe('a parent that does not help', () => {
  test.each([
    ['HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="corp"\r\nContent-Length: 0\r\n\r\n', 502],
    ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 403],
    ['HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n', 502],
    ['SSH-2.0-OpenSSH\r\n', 502],
  ])('D10: answers a CONNECT with %j, and the client gets %i with advice', async (answer, status) => {
    await using parent = await startHttpParent((_head, socket) => void socket.write(answer));
    await using agent = await agentBehind({ HTTPS_PROXY: `http://127.0.0.1:${parent.port}` });
    const response = await exchangeOnce(agent.port, message(['CONNECT site.example:443 HTTP/1.1', 'Host: x']));
    expect([response.status, response.field('proxy-authenticate')]).toEqual([status, undefined]);
    const problem = JSON.parse(response.content.toString());
    expect(JSON.stringify(problem)).toContain(`http://127.0.0.1:${parent.port}`);
    const record = await agent.recordOf('site.example:443');
    expect(record.error?.advice).toMatch(/HTTPS_PROXY|parent proxy|try again/);
  });

  test('D10: answers plain http with 407, and the client is not asked for credentials', async () => {
    await using parent = await startOrigin((_request, socket) => {
      socket.write(message(['HTTP/1.1 407 Who', 'Proxy-Authenticate: Basic realm="corp"', 'Content-Length: 0']));
    });
    await using agent = await agentBehind({ http_proxy: parent.url });
    const response = await getOnce(agent.port, 'http://site.example/');
    expect([response.status, response.field('proxy-authenticate')]).toEqual([502, undefined]);
  });

  test('is not there, and the client is told whose fault that is', async () => {
    const agent = await agentBehind({ ALL_PROXY: `http://127.0.0.1:${await closedPort()}` });
    for (const response of [
      await getOnce(agent.port, 'http://site.example/'),
      await exchangeOnce(agent.port, message(['CONNECT site.example:443 HTTP/1.1', 'Host: x'])),
    ]) {
      expect([response.status, response.field('proxy-status')]).toEqual([
        502,
        expect.stringContaining('connection_refused'),
      ]);
      expect(response.content.toString()).toMatch(/parent proxy/);
    }
    await agent[Symbol.asyncDispose]();
  });

  test('C12: leads back here, which is recognised instead of going round', async () => {
    const agentPort = await closedPort();
    // A port forwarding that edgehop cannot know: what is asked of it, it asks of edgehop.
    await using forwarding = await startHttpParent(async (head, socket) => {
      await tunnelTo(agentPort, '')(head, socket);
      socket.unshift(Buffer.from(`${head}\r\n\r\n`));
    });
    await using agent = await agentBehind({ HTTPS_PROXY: `http://127.0.0.1:${forwarding.port}` }, 'none', agentPort);
    const response = await exchangeOnce(agent.port, message(['CONNECT site.example:443 HTTP/1.1', 'Host: x']));
    expect(response.status).toBe(502);
    await agent.recordWhere(({ error }) => error?.type === 'proxy_loop_detected');
    expect(agent.records.length).toBe(2);
  });
});

test('a client that leaves while a parent is silent ends the dial at once', async () => {
  await using silent = await startSilentPort();
  await using agent = await agentBehind({ HTTPS_PROXY: `http://127.0.0.1:${silent.port}` });
  const client = await connectClient(agent.port);
  client.sendHead('CONNECT site.example:443 HTTP/1.1', 'Host: x');
  await agent.active(1);
  client.socket.destroy();
  const record = await agent.recordOf('site.example:443'); // far sooner than the 10 s that a dial may take
  expect(record.error).toMatchObject({ type: 'http_request_error', status: 499 });
  await agent.active(0);
});

test('the configuration wins over the environment', async () => {
  await using parent = await startHttpParent(tunnelTo(secure.port));
  await using agent = await startTestAgent({
    edge: 'none',
    allowPrivate: false,
    parents: { https: `http://127.0.0.1:${parent.port}` },
    environment: { HTTPS_PROXY: 'http://192.0.2.1:1', NO_PROXY: '*' },
  });
  (await openTunnel(agent, 'site.example:443')).destroy();
  expect(parent.connections).toBe(1);
});

describe('the command', () => {
  const curl = async (port: number, ...args: string[]): Promise<string> => {
    const options = ['-sS', '--noproxy', '', '-x', `http://127.0.0.1:${port}`];
    return (await promisify(execFile)('curl', [...options, ...args])).stdout;
  };

  test('reads its environment: curl by http and by CONNECT, and with NO_PROXY', async () => {
    await using parent = await startHttpParent(tunnelTo(secure.port));
    using home = makeHome({
      http_proxy: origin.url,
      HTTPS_PROXY: `http://127.0.0.1:${parent.port}`,
      NO_PROXY: `elsewhere.example,localhost:${origin.port}`,
    });
    const ca = home.write('ca.pem', certificate.cert);
    const agent = await home.start('--edge', 'none', '--allow-private', '--log', 'json');
    expect(await curl(agent.port, 'http://site.example/by-http')).toBe('http://site.example/by-http');
    expect(await curl(agent.port, '--cacert', ca, 'https://site.example/by-connect')).toBe('secure /by-connect');
    expect(await curl(agent.port, `http://localhost:${origin.port}/direct`)).toBe('/direct');
    agent.signal('SIGTERM');
    const { stdout, stderr } = await agent.ended;
    expect(stderr).toContain(`http goes through the parent proxy ${origin.url} (http_proxy)`);
    const parents = stdout
      .trim()
      .split('\n')
      .map((line) => exchangeRecord.parse(JSON.parse(line)).route)
      .map((route) => (route?.kind === 'direct' ? route.parent : undefined));
    expect(parents).toEqual([origin.url, `http://127.0.0.1:${parent.port}`, undefined]);
  });

  test('C05: recognises itself in its environment, says so, and goes without', async () => {
    const port = String(await closedPort());
    const ourselves = `http://localhost:${port}`;
    using home = makeHome({ http_proxy: ourselves, HTTPS_PROXY: ourselves, ALL_PROXY: `socks5h://127.0.0.1:${port}` });
    const agent = await home.start('--edge', 'none', '--allow-private', '--port', port, '--log', 'quiet');
    await agent.says('http_proxy and HTTPS_PROXY name edgehop itself, so it is no parent proxy');
    const url = `http://127.0.0.1:${origin.port}/direct`;
    expect(await curl(agent.port, url)).toBe('/direct');
    await agent[Symbol.asyncDispose]();
  });

  test('C05: recognises its control port', async () => {
    const port = String(await closedPort());
    using home = makeHome({ ALL_PROXY: `http://127.0.0.1:${port}` });
    const agent = await home.start('--edge', 'none', '--control-port', port, '--log', 'quiet');
    await agent.says('ALL_PROXY names edgehop itself');
    await agent[Symbol.asyncDispose]();
  });

  test('does not start with a parent that it cannot read, and does not print its password', async () => {
    using home = makeHome({ HTTPS_PROXY: 'socks4://me:hunter2@proxy.example' });
    const { code, stderr } = await home.run(['start', '--edge', 'none']);
    expect([code, stderr]).toEqual([78, expect.stringContaining('HTTPS_PROXY does not name a parent proxy')]);
    expect(stderr).not.toContain('hunter2');
    home.write('edgehop.jsonc', '{ "parents": { "use": "none" } }');
    await using agent = await home.start('--edge', 'none');
    expect(agent.port).toBeGreaterThan(0);
  });
});

test('a deployed edge is reached through a parent', async () => {
  await using edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
  const front = await startFront('http/1.1', edge.direct, certificate);
  await using parent = await startHttpParent(tunnelTo(Number(new URL(front.url).port)));
  using home = makeHome({ HTTPS_PROXY: `http://127.0.0.1:${parent.port}`, HTTP_PROXY: 'http://127.0.0.1:1' });
  home.write('ca.pem', certificate.cert);
  using own = makeHome({
    HTTPS_PROXY: `http://127.0.0.1:${parent.port}`,
    HTTP_PROXY: 'http://127.0.0.1:1',
  });
  own.write('edgehop.jsonc', JSON.stringify({ trust: { authorities: [`${home.path}/ca.pem`] } }));
  const agent = await own.start('--edge', 'https://edge.example', '--token', testToken, '--log', 'json');
  await agent.says('is ready');
  expect((await getOnce(agent.port, 'http://site.example/by-edge')).content.toString()).toBe('/by-edge');
  agent.signal('SIGTERM');
  const { stdout } = await agent.ended;
  expect(exchangeRecord.parse(JSON.parse(stdout.trim())).route).toMatchObject({ kind: 'edge', edge: 'edge.example' });
  expect(new Set(parent.asked.map((head) => head.split('\r\n')[0]))).toEqual(
    new Set(['CONNECT edge.example:443 HTTP/1.1']),
  );
  await front[Symbol.asyncDispose]();
});

function agentBehind(environment: Readonly<Record<string, string>>, edge: EdgeKind = 'none', port = 0) {
  return startTestAgent({ edge, allowPrivate: false, environment, listen: { port }, lookup: async () => [] });
}

async function openTunnel(agent: TestAgent, authority: string) {
  const { socket, octets } = await connectClient(agent.port);
  socket.write(message([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`]));
  expect((await octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 200 /);
  socket.removeAllListeners('data');
  return socket;
}

function ok(content: string): Buffer {
  return message(['HTTP/1.1 200 OK', `Content-Length: ${content.length}`], content);
}
