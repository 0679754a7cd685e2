// `edgehop edge add | use | status`, against the real worker as it is deployed, and an agent that runs meanwhile.
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { edgeStatus } from '../../schemas/edge-status.ts';
import { getOnce } from '../support/client.ts';
import { type Home, makeHome } from '../support/command.ts';
import { startDeployedEdge, type TestEdge, testToken } from '../support/edge.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';

let origin: Origin;
let edge: TestEdge;
let home: Home;
beforeAll(async () => {
  origin = await startOrigin(
    (_request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok')),
  );
  edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home[Symbol.dispose]());

const add = (...more: string[]) =>
  home.run(['edge', 'add', 'home', edge.entry, '--token-stdin', ...more], `${testToken}\n`);
const written = () => home.read('edgehop.jsonc').toString();
const inUse = (use: string, ...more: object[]) =>
  home.write(
    'edgehop.jsonc',
    JSON.stringify({ edge: { use, edges: [{ name: 'home', url: edge.entry, token: testToken }, ...more] } }),
  );

describe('edge add', () => {
  test('asks the edge, says what it has, and stores it where only its owner reads', async () => {
    home.write('edgehop.jsonc', '{\n  // what I like\n  "log": "quiet"\n}\n');
    chmodSync(`${home.path}/edgehop.jsonc`, 0o644);
    const { code, stdout, stderr } = await add();
    expect([code, stderr]).toEqual([0, 'edgehop: `edgehop edge use home` lets exchanges go by it.\n']);
    expect(stdout).toMatch(/^home is added to \S+edgehop\.jsonc: version 1, .*cache in memory, no tunnels\.\n$/);
    expect(written()).toContain('// what I like');
    expect(statSync(`${home.path}/edgehop.jsonc`).mode & 0o777).toBe(0o600);
    expect((await home.run(['config', 'validate'])).code).toBe(0);
    expect(stdout + stderr).not.toContain(testToken);
  });

  test('takes the token from EDGEHOP_TOKEN', async () => {
    using own = makeHome({ EDGEHOP_TOKEN: testToken });
    expect((await own.run(['edge', 'add', 'home', edge.entry])).code).toBe(0);
    expect(own.read('edgehop.jsonc').toString()).toContain(testToken);
  });

  test('refuses a name that exists, and gives it another token with --replace, which keeps comments', async () => {
    await add();
    home.write('edgehop.jsonc', written().replace('"name"', '// at home\n        "name"'));
    const refused = await add();
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--replace')]);
    const replaced = await home.run(
      ['edge', 'add', 'home', 'https://edge.example/', '--token-stdin', '--replace', '--no-verify'],
      'another-token-0123456789\n',
    );
    expect([replaced.code, replaced.stdout]).toEqual([0, expect.stringContaining('home is replaced in')]);
    expect(written()).toContain('// at home');
    expect(written()).toContain('"url": "https://edge.example"');
    expect(written()).toContain('another-token-0123456789');
    expect(written()).not.toContain(testToken);
  });

  test.each([
    ['an edge that does not know the token', [], 'a-token-that-is-wrong', 69, 'does not know the token'],
    ['a token that is too short', [], 'short', 2, 'at least 16'],
    ['a token with white space', ['--no-verify'], 'a token with white space', 2, 'no white space'],
    ['no token', [], '', 2, 'first line of stdin'],
  ])('stores nothing for %s, and does not repeat the token', async (_, more, token, status, words) => {
    const args = ['edge', 'add', 'home', edge.entry, '--token-stdin', ...more];
    const { code, stdout, stderr } = await home.run(args, token);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toContain(words);
    if (token !== '') expect(stderr).not.toContain(token);
    expect(readdirSync(home.path)).toEqual([]);
  });

  test.each([
    [['embedded', 'https://edge.example'], 'meaning of its own'],
    [['my edge', 'https://edge.example'], 'letters, digits and hyphens'],
    [['home', 'http://edge.example'], 'must be https'],
    [['home', 'https://edge.example/v1'], 'no path'],
    [['home', 'https://edge.example'], '--token-stdin or EDGEHOP_TOKEN'],
    [['home', 'https://edge.example', '--token', testToken], "unknown option '--token'"],
  ])('%j is refused before anything is asked', async (args, words) => {
    const { code, stderr } = await home.run(['edge', 'add', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    expect(readdirSync(home.path)).toEqual([]);
  });

  test('says of an edge of another version which half to update', async () => {
    const other = createServer((_request, reply) => reply.end('{"version":2}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, stderr } = await home.run(['edge', 'add', 'home', url, '--token-stdin'], testToken);
    other.close();
    expect([code, stderr]).toEqual([69, expect.stringContaining('update edgehop on this machine')]);
  });
});

describe('edge use', () => {
  test('lists what there is where the name is wrong, and suggests the nearest', async () => {
    inUse('embedded');
    const { code, stderr } = await home.run(['edge', 'use', 'hme']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean "home"? There are: embedded, none, home.');
  });

  test('says which variable comes before the file', async () => {
    using own = makeHome({ EDGEHOP_EDGE: 'none' });
    const { code, stderr } = await own.run(['edge', 'use', 'embedded']);
    expect([code, stderr]).toEqual([0, expect.stringContaining('EDGEHOP_EDGE')]);
  });

  test('is taken over by an agent that runs', async () => {
    inUse('none');
    await using agent = await home.start('--log', 'quiet');
    expect((await home.run(['edge', 'use', 'home'])).code).toBe(0);
    await agent.says('edge home is ready');
    const reply = await getOnce(agent.port, 'http://site.example/');
    expect(JSON.stringify(reply.fields)).toContain('next-hop=\\"home\\"');
    expect((await home.run(['edge', 'use', 'none'])).stdout).toContain('edge.use is none');
  });
});

describe('edge status', () => {
  test('tells of every edge what it says, how far it is and which one is in use', async () => {
    inUse('home', { name: 'old', url: 'http://127.0.0.1:1', token: 'a-token-of-16-octets' });
    const { code, stdout } = await home.run(['edge', 'status', '--json']);
    expect(code).toBe(0);
    const status = edgeStatus.parse(JSON.parse(stdout));
    expect(status).toMatchObject({
      inUse: 'home',
      edges: [
        { name: 'home', url: edge.entry, greeting: { kind: 'answers', hello: { version: 1, cacheStore: 'memory' } } },
        { name: 'old', greeting: { kind: 'unavailable' } },
      ],
      agents: [],
    });
    const [first] = status.edges;
    if (first?.greeting.kind !== 'answers') throw new Error('it does not answer');
    const { roundTripMs, clockOffsetMs, clockErrorMs } = first.greeting;
    expect(roundTripMs).toBeGreaterThan(0);
    expect(Math.abs(clockOffsetMs)).toBeLessThanOrEqual(clockErrorMs + 1); // the same machine's clock
    expect(stdout).not.toContain(testToken);
    const words = (await home.run(['edge', 'status'])).stdout;
    expect(words).toMatch(
      /^ {2}embedded .*\n\* home .*\n\s+answers: version 1.*\n\s+round trip .* ms.*\n\s+its clock is /,
    );
    expect(words).toContain('does not answer: ');
  });

  test('ends with 69 where the edge in use does not answer', async () => {
    home.write(
      'edgehop.jsonc',
      JSON.stringify({ edge: { use: 'old', edges: [{ name: 'old', url: 'http://127.0.0.1:1', token: testToken }] } }),
    );
    const { code, stdout, stderr } = await home.run(['edge', 'status']);
    expect([code, stdout]).toEqual([69, expect.stringContaining('* old')]);
    expect(stderr).toContain('the edge in use, old, does not answer');
  });

  test('tells of the agents that run, and knows the embedded edge by them', async () => {
    await using agent = await home.start('--log', 'quiet');
    await agent.says('is ready');
    const { code, stdout } = await home.run(['edge', 'status', '--json']);
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      { inUse: 'embedded', edges: [], agents: [{ port: agent.port, edge: 'ready' }] },
    ]);
  });

  test('ends with 78 where edge.use names none of the edges', async () => {
    home.write('edgehop.jsonc', '{ "edge": { "use": "gone" } }');
    const { code, stderr } = await home.run(['edge', 'status']);
    expect([code, stderr]).toEqual([78, expect.stringContaining('there is no edge "gone"')]);
  });
});
