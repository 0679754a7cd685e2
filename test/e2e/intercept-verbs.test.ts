// What a person sees of interception at the command line: hosts that are passed through, and keys for a capture.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { caStatus } from '../../schemas/trust.ts';
import { makeHome } from '../support/command.ts';
import { connectTunnel, rejectCertificate } from '../support/intercepted.ts';

async function startAgent(env: Record<string, string> = {}) {
  const home = makeHome(env);
  home.write('edgehop.jsonc', JSON.stringify({ intercept: { hosts: ['localhost'] } }));
  const agent = await home.start('--edge', 'none');
  onTestFinished(async () => {
    await agent[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });
  return { home, agent };
}

test('a host that is passed through is listed, and intercepted again by one command', { timeout: 60_000 }, async () => {
  const { home, agent } = await startAgent();
  for (let time = 0; time < 2; time++) await rejectCertificate(agent, 'localhost:1');
  await agent.says('localhost is passed through for a while');
  const status = async () =>
    caStatus.parse(JSON.parse((await home.run(['ca', 'status', '--json', '--store', 'nss'])).stdout));
  expect((await status()).passed).toMatchObject([{ host: 'localhost', because: 'client-rejects-certificate' }]);
  expect(await home.run(['ca', 'retry', 'localhost'])).toMatchObject({ code: 0 });
  expect((await status()).passed).toEqual([]);
  expect(await home.run(['ca', 'retry', 'localhost'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('localhost is not passed through'),
  });
  expect((await home.run(['ca', 'retry'])).stderr).toContain('0 hosts will be intercepted again');
});

test('EDGEHOP_SSLKEYLOGFILE gets the keys of what is intercepted, for its owner only', {
  timeout: 60_000,
}, async () => {
  const { home, agent } = await startAgent({ EDGEHOP_SSLKEYLOGFILE: 'keys.log' });
  const client = await connectTunnel(agent.port, 'localhost:1');
  client.socket.removeAllListeners('data');
  const ca = await vi.waitFor(() => readFileSync(join(home.path, 'state', 'authority', 'edgehop-ca.pem')));
  const socket = connect({ socket: client.socket, ca, servername: 'localhost' });
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const path = join(home.path, 'keys.log');
  await expect
    .poll(() => readFileSync(path, 'utf8'))
    .toMatch(/^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64,96}$/m);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  socket.destroy();
});
