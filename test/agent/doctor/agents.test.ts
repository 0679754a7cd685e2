// Running agents and their notes.
import { expect, test } from 'vitest';
import { agentsCheck } from '../../../agent/doctor/agents.ts';
import type { EdgeAnswer } from '../../../agent/edge/deployed.ts';
import type { Readiness } from '../../../schemas/api.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

const ready: Readiness = { ready: true, agent: 'listening', edge: 'ready', configuration: 'current' };
const answering = (json: unknown, status = 200): EdgeAnswer => ({ kind: 'answered', status, json });
const notes = 'pass state folder: /home/me/state is in order';

interface Facts {
  readonly answer?: EdgeAnswer;
  readonly files?: readonly string[] | { readonly code: string };
  readonly mode?: number;
  readonly platform?: NodeJS.Platform;
}

async function found(parts: Parameters<typeof situationWith>[0], facts: Facts = {}): Promise<string> {
  const { answer = answering(ready), files = ['agent-8080.json'], mode = 0o600, platform = 'linux' } = facts;
  const check = agentsCheck(situationWith(parts), {
    ask: async () => answer,
    list: () => files,
    mode: () => mode,
    platform,
  });
  return told(await check.run(never));
}

test.each([
  ['one that is ready', answering(ready), 'pass agent 8080: process 77 is listening, its edge is ready'],
  [
    'one without an edge',
    answering({ ...ready, edge: 'none' }),
    'pass agent 8080: process 77 is listening, without an edge',
  ],
  [
    'one that starts',
    answering({ ...ready, ready: false, edge: 'starting' }, 503),
    'pass agent 8080: process 77 is listening, its edge is starting',
  ],
  [
    'one that stops',
    answering({ ...ready, ready: false, agent: 'draining' }, 503),
    'pass agent 8080: process 77 is draining, its edge is ready',
  ],
  [
    'one with a wrong file',
    answering({ ...ready, configuration: 'last-good' }),
    'fail agent 8080: its configuration file is not right any more; what it said before is in force',
  ],
  [
    'one whose edge does not start',
    answering({ ...ready, edge: 'unavailable' }, 503),
    'fail agent 8080: its embedded edge cannot be started',
  ],
  [
    'one of another version',
    answering({ ok: 1 }),
    'fail agent 8080: process 77 does not tell its state on its control port 8081: it answers 200, otherwise than expected',
  ],
  [
    'one that hangs',
    { kind: 'unavailable', because: 'The destination did not answer in time.' } as const,
    'fail agent 8080: process 77 does not tell its state on its control port 8081: it did not answer in time',
  ],
])('%s', async (_, answer, expected) => {
  expect(await found({ agents: [agentWith()] }, { answer })).toBe(`${expected}\n${notes}`);
});

test.each([
  ['no folder', {}, { files: { code: 'ENOENT' } }, 'skip state folder: /home/me/state is not there yet'],
  [
    'a folder that is a file',
    {},
    { files: { code: 'ENOTDIR' } },
    'fail state folder: /home/me/state cannot be read (ENOTDIR): no verb finds a running agent',
  ],
  [
    'an open note',
    { agents: [agentWith()] },
    { mode: 0o644 },
    'fail state folder: others of this machine may read the token of an agent in /home/me/state/agent-8080.json (0644)',
  ],
  ['an open note on Windows', { agents: [agentWith()] }, { mode: 0o666, platform: 'win32' }, notes],
  [
    'a note that is none',
    {},
    {},
    'fail state folder: 1 of the notes in /home/me/state cannot be read or are of another version',
  ],
  [
    'a stale note',
    { stale: [agentWith()] },
    {},
    'pass state folder: /home/me/state has notes of agents that ended without a word: port 8080 (process 77). The next start takes them away',
  ],
  ['other files', {}, { files: ['generations.json'] }, notes],
] as const)('%s in the state folder', async (_, parts, facts, expected) => {
  expect((await found(parts, facts)).split('\n').at(-1)).toBe(expected);
});

test('where none runs it is said how to start one', async () => {
  expect(await found({}, { files: [] })).toBe(`skip agents: none runs\n${notes}`);
});
