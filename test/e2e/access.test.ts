// Who may use the proxy: by address, by credentials, by how much; with curl, and octet by octet.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashOf } from '../../agent/access/password-hash.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';
import { makeHome } from '../support/command.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { isInstalled, run } from '../support/program.ts';

const password = 's3cret:wörd';
const cheap = { cost: 2, parallelism: 1 };
const credentials = [
  { name: 'anna', hash: await hashOf(password, cheap) },
  { name: 'bob', hash: await hashOf('other', cheap) },
];
const basic = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}`;
const right = basic(`anna:${password}`);
const hasCurl = isInstalled('curl');

let origin: Origin;
let proxy: TestAgent;
beforeAll(async () => {
  origin = await startOrigin(({ target }, socket) => {
    const lines = target.startsWith('/stored') ? ['Cache-Control: max-age=600'] : [];
    socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${target.length}`, ...lines], target));
  });
  proxy = await startTestAgent({ edge: 'none', config: { admit: { credentials } } });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const status = async (port: number, path: string, ...fields: string[]) =>
  (await getOnce(port, `${origin.url}${path}`, ...fields)).status;

describe('credentials', () => {
  test('D01: are asked for, and go no further than the agent', async () => {
    const asked = origin.requests.length;
    const refused = await getOnce(proxy.port, `${origin.url}/none`, 'Accept: text/html');
    expect(refused.status).toBe(407);
    expect(refused.field('proxy-authenticate')).toBe('Basic realm="edgehop", charset="UTF-8"');
    const wrong = await getOnce(proxy.port, `${origin.url}/wrong`, basic('anna:guessed-by-me'));
    expect(wrong.status).toBe(407);
    expect(origin.requests.length).toBe(asked);
    expect(await status(proxy.port, '/right', right)).toBe(200);
    expect(origin.requests[asked]?.head).not.toMatch(/proxy-auth|s3cret/i);
    await proxy.recordOf('/right');
    const everything = JSON.stringify([
      proxy.records,
      proxy.said,
      refused.content.toString(),
      wrong.content.toString(),
    ]);
    for (const secret of ['s3cret', 'guessed-by-me', 'anna', Buffer.from(`anna:${password}`).toString('base64')])
      expect(everything).not.toContain(secret);
  });

  test('D01: go to no edge, and by no edge', async () => {
    await using edged = await startTestAgent({ edge: 'embedded', config: { admit: { credentials } } });
    expect(await status(edged.port, '/by-edge')).toBe(407);
    expect(await status(edged.port, '/by-edge', right, 'Connection: close, Proxy-Authorization')).toBe(200);
    expect((await edged.recordOf('/by-edge')).route).toBeUndefined(); // of the one that was refused
    expect(origin.requests.at(-1)?.target).toBe('/by-edge');
    expect(origin.requests.at(-1)?.head).not.toMatch(/proxy-auth|Basic/i);
  });

  test('D01: are no part of the key of the cache', async () => {
    const asked = origin.requests.length;
    expect(await status(proxy.port, '/stored', right)).toBe(200);
    const again = await getOnce(proxy.port, `${origin.url}/stored`, basic('bob:other'));
    expect([again.status, origin.requests.length - asked]).toEqual([200, 1]);
    expect(await status(proxy.port, '/stored')).toBe(407);
  });

  test('may be shown on the connection on which they were asked for', async () => {
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}/kept HTTP/1.1`, 'Host: x');
    const asked = await client.response();
    expect([asked.status, asked.field('connection')]).toEqual([407, 'keep-alive']);
    client.sendHead(`GET ${origin.url}/kept HTTP/1.1`, 'Host: x', right);
    expect((await client.response()).status).toBe(200);
    client.sendHead(`GET ${origin.url}/kept HTTP/1.1`, 'Host: x');
    expect((await client.response()).status).toBe(407); // each request is asked by itself
  });

  test('are asked for before the content of a request is taken, and what of it comes is no request', async () => {
    const asked = origin.requests.length;
    using client = await connectClient(proxy.port);
    const inner = `GET ${origin.url}/smuggled HTTP/1.1\r\nHost: x\r\n${right}\r\n\r\n`;
    client.sendHead(`POST ${origin.url}/ HTTP/1.1`, 'Host: x', `Content-Length: ${inner.length + 1}`);
    client.send(inner);
    expect((await client.response('POST')).status).toBe(407);
    expect(await client.ended).toMatch(/end|reset/);
    expect(origin.requests.length).toBe(asked);
  });

  test.each(['CONNECT', 'Upgrade'])('are asked for a tunnel by %s, before anything is dialled', async (way) => {
    const connections = origin.connections;
    for (const [field, expected] of [
      [basic('anna:wrong'), 407],
      [right, 200],
    ] as const) {
      using client = await connectClient(proxy.port);
      if (way === 'CONNECT') client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x', field);
      else client.sendHead(`GET ${origin.url}/up HTTP/1.1`, 'Host: x', 'Connection: Upgrade', 'Upgrade: x', field);
      const head = (await client.octets.until('\r\n\r\n'))?.toString();
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${expected} `));
      if (expected === 407) expect(head).toMatch(/\r\nProxy-Authenticate: Basic realm="edgehop", charset="UTF-8"\r\n/i);
      expect(origin.connections - connections).toBe(expected === 407 ? 0 : 1);
    }
  });

  test('that are taken away are good no more, on connections that last, too', async () => {
    await using changing = await startTestAgent({ edge: 'none', config: { admit: { credentials } } });
    using client = await connectClient(changing.port);
    client.sendHead(`GET ${origin.url}/before HTTP/1.1`, 'Host: x', right);
    expect((await client.response()).status).toBe(200);
    const { config } = await import('../../schemas/config.ts');
    const admit = { credentials: credentials.slice(1), destinations: { allowPrivate: true } };
    const given = {
      listen: { port: 0, controlPort: 0 },
      edge: { use: 'none' },
      cache: { agent: { diskBytes: 0 } },
      admit,
    };
    expect(await changing.agent.reload(config.parse(given))).toMatchObject({ kind: 'applied' });
    client.sendHead(`GET ${origin.url}/after HTTP/1.1`, 'Host: x', right);
    expect((await client.response()).status).toBe(407);
  });
});

