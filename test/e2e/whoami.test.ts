// `edgehop whoami` as a person runs it: measured by an origin of its own, by a service that echoes, by a deployed edge.
import { hostname, networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { type WhoamiReport, type WhoamiView, whoamiReport } from '../../schemas/whoami.ts';
import { makeHome, type Result } from '../support/command.ts';
import { startDeployedEdge, testToken } from '../support/edge.ts';
import { message, startOrigin } from '../support/origin.ts';

const macs = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .map(({ mac }) => mac)
  .filter((mac) => mac !== '00:00:00:00:00:00');

function reportOf({ code, stdout, stderr }: Result): WhoamiReport {
  expect([code, stderr]).toEqual([0, '']);
  return whoamiReport.parse(JSON.parse(stdout));
}

function receivedIn(view: WhoamiView): Extract<WhoamiView['seen'], { kind: 'received' }> {
  if (view.seen.kind !== 'received') throw new Error(`${view.route}, ${view.client}: ${JSON.stringify(view.seen)}`);
  return view.seen;
}

test('each route, each program: what arrived, and what differs', { timeout: 30_000 }, async () => {
  using home = makeHome();
  const report = reportOf(await home.run(['whoami', '--json']));
  expect(report.views.map(({ route, client }) => `${route} ${client}`)).toEqual([
    'direct browser',
    'direct curl',
    'edge-fetch browser',
    'edge-fetch curl',
    'edge-socket browser',
    'edge-socket curl',
  ]);
  for (const view of report.views) {
    const { address, fields, difference } = receivedIn(view);
    expect(address).toBe('127.0.0.1');
    expect(view.taken?.kind).toBe(view.route === 'direct' ? 'direct' : 'edge');
    expect(difference.leftOut.map(([name]) => name)).toEqual(['Proxy-Connection']);
    expect(difference.changed).toEqual([]);
    const added = difference.added.map(([name]) => name);
    expect(added).toContain('Via');
    expect(added.includes('CDN-Loop')).toBe(view.route !== 'direct');
    const text = JSON.stringify(fields).toLowerCase();
    for (const mac of macs) expect(text).not.toContain(mac);
    expect(JSON.stringify(difference.added).toLowerCase()).not.toContain(hostname().toLowerCase());
  }
});

test('rules and privacy are those of the configuration', { timeout: 30_000 }, async () => {
  using home = makeHome();
  home.write(
    'edgehop.jsonc',
    JSON.stringify({
      privacy: { via: 'off', forwarded: 'pseudonym' },
      rules: [
        { when: {}, then: { request: { remove: ['cookie'], set: { 'x-added': 'yes' } }, log: 'off' } },
        { name: 'no curl', when: { fields: { 'user-agent': 'curl/*' } }, then: { block: { status: 403 } } },
      ],
    }),
  );
  const report = reportOf(await home.run(['whoami', '--json']));
  for (const view of report.views) {
    if (view.client === 'curl') {
      expect(view.seen).toEqual({ kind: 'nothing', because: expect.stringContaining('no curl') });
      continue;
    }
    const { difference } = receivedIn(view);
    expect(difference.leftOut.map(([name]) => name)).toContain('Cookie');
    const added = Object.fromEntries(difference.added.map(([name, value]) => [name.toLowerCase(), value]));
    expect(added['x-added']).toBe('yes');
    expect(added['forwarded']).toMatch(/^for=_[\w-]{16};proto=http$/);
    expect(added['via']).toBe(undefined);
  }
});

test('a service that echoes is shown with its answer', { timeout: 30_000 }, async () => {
  using home = makeHome();
  await using origin = await startOrigin((request, socket) => {
    const text = `you said ${request.values('user-agent')[0]}`;
    socket.write(message(['HTTP/1.1 200 OK', 'Content-Type: text/plain', `Content-Length: ${text.length}`], text));
  });
  const { code, stdout } = await home.run(['whoami', '--origin', `${origin.url}/echo`]);
  expect(code).toBe(0);
  expect(stdout.match(/you said Mozilla\/5\.0/g)).toHaveLength(3);
  expect(stdout.match(/you said curl\//g)).toHaveLength(3);
  expect(origin.requests.map(({ target }) => target)).toEqual(Array.from({ length: 6 }, () => '/echo'));
});

test('a deployed edge says who calls it, and what is only documented is marked so', { timeout: 30_000 }, async () => {
  await using edge = await startDeployedEdge();
  using home = makeHome();
  const edges = [{ name: 'home', url: edge.entry, token: testToken }];
  home.write('edgehop.jsonc', JSON.stringify({ edge: { use: 'home', edges } }));
  const { code, stdout } = await home.run(['whoami']);
  expect(code).toBe(0);
  expect(stdout).toContain('The deployed edge home\n  it is called from ');
  expect(stdout).toContain('documented by Cloudflare, not measured');
  expect(stdout).not.toContain(testToken);
});

test('a deployed edge that does not answer is told, and the rest is measured', { timeout: 30_000 }, async () => {
  using home = makeHome();
  const edges = [{ name: 'gone', url: 'http://127.0.0.1:1', token: testToken }];
  home.write('edgehop.jsonc', JSON.stringify({ edge: { use: 'gone', edges } }));
  const report = reportOf(await home.run(['whoami', '--json']));
  expect(report.views.every(({ seen }) => seen.kind === 'received')).toBe(true);
  expect(report.deployed).toMatchObject({ name: 'gone', problem: expect.stringMatching(/./) });
});

test.each([
  [['whoami', '--origin', 'ftp://a.example/'], 2],
  [['whoami', '--config', 'missing.jsonc'], 78],
] as const)('%j ends with %i', async (args, status) => {
  using home = makeHome();
  const { code, stdout } = await home.run(args);
  expect([code, stdout]).toEqual([status, '']);
});
