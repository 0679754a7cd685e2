// `edgehop doctor` as a person runs it, with and without an agent, while things are as they should be and while they are not.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { listening } from '../../agent/proxy/accept/listening.ts';
import { doctorBundle, doctorReport, type Finding } from '../../schemas/doctor.ts';
import { selfSigned } from '../support/certificate.ts';
import { getOnce } from '../support/client.ts';
import { type Home, makeHome, type Result } from '../support/command.ts';
import { startDeployedEdge, type TestEdge, testToken } from '../support/edge.ts';
import { startFront } from '../support/front.ts';
import { message, startOrigin } from '../support/origin.ts';
import { startHttpParent } from '../support/parent.ts';
import { closedPort } from '../support/tcp.ts';

/** Ports of the system's choice, no embedded edge, and no variables of whoever runs the tests. */
const quiet = { listen: { port: 0, controlPort: 0 }, edge: { use: 'none' } };
const plain = { NODE_EXTRA_CA_CERTS: '', NODE_TLS_REJECT_UNAUTHORIZED: '', NODE_OPTIONS: '' };

function homeWith(configuration: object, env: Record<string, string> = {}): Home {
  const home = makeHome({ ...plain, ...env });
  onTestFinished(() => home[Symbol.dispose]());
  home.write('edgehop.jsonc', JSON.stringify({ ...quiet, ...configuration }));
  return home;
}

interface Told extends Result {
  readonly of: (name: string) => Finding | undefined;
  readonly findings: readonly Finding[];
}

async function doctor(home: Home, ...args: string[]): Promise<Told> {
  const result = await home.run(['doctor', '--json', ...args]);
  const { findings } = doctorReport.parse(JSON.parse(result.stdout));
  return { ...result, findings, of: (name) => findings.find((each) => each.name === name) };
}