describe('a crowd of guesses', () => {
  test('is answered 407 or 429 and carries nothing; who is known is served meanwhile, and nobody else waits for it', async () => {
    await using guarded = await startTestAgent({ edge: 'none', config: { admit: { credentials } } });
    expect(await status(guarded.port, '/known', right)).toBe(200);
    const asked = origin.requests.length;
    const crowd = Array.from({ length: 60 }, (_, i) => getOnce(guarded.port, `${origin.url}/g`, basic(`anna:${i}`)));
    expect(await status(guarded.port, '/known', right)).toBe(200);
    const answers = await Promise.all(crowd);
    expect(origin.requests.length).toBe(asked + 1);
    const [denied, slowed] = [407, 429].map((expected) => answers.filter(({ status }) => status === expected));
    expect([denied?.length, slowed?.length]).toEqual([expect.any(Number), expect.any(Number)]);
    expect((denied?.length ?? 0) + (slowed?.length ?? 0)).toBe(60);
    expect(slowed?.length).toBeGreaterThan(40);
    for (const answer of slowed ?? []) expect(answer.field('retry-after')).toBe('1');
    expect(await status(guarded.port, '/known', right)).toBe(200);
  });
});

describe.runIf(hasCurl)('curl', () => {
  const asked = (...args: string[]) =>
    run(
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{http_connect}',
      '--noproxy',
      '',
      ...args,
      `${origin.url}/curl`,
    );
  const proxied = (userinfo = '') => ['-x', `http://${userinfo}127.0.0.1:${proxy.port}`];
  const socks = (userinfo = '') => ['-x', `socks5h://${userinfo}127.0.0.1:${proxy.port}`];
  const good = `anna:${encodeURIComponent(password)}@`;

  test.each([
    ['right ones', good, [], '200 000', 0],
    ['wrong ones', 'anna:wrong@', [], '407 000', 0],
    ['none', '', [], '407 000', 0],
    ['right ones, asked for first', good, ['--proxy-anyauth'], '200 000', 0],
    ['right ones for a tunnel', good, ['-p'], '200 200', 0],
    ['right ones for a tunnel, asked for first', good, ['-p', '--proxy-anyauth'], '200 200', 0],
    ['wrong ones for a tunnel', 'anna:wrong@', ['-p'], '000 407', 56],
    ['none for a tunnel', '', ['-p'], '000 407', 56],
  ])('-x with %s', async (_, userinfo, args, told, code) => {
    expect(await asked(...proxied(userinfo), ...args)).toMatchObject({ stdout: told, code });
  });

  test.each([
    ['right ones', good, '200 000', 0],
    ['wrong ones', 'anna:wrong@', '000 000', 97],
    ['none', '', '000 000', 97],
  ])('--socks5 with %s', async (_, userinfo, told, code) => {
    expect(await asked(...socks(userinfo))).toMatchObject({ stdout: told, code });
  });

  test('what SOCKS refuses is in the record, without the password', async () => {
    await asked(...socks('anna:wrong-password@'));
    const record = await proxy.recordWhere(
      ({ request, error }) => request.method === 'SOCKS5' && error?.status === 407,
    );
    expect(record.error?.type).toBe('http_request_denied');
    expect(JSON.stringify(proxy.records)).not.toContain('wrong-password');
  });
});

