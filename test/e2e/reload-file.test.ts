// The configuration file of a running agent, as a person edits it.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { configurationState, readiness } from '../../schemas/api.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { makeHome } from '../support/command.ts';
import { message, startOrigin } from '../support/origin.ts';

const name = 'edgehop.jsonc';
const inForce = 'has changed and is in force';

/** A file whose rule blocks with this status. */
function blocking(status: number, more = ''): string {
  return `{
  // so that the origin of this test may be asked
  "edge": { "use": "none" },
  "admit": { "destinations": { "allowPrivate": true } },
  "rules": [{ "when": { "path": "/blocked" }, "then": { "block": { "status": ${status} } } }],${more}
}
`;
}

test('a file is heeded while it is edited, and what is wrong with it changes nothing', {
  timeout: 60_000,
}, async () => {
  await using origin = await startOrigin(
    (_, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok')),
  );
  using home = makeHome();
  home.write(name, blocking(451));
  await using agent = await home.start();
  const url = `${origin.url}/blocked`;
  const blocked = async () => (await getOnce(agent.port, url)).status;
  using open = await connectClient(agent.port);
  const blockedHere = async () => {
    open.sendHead(`GET ${url} HTTP/1.1`, 'Host: x');
    return (await open.response()).status;
  };
  const asked = async (path: string) => {
    const head = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1`, `Authorization: Bearer ${agent.state.controlToken}`];
    const { content } = await exchangeOnce(agent.state.controlPort, message([...head, 'Connection: close']));
    return JSON.parse(content.toString());
  };
  expect(await blocked()).toBe(451);

  // A new file in the place of the old one, as many editors do it.
  home.write('edgehop.jsonc.new', blocking(452));
  renameSync(join(home.path, 'edgehop.jsonc.new'), join(home.path, name));
  await agent.says(inForce);
  expect([await blocked(), await blockedHere()]).toEqual([452, 452]);

  // Half of it.
  home.write(name, blocking(453).slice(0, 150));
  await agent.says('What was in force before stays so.');
  expect([await blocked(), await blockedHere()]).toEqual([452, 452]);
  expect(readiness.parse(await asked('/ready'))).toMatchObject({ ready: true, configuration: 'last-good' });
  expect(configurationState.parse(await asked('/v1/config')).problem).toMatch(
    /edgehop\.jsonc:\d+:\d+: This is not JSON/,
  );

  // All of it, with what is heeded at the next start only.
  home.write(name, blocking(453, ' "limits": { "maxFields": 50 }'));
  await agent.says('heeded from the next start on: limits.maxFields');
  expect([await blocked(), await blockedHere()]).toEqual([453, 453]);
  expect(configurationState.parse(await asked('/v1/config'))).toMatchObject({
    path: join(home.path, name),
    later: ['limits.maxFields'],
  });

  // None of it.
  rmSync(join(home.path, name));
  await agent.says('it is gone');
  expect(await blocked()).toBe(453);
  expect(readiness.parse(await asked('/ready')).configuration).toBe('last-good');

  // One after the other: the last one counts.
  for (let status = 410; status <= 420; status++) home.write(name, blocking(status));
  await vi.waitFor(async () => expect(await blockedHere()).toBe(420), { timeout: 20_000, interval: 100 });
  expect(await blocked()).toBe(420);

  agent.signal('SIGTERM');
  expect((await agent.ended).code).toBe(0);
});

test('SIGHUP reads it at once, and options of the command line stay in force', async () => {
  using home = makeHome();
  home.write(name, '{ "edge": { "use": "embedded" }, "log": "json" }');
  await using agent = await home.start('--edge', 'none');
  home.write(name, '{ "edge": { "use": "embedded" }, "annotate": false }');
  agent.signal('SIGHUP');
  await agent.says('reading the configuration again (SIGHUP)');
  await agent.says(inForce);
  expect(agent.state.edgePid).toBeUndefined();
  agent.signal('SIGTERM');
  const { stderr, code } = await agent.ended;
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/edge embedded/);
});

test('a file that comes into being is heeded', async () => {
  using home = makeHome();
  await using agent = await home.start('--edge', 'none');
  home.write(name, '{ "annotate": false }');
  await agent.says(inForce);
});