test('where all is well it ends with 0, and where no agent runs that is no failure', async () => {
  const parent = await startHttpParent((_, socket) => void socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  onTestFinished(() => parent[Symbol.asyncDispose]());
  const url = `http://me:hush-hush@127.0.0.1:${parent.port}`; // that looks names up, where this machine may have no name server
  const home = homeWith(
    { edge: { use: 'embedded' }, cache: { agent: { maxEntryBytes: 1 } }, limits: { maxConnections: 10 } },
    { http_proxy: url, https_proxy: url },
  );
  const { code, stdout, stderr } = await home.run(['doctor']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^PASS {2}embedded edge +it starts and answers: version 1, cache store memory$/m);
  expect(stdout).toMatch(
    /^PASS {2}parent proxy +http:\/\/127\.0\.0\.1:\d+ \(http_proxy\) answers \(status 204\), and does not refuse the credentials$/m,
  );
  expect(stdout).toMatch(/^SKIP {2}agents +none runs$/m);
  expect(stdout).toMatch(/^\d+ passed, 0 failed, \d+ skipped\.$/m);
  expect(stdout).not.toContain('hush-hush');
  expect(readdirSync(home.path)).toEqual(['edgehop.jsonc']);
});

test('a running agent is found and not disturbed, and its edge is not started twice', async () => {
  const home = homeWith({ edge: { use: 'embedded' } });
  await using agent = await home.start();
  await agent.says('is ready');
  const files = () => readdirSync(join(home.path, 'state')).sort();
  const before = files();
  const { of } = await doctor(home);
  expect(of(`agent ${agent.port}`)).toMatchObject({
    outcome: 'pass',
    because: `process ${agent.state.pid} is listening, its edge is ready`,
  });
  expect(of('embedded edge')).toMatchObject({
    outcome: 'pass',
    because: expect.stringContaining(`agent on port ${agent.port}`),
  });
  expect(of('state folder')).toMatchObject({ outcome: 'pass' });
  expect(files()).toEqual(before);
  expect((await getOnce(agent.port, 'http://127.0.0.1:1/')).status).toBe(403);
});

test('the ports of a running agent are ours', async () => {
  const [port, controlPort] = [await closedPort(), await closedPort()];
  const home = homeWith(
    { listen: { port, controlPort } },
    { http_proxy: `http://127.0.0.1:${port}`, HTTP_PROXY: `http://127.0.0.1:${port}` },
  );
  await using agent = home.begin('start');
  await agent.says('configured by');
  const { of } = await doctor(home);
  expect(of('proxy port')).toMatchObject({
    outcome: 'pass',
    because: expect.stringContaining(`${port} is that of the agent`),
  });
  expect(of('control port')).toMatchObject({
    outcome: 'pass',
    because: expect.stringContaining(`${controlPort} is that of the agent`),
  });
  expect(of('proxy variables')).toMatchObject({
    outcome: 'fail',
    because: expect.stringContaining('https_proxy does not lead to edgehop'),
  });
  expect(of('parent proxy http')).toMatchObject({
    outcome: 'skip',
    because: expect.stringContaining('is edgehop itself'),
  });
});

test('a port that another program has is told with that program', async () => {
  const other = createServer((socket) => socket.destroy());
  onTestFinished(() => void other.close());
  const port = await listening(other, '127.0.0.1', 0);
  const home = homeWith({ listen: { port, controlPort: 0 } });
  const { code, of } = await doctor(home);
  expect(code).toBe(1);
  expect(of('proxy port')).toMatchObject({
    outcome: 'fail',
    because:
      process.platform === 'linux'
        ? expect.stringContaining(`(process ${process.pid})`)
        : expect.stringContaining('taken'),
    action: 'End it, or choose another port with --port',
  });
});

test('a parent proxy that is not there is told with where it was named', async () => {
  const port = await closedPort();
  const { code, of } = await doctor(homeWith({}, { HTTPS_PROXY: `http://me:hush-hush@127.0.0.1:${port}` }));
  expect(code).toBe(1);
  expect(of('parent proxy https')).toMatchObject({
    outcome: 'fail',
    because: `The parent proxy http://127.0.0.1:${port} refuses the connection (HTTPS_PROXY)`,
    action: 'Start it, or correct HTTPS_PROXY; where it is needed no more, take HTTPS_PROXY away',
  });
});

test('an embedded edge whose program is not there is told, and what to do without', async () => {
  const home = homeWith({ edge: { use: 'embedded' } }, { MINIFLARE_WORKERD_PATH: '/nowhere/workerd' });
  const { code, of } = await doctor(home);
  expect([code, of('embedded edge')]).toEqual([
    1,
    {
      name: 'embedded edge',
      outcome: 'fail',
      because: expect.stringMatching(/cannot be started: .+/),
      action: expect.stringContaining('--edge none'),
    },
  ]);
});

describe('a deployed edge', () => {
  let edge: TestEdge;
  const certificate = selfSigned('127.0.0.1');

  beforeAll(async () => {
    edge = await startDeployedEdge();
  });

  afterAll(async () => {
    await edge[Symbol.asyncDispose]();
  });

  const withEdge = (url: string, token: string, env: Record<string, string> = {}, more: object = {}) =>
    homeWith({ edge: { use: 'home', edges: [{ name: 'home', url, token }] }, ...more }, env);

  const outcomes = ({ findings }: Told) =>
    findings
      .filter(({ name }) => name.startsWith('edge home'))
      .map(({ name, outcome }) => `${name.slice('edge home '.length)} ${outcome}`);

  test('that works is told in every part, and its token in none', async () => {
    const told = await doctor(withEdge(edge.direct, testToken));
    expect(outcomes(told)).toEqual([
      'dns skip',
      'tcp pass',
      'tls skip',
      'token pass',
      'version pass',
      'clock pass',
      'tunnels skip',
      'store pass',
    ]);
    expect(told.stdout).not.toContain(testToken);
  });

  test('that does not know the token is told so, and nothing behind that', async () => {
    const told = await doctor(withEdge(edge.direct, 'another-token-0123456789'));
    expect([told.code, outcomes(told)]).toEqual([1, ['dns skip', 'tcp pass', 'tls skip', 'token fail']]);
    expect(told.of('edge home token')).toMatchObject({
      because: 'the edge does not know it',
      action: expect.stringContaining('EDGEHOP_TOKENS'),
    });
    expect(told.stdout).not.toContain('another-token');
  });

  test('behind TLS is told with its issuer, and where that is not trusted, why', async () => {
    await using front = await startFront('http/1.1', edge.direct, certificate);
    const untrusted = await doctor(withEdge(front.url, testToken));
    expect(outcomes(untrusted)).toEqual(['dns skip', 'tcp pass', 'tls fail']);
    expect(untrusted.of('edge home tls')).toMatchObject({ because: expect.stringContaining('self-signed') });
    expect(front.received()).not.toContain(testToken);
    const home = withEdge(front.url, testToken, {}, { trust: { authorities: ['ca.pem'] } });
    home.write('ca.pem', certificate.cert);
    const trusted = await doctor(home);
    expect(trusted.of('edge home tls')).toMatchObject({
      outcome: 'pass',
      because: expect.stringMatching(/issued by edgehop test, valid until 20\d\d-\d\d-\d\d \(\d+ days\)/),
    });
    expect(trusted.of('edge home token')).toMatchObject({ outcome: 'pass' });
  });

  test('that is not there is told so', async () => {
    const told = await doctor(withEdge(`http://127.0.0.1:${await closedPort()}`, testToken));
    expect([told.code, outcomes(told)]).toEqual([1, ['dns skip', 'tcp fail']]);
  });
});

describe('whatever is broken, it tells what it can', () => {
  test('a wrong configuration', async () => {
    const home = makeHome(plain);
    onTestFinished(() => home[Symbol.dispose]());
    const path = home.write(
      'edgehop.jsonc',
      '{ "edge": { "use": "none", "edges": [{ "token": "short-secret" }] }, "lisen": 1 }',
    );
    const { code, stdout, of } = await doctor(home);
    expect(code).toBe(1);
    expect(of('configuration')).toMatchObject({ outcome: 'fail', because: expect.stringContaining(`${path}:1:`) });
    expect(of('embedded edge')).toMatchObject({ outcome: 'pass' });
    expect(stdout).not.toContain('short-secret');
  });

  test('a configuration that is a folder, and variables that say nothing sensible', async () => {
    const home = makeHome({ ...plain, EDGEHOP_EDGE: 'none' });
    onTestFinished(() => home[Symbol.dispose]());
    mkdirSync(join(home.path, 'edgehop.jsonc'));
    expect((await doctor(home)).of('configuration')).toMatchObject({
      outcome: 'fail',
      because: expect.stringContaining('EISDIR'),
    });
    const strange = homeWith({}, { EDGEHOP_PORT: 'eighty' });
    expect((await doctor(strange)).of('configuration')).toMatchObject({
      outcome: 'fail',
      because: expect.stringContaining('EDGEHOP_PORT'),
    });
  });

  test('a state folder that is a file, and notes that are none', async () => {
    const home = homeWith({});
    writeFileSync(join(home.path, 'state'), '');
    expect((await doctor(home)).of('state folder')).toMatchObject({
      outcome: 'fail',
      because: expect.stringContaining('ENOTDIR'),
    });
    const other = homeWith({});
    mkdirSync(join(other.path, 'state'));
    writeFileSync(join(other.path, 'state', 'agent-1.json'), '{', { mode: 0o600 });
    expect((await doctor(other)).of('state folder')).toMatchObject({
      outcome: 'fail',
      because: expect.stringContaining('cannot be read'),
    });
  });

  test('a configuration with secrets that others may read', async () => {
    const home = homeWith({
      edge: { use: 'none', edges: [{ name: 'home', url: `http://127.0.0.1:${await closedPort()}`, token: testToken }] },
    });
    expect((await doctor(home)).of('configuration file')).toMatchObject({
      outcome: 'fail',
      action: expect.stringContaining('chmod 600'),
    });
  });

  test('who interrupts it is obeyed at once, with 130', async () => {
    const home = homeWith({});
    const origin = await startOrigin(() => doctorRuns.signal('SIGINT')); // asked for hello, it never answers
    onTestFinished(() => origin[Symbol.asyncDispose]());
    home.write(
      'edgehop.jsonc',
      JSON.stringify({ ...quiet, edge: { use: 'none', edges: [{ name: 'home', url: origin.url, token: testToken }] } }),
    );
    await using doctorRuns = home.begin('doctor');
    expect(await doctorRuns.ended).toMatchObject({ code: 130, stdout: '' });
  });
});

describe('a bundle', () => {
  const canary = (place: string) => `canary-${place}-0123456789`;

  test('holds what helps and no secret, is its owner’s alone, and is not written over another', async () => {
    const origin = await startOrigin(
      (_, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok')),
    );
    onTestFinished(() => origin[Symbol.asyncDispose]());
    const home = homeWith(
      {
        edge: {
          use: 'none',
          edges: [{ name: 'home', url: `http://127.0.0.1:${await closedPort()}`, token: canary('token') }],
        },
        admit: { destinations: { allowPrivate: true } },
        rules: [{ when: { path: '/never' }, then: { request: { set: { authorization: canary('rule') } } } }],
        lists: { ads: { url: `http://me:${canary('list')}@127.0.0.1:1/?k=${canary('query')}` } },
      },
      { EDGEHOP_TOKEN: '', HTTPS_PROXY: `http://me:${canary('proxy')}@127.0.0.1:${await closedPort()}` },
    );
    await using agent = await home.start();
    await getOnce(agent.port, `${origin.url}/path?k=${canary('url')}`, `Cookie: a=${canary('cookie')}`);
    const { code, stdout, stderr } = await home.run(['doctor', '--bundle', 'report.json']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('report.json is written')]);
    const text = home.read('report.json').toString();
    const bundle = doctorBundle.parse(JSON.parse(text));
    for (const told of [text, stdout, stderr]) expect(told.match(/canary-[a-z]+/g) ?? []).toEqual([]);
    expect(text).not.toContain(agent.state.controlToken);
    const macs = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ mac }) => mac) ?? []);
    for (const mac of macs.filter((each) => each !== '00:00:00:00:00:00')) expect(text).not.toContain(mac);
    expect(JSON.stringify(bundle)).not.toContain(`"${hostname()}"`);
    expect(bundle.agents[0]?.recent[0]?.request.url).toBe(`${origin.url}/path`);
    expect(bundle.agents[0]).toMatchObject({ port: agent.port, readiness: { agent: 'listening' } });
    expect(bundle.environment['HTTPS_PROXY']).toMatch(/^http:\/\/\(secret\)@127/);
    expect(statSync(join(home.path, 'report.json')).mode & 0o777).toBe(0o600);

    expect(await home.run(['doctor', '--bundle', 'report.json'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('not overwritten'),
    });
    expect(home.read('report.json').toString()).toBe(text);
  });

  test('that cannot be written is told after the findings, and leaves nothing', async () => {
    const home = homeWith({});
    const { code, stdout, stderr } = await home.run(['doctor', '--bundle', 'no/such/folder/report.json']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('ENOENT')]);
    expect(stdout).toContain('skipped.');
  });
});
