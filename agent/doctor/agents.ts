// Which agents run, how they fare, and whether their notes in the state folder are in order.
import { join } from 'node:path';
import { type AgentState, readiness } from '../../schemas/api.ts';
import type { Finding } from '../../schemas/doctor.ts';
import type { Ask } from './ask.ts';
import { type Check, fail, pass, skip } from './check.ts';
import { octal } from './configuration.ts';
import { fragment } from './fragment.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export interface AgentsPorts extends Pick<DoctorHost, 'list' | 'mode' | 'platform'> {
  readonly ask: Ask;
}

export function agentsCheck(situation: Situation, ports: AgentsPorts): Check {
  const { agents, paths, stale } = situation;
  return {
    name: 'agents',
    deadlineMs: 5_000,
    run: async () => [
      ...(agents.length === 0 ? [skip('agents', 'none runs', 'Start one with `edgehop start`')] : []),
      ...(await Promise.all(agents.map((agent) => stateOf(agent, ports.ask)))),
      notes(paths.state, agents, stale, ports),
    ],
  };
}

const timeoutMs = 3_000;
const maxAnswerBytes = 16 * 1024;

async function stateOf({ pid, port, controlPort, controlToken }: AgentState, ask: Ask): Promise<Finding> {
  const name = `agent ${port}`;
  const question = { path: '/ready', token: controlToken, timeoutMs, maxBytes: maxAnswerBytes };
  const answer = await ask({ ...question, origin: `http://127.0.0.1:${controlPort}` });
  const state = answer.kind === 'answered' ? readiness.safeParse(answer.json).data : undefined;
  if (state === undefined) {
    const because =
      answer.kind === 'answered'
        ? `it answers ${answer.status}, otherwise than expected`
        : fragment(answer.because).replace(/^the destination/, 'it');
    return fail(
      name,
      `process ${pid} does not tell its state on its control port ${controlPort}: ${because}`,
      `End process ${pid}, and start edgehop anew`,
    );
  }
  if (state.configuration === 'last-good')
    return fail(
      name,
      'its configuration file is not right any more; what it said before is in force',
      'Correct the file; `edgehop config validate` says where',
    );
  if (state.edge === 'unavailable')
    return fail(
      name,
      'its embedded edge cannot be started',
      'Look at what the agent printed, or start it with `--edge none`',
    );
  const edge = state.edge === 'none' ? 'without an edge' : `its edge is ${state.edge}`;
  return pass(name, `process ${pid} is ${state.agent}, ${edge}`);
}

const notesName = 'state folder';

function notes(
  folder: string,
  agents: readonly AgentState[],
  stale: readonly AgentState[],
  { list, mode, platform }: AgentsPorts,
): Finding {
  const files = list(folder);
  if ('code' in files) {
    if (files.code === 'ENOENT') return skip(notesName, `${folder} is not there yet`);
    return fail(
      notesName,
      `${folder} cannot be read (${files.code}): no verb finds a running agent`,
      'Make it a folder of your own, which you may read and write',
    );
  }
  const noted = files.filter((file) => /^agent-\d+\.json$/.test(file));
  const open = platform === 'win32' ? undefined : noted.find((file) => ((mode(join(folder, file)) ?? 0) & 0o077) !== 0);
  if (open !== undefined) {
    const bits = octal(mode(join(folder, open)) ?? 0);
    return fail(
      notesName,
      `others of this machine may read the token of an agent in ${join(folder, open)} (${bits})`,
      'Stop the agent, and start it anew',
    );
  }
  const unread = noted.length - agents.length - stale.length;
  if (unread > 0)
    return fail(
      notesName,
      `${unread} of the notes in ${folder} cannot be read or are of another version`,
      'Take away the agent-PORT.json of agents that do not run',
    );
  if (stale.length > 0) {
    const ended = stale.map(({ port, pid }) => `port ${port} (process ${pid})`).join(', ');
    return pass(
      notesName,
      `${folder} has notes of agents that ended without a word: ${ended}. The next start takes them away`,
    );
  }
  return pass(notesName, `${folder} is in order`);
}
