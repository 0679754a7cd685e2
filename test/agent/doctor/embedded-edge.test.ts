// The embedded edge: the agent's where one runs, else one on trial.
import { expect, test } from 'vitest';
import { embeddedEdgeCheck } from '../../../agent/doctor/embedded-edge.ts';
import type { EdgeAnswer } from '../../../agent/edge/deployed.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

const hello = {
  version: 1,
  limits: { maxHeadBytes: 1, maxEnvelopeBytes: 1 },
  cacheStore: 'memory',
  tunnels: false,
  edgeTimeMs: 1,
};

async function found(
  parts: Parameters<typeof situationWith>[0],
  tried: () => Promise<EdgeAnswer>,
  isRunning = true,
): Promise<string> {
  return told(await embeddedEdgeCheck(situationWith(parts), { tried, isRunning: () => isRunning }).run(never));
}

const mustNot = () => Promise.reject(new Error('it was started'));

test.each([
  [
    'answers',
    async () => ({ kind: 'answered', status: 200, json: hello }) as const,
    'pass embedded edge: it starts and answers: version 1, cache store memory',
  ],
  [
    'answers otherwise',
    async () => ({ kind: 'answered', status: 500, json: {} }) as const,
    'fail embedded edge: it starts, and answers 500 in a way that is not that of version 1',
  ],
  [
    'does not answer',
    async () => ({ kind: 'unavailable', because: 'No answer.' }) as const,
    'fail embedded edge: it cannot be started: No answer.',
  ],
  [
    'does not start',
    () => Promise.reject(new Error('spawn workerd ENOENT\n  at somewhere')),
    'fail embedded edge: it cannot be started: spawn workerd ENOENT',
  ],
])('one that %s', async (_, tried, expected) => {
  expect(await found({}, tried)).toBe(expected);
});

test('that of a running agent is not started a second time', async () => {
  const agents = [agentWith(), agentWith({ port: 9000, edgePid: 78 })];
  expect(await found({ agents }, mustNot)).toBe('pass embedded edge: that of the agent on port 9000 runs (process 78)');
  expect(await found({ agents }, mustNot, false)).toBe(
    'fail embedded edge: that of the agent on port 9000 (process 78) has ended',
  );
});

test('one that nothing uses is not started, and one that a rule uses is', async () => {
  const config = { edge: { use: 'none' } };
  expect(await found({ config }, mustNot)).toBe('skip embedded edge: it is not used: edge.use is none');
  const rules = [{ then: { route: { edge: 'embedded' } } }];
  expect(await found({ config: { ...config, rules } }, mustNot)).toContain('it was started');
});