describe('addresses', () => {
  const given = { allow: ['127.0.0.0/8', '::1'], deny: ['::1'] };

  test('a client that is denied is closed without an answer, whatever it speaks, although it is allowed', async () => {
    await using listed = await startTestAgent({ edge: 'none', config: { admit: { clients: given } } });
    expect(await status(listed.port, '/allowed')).toBe(200);
    for (const octets of [
      `GET ${origin.url}/ HTTP/1.1\r\nHost: x\r\n\r\n`,
      `CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: x\r\n\r\n`,
      '\x05\x01\x00',
      '\x16\x03',
    ]) {
      using client = await connectClient(listed.port, '::1');
      client.send(octets);
      expect(await client.ended).toMatch(/end|reset/);
      expect(client.octets.all().length).toBe(0);
    }
    expect(listed.records.map(({ client }) => client.address)).not.toContain('::1');
  });

  test('who is not named is denied', async () => {
    await using listed = await startTestAgent({
      edge: 'none',
      config: { admit: { clients: { allow: ['192.0.2.0/24'] } } },
    });
    using client = await connectClient(listed.port);
    client.sendHead(`GET ${origin.url}/ HTTP/1.1`, 'Host: x');
    expect(await client.ended).toMatch(/end|reset/);
  });
});

describe('maxConnectionsPerClient', () => {
  test('of one client are served, over all families, and one more is closed until one of them is gone', async () => {
    await using bounded = await startTestAgent({ edge: 'none', limits: { maxConnectionsPerClient: 2 } });
    const clients = [await connectClient(bounded.port), await connectClient(bounded.port)];
    await bounded.active(2);
    using tooMany = await connectClient(bounded.port);
    await tooMany.ended;
    expect(tooMany.octets.all().length).toBe(0);
    using ofAnother = await connectClient(bounded.port, '::1');
    ofAnother.sendHead(`GET ${origin.url}/other HTTP/1.1`, 'Host: x');
    expect((await ofAnother.response()).status).toBe(200);
    for (const client of clients) {
      client.sendHead(`GET ${origin.url}/one HTTP/1.1`, 'Host: x');
      expect((await client.response()).status).toBe(200);
    }
    clients[0]?.socket.destroy();
    await bounded.active(2);
    expect(await status(bounded.port, '/again')).toBe(200);
    clients[1]?.socket.destroy();
  });
});

describe('maxRequestsPerSecondPerClient', () => {
  /** Two are in reserve, and the next one comes back after half a second at the earliest. */
  const limits = { maxRequestsPerSecondPerClient: 2 };

  test('of one client are served at once, and one more is 429 with Retry-After, on a connection that is kept', async () => {
    await using bounded = await startTestAgent({ edge: 'none', limits });
    using client = await connectClient(bounded.port);
    const count = 40;
    for (let i = 0; i < count; i++) client.sendHead(`GET ${origin.url}/${i} HTTP/1.1`, 'Host: x');
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) {
      const answer = await client.response();
      statuses.push(answer.status);
      if (answer.status === 429) {
        expect(answer.field('retry-after')).toBe('1');
        expect(answer.field('proxy-status')).toMatch(/http_request_denied/);
      }
    }
    expect(statuses.slice(0, 2)).toEqual([200, 200]);
    expect(statuses).toContain(429);
    // It is allowed again as time passes; a client of another address is at once.
    await expect.poll(() => status(bounded.port, '/later'), { interval: 100, timeout: 20_000 }).toBe(200);
    using other = await connectClient(bounded.port, '::1');
    other.sendHead(`GET ${origin.url}/other HTTP/1.1`, 'Host: x');
    expect((await other.response()).status).toBe(200);
  });

  test('counts tunnels', async () => {
    await using bounded = await startTestAgent({ edge: 'none', limits });
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => {
        using client = await connectClient(bounded.port);
        client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x');
        return /^HTTP\/1.1 (\d+)/.exec((await client.octets.until('\r\n\r\n'))?.toString() ?? '')?.[1];
      }),
    );
    expect(statuses).toContain('200');
    expect(statuses).toContain('429');
  });
});

