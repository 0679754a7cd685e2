// Whose the two ports are.
import { expect, test } from 'vitest';
import { portsChecks } from '../../../agent/doctor/ports.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

const nginx = async () => ({ kind: 'known', pid: 9, name: 'nginx' }) as const;
const stranger = async () => ({ kind: 'unknown', because: "it is another user's process" }) as const;

async function found(
  parts: Parameters<typeof situationWith>[0],
  bind: (host: string, port: number) => string | undefined = () => undefined,
  holder: typeof nginx | typeof stranger = nginx,
): Promise<string> {
  const checks = portsChecks(situationWith(parts), { bind: async (host, port) => bind(host, port), holder });
  return told((await Promise.all(checks.map((check) => check.run(never)))).flat());
}

test('free ones pass, ours without being touched, and chosen ones are skipped', async () => {
  expect(await found({})).toBe('pass proxy port: 8080 is free\npass control port: 8081 is free');
  const touched = () => 'EADDRINUSE';
  expect(await found({ agents: [agentWith()] }, touched)).toBe(
    'pass proxy port: 8080 is that of the agent that runs (process 77)\npass control port: 8081 is that of the agent that runs (process 77)',
  );
  expect(await found({ config: { listen: { port: 0, controlPort: 0 } } }, touched)).toMatch(
    /^skip proxy port.*\nskip control port/,
  );
});

test.each([
  ['EADDRINUSE', nginx, 'fail proxy port: 8080 is taken by nginx (process 9)'],
  [
    'EADDRINUSE',
    stranger,
    "fail proxy port: 8080 is taken by a process that cannot be named (it is another user's process)",
  ],
  ['EACCES', nginx, 'fail proxy port: 8080 may not be listened on by this user'],
  ['EADDRNOTAVAIL', nginx, 'fail proxy port: 127.0.0.1 is no address of this machine'],
  ['EINVAL', nginx, 'fail proxy port: 127.0.0.1 port 8080 cannot be listened on (EINVAL)'],
])('%s', async (code, holder, expected) => {
  expect(await found({}, (_, port) => (port === 8080 ? code : undefined), holder)).toBe(
    `${expected}\npass control port: 8081 is free`,
  );
});

test('taken on [::1] alone is taken, and a machine without [::1] lacks nothing', async () => {
  const onIpv6 = (code: string) => (host: string) => (host === '::1' ? code : undefined);
  expect(await found({}, onIpv6('EADDRINUSE'))).toContain('fail proxy port: 8080 is taken by nginx');
  expect(await found({}, onIpv6('EAFNOSUPPORT'))).toContain('pass proxy port');
});

test('an address that the agent would not listen on is said to be so', async () => {
  expect(await found({ config: { listen: { host: '0.0.0.0' } } })).toMatch(
    /^fail proxy port: .*without knowing for whom/,
  );
});
