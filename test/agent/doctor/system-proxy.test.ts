// The proxy settings of the operating system.
import { expect, test } from 'vitest';
import { type SystemProxyFacts, systemProxyCheck } from '../../../agent/doctor/system-proxy.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

test.each<[SystemProxyFacts | undefined, boolean, string]>([
  [undefined, true, 'skip system proxy: it is not set up'],
  [{ kind: 'off' }, true, 'skip system proxy: none is set'],
  [
    { kind: 'other', name: 'http://proxy.example:3128' },
    true,
    'skip system proxy: it is http://proxy.example:3128, not edgehop',
  ],
  [{ kind: 'unknown', because: 'this desktop is not known' }, true, 'skip system proxy: this desktop is not known'],
  [
    { kind: 'ours', by: 'pac', port: 8081 },
    true,
    'pass system proxy: it leads to the agent on port 8080, by its PAC file',
  ],
  [{ kind: 'ours', by: 'fixed', port: 8080 }, true, 'pass system proxy: it leads to the agent on port 8080'],
  [
    { kind: 'ours', by: 'fixed', port: 8081 },
    true,
    'fail system proxy: it leads to port 8081, where no agent runs: programs that follow it reach nothing',
  ],
  [{ kind: 'ours', by: 'pac', port: 8081 }, false, 'fail system proxy: it leads to port 8081, where no agent runs'],
])('%j, an agent runs: %s', async (facts, runs, expected) => {
  const check = systemProxyCheck(situationWith({ agents: runs ? [agentWith()] : [] }), {
    systemProxy: async () => facts,
  });
  expect(told(await check.run(never))).toBe(expected);
});