describe('a listener on the network', () => {
  test('needs credentials or clients that it is for, and says that it is open', async () => {
    const listen = { host: '0.0.0.0' };
    await expect(startTestAgent({ edge: 'none', listen })).rejects.toThrow(/without knowing for whom/);
    await using open = await startTestAgent({ edge: 'none', listen, config: { admit: { credentials } } });
    expect(open.said).toContainEqual(
      'the proxy is open to the network on 0.0.0.0: with credentials, which travel in clear',
    );
    expect(await status(open.port, '/open')).toBe(407);
    expect(await status(open.port, '/open', right)).toBe(200);
  });
});

describe('a reverse route', () => {
  test('asks for no credentials, which a browser gives to no origin', async () => {
    const config = {
      admit: { credentials },
      pools: { app: { targets: [{ url: origin.url }] } },
      reverse: [{ host: 'app.localhost', pool: 'app' }],
    };
    await using reverse = await startTestAgent({ edge: 'none', config });
    using client = await connectClient(reverse.port);
    client.sendHead('GET /reversed HTTP/1.1', `Host: app.localhost:${reverse.port}`);
    expect((await client.response()).status).toBe(200);
    expect(await status(reverse.port, '/forward')).toBe(407);
  });
});

describe('the verbs', () => {
  test('config credential makes a user, whom the agent knows, and the agent of this machine serves its own verbs', async () => {
    using home = makeHome();
    const printed = await home.run(['config', 'credential', 'anna'], `${password}\nnot this\n`);
    expect(JSON.parse(printed.stdout)).toEqual({ name: 'anna', hash: expect.stringMatching(/^scrypt:/) });
    const path = home.write('edgehop.jsonc', '{\n  // mine\n  "log": "quiet",\n}\n');
    expect(await home.run(['config', 'credential', 'anna', '--write'], `${password}\n`)).toMatchObject({ code: 0 });
    expect(home.read('edgehop.jsonc').toString()).toMatch(
      /^\{\n {2}\/\/ mine\n {2}"log": "quiet",[\s\S]*"name": "anna"/,
    );
    expect((await home.run(['config', 'print'])).stdout).not.toContain('scrypt');
    await using agent = await home.start('--edge', 'none', '--allow-private');
    expect(await status(agent.port, '/verbs', basic('anna:wrong'))).toBe(407);
    expect(await status(agent.port, '/verbs', right)).toBe(200);
    const got = await home.run(['get', `${origin.url}/got`, '--json']);
    const report = JSON.parse(got.stdout);
    expect(report.response.status).toBe(200);
    expect(got.stdout).not.toContain(agent.state.controlToken);
    expect(JSON.stringify(report.request)).not.toMatch(/proxy-auth/i);
    const told = await home.run(['rules', 'stat', '--json']);
    expect(JSON.parse(told.stdout)).toMatchObject({ configuration: { path }, clients: { wrongCredentials: 1 } });
    expect((await home.run(['rules', 'stat'])).stdout).toContain('1 refused for their credentials');
  });

  test.each([
    ['a name with a colon', ['config', 'credential', 'a:b'], 'x\n', 2],
    ['no password', ['config', 'credential', 'a'], '', 2],
    ['an empty password', ['config', 'credential', 'a'], '\n', 2],
  ])('config credential ends with 2 for %s', async (_, args, input, code) => {
    using home = makeHome();
    expect(await home.run(args, input)).toMatchObject({ code, stdout: '' });
  });

  test('config credential --write leaves a file that is not right as it is', async () => {
    using home = makeHome();
    home.write('edgehop.jsonc', '{ "lgo": 1 }');
    const { code, stderr } = await home.run(['config', 'credential', 'a', '--write'], 'x\n');
    expect([code, home.read('edgehop.jsonc').toString()]).toEqual([78, '{ "lgo": 1 }']);
    expect(stderr).toContain('Did you mean "log"?');
  });
});
