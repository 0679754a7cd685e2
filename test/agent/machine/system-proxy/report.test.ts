// What is said of the system proxy: whether it is ours, and whether an agent runs where it leads.
import { expect, test } from 'vitest';
import { runs, systemProxyReport } from '../../../../agent/machine/system-proxy/report.ts';
import { switchOn } from '../../../../agent/machine/system-proxy/switch-on.ts';
import type { AgentState } from '../../../../schemas/api.ts';
import { systemProxyReport as schema } from '../../../../schemas/system-proxy.ts';
import { gnomeModel, journalInMemory, machineOf } from '../../../support/desktop-models.ts';

const running: AgentState = { pid: 4711, host: '127.0.0.1', port: 8080, controlPort: 8081, controlToken: 'secret' };
const agent = { pid: 4711, port: 8080 };
const pac = { kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' } as const;
const fixed = { kind: 'fixed', host: '127.0.0.1', port: 8080 } as const;

test.each([
  ['a PAC of an agent that runs', pac, [running], 'running'],
  ['a PAC of an agent that has gone', pac, [], 'gone'],
  ['a PAC of another that took the port', pac, [{ ...running, pid: 1 }], 'running'],
  ['host and port of an agent that runs', fixed, [running], 'running'],
  ['host and port of an agent that has gone', fixed, [{ ...running, port: 9090 }], 'gone'],
] as const)('%s', async (_title, way, agents, expected) => {
  const ports = machineOf([gnomeModel(new Map())]);
  await switchOn(ports, { way, agent });
  const report = schema.parse(await systemProxyReport(ports, agents));
  expect(report.proxies).toMatchObject([{ desktop: 'gnome', kind: way.kind, agent: expected }]);
  expect(report.journal).toMatchObject({
    kind: 'held',
    agent: { isRunning: agents.some(({ pid, port }) => pid === 4711 && port === 8080) },
  });
});

test('a proxy of somebody else is not ours', async () => {
  const values = new Map([
    ['mode', "'manual'"],
    ['http host', "'proxy.example'"],
  ]);
  const report = await systemProxyReport(machineOf([gnomeModel(values)]), [running]);
  expect(report).toEqual({
    proxies: [{ desktop: 'gnome', place: '', kind: 'fixed', to: 'proxy.example:8080' }],
    unread: [],
    journal: { kind: 'none' },
  });
});

test('a desktop that does not say, and a journal that cannot be read, are told and fail nothing', async () => {
  const ports = machineOf([gnomeModel(new Map())], Object.assign(journalInMemory(), { text: '{}' }));
  const deaf = { ...ports, run: async () => ({ status: 1, stdout: '', stderr: 'No such schema' }) };
  expect(schema.parse(await systemProxyReport(deaf, []))).toMatchObject({
    proxies: [],
    unread: [{ desktop: 'gnome', because: expect.stringContaining('No such schema') }],
    journal: { kind: 'unreadable' },
  });
});

test('the number of a process alone may be another’s by now', () => {
  expect(runs(agent, [running])).toBe(true);
  expect(runs(agent, [{ ...running, port: 9090 }])).toBe(false);
});
