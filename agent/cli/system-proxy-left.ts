// Keeps the system proxy from cutting programs off: host and port do not outlive their agent, and an `on` that was killed is undone.

import { readStates } from '../control/state-file.ts';
import { processExists } from '../machine/processes.ts';
import { journalFile } from '../machine/system-proxy/journal-file.ts';
import { pacUrl } from '../machine/system-proxy/report.ts';
import { isLeftBehind, type RestoreOptions, restoreSystemProxy } from '../machine/system-proxy/restore.ts';
import { thisMachine } from '../machine/system-proxy/this-machine.ts';
import { restoredInShort } from './system-proxy-words.ts';

type Say = (sentence: string) => void;

/** At the start: for an agent that was killed, or a `system-proxy on`. Never rejects; nothing of this keeps an agent from starting. */
export async function restoreForGone(stateFolder: string, env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  const { running } = readStates(stateFolder, processExists);
  const only: RestoreOptions['only'] = (journal) => isLeftBehind(journal, running);
  await restore(stateFolder, env, only, (words) => say(`after a process that was killed: ${words}`), say);
}

/** At the end: for this agent. Never rejects. */
export async function restoreForOwn(stateFolder: string, env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  const only: RestoreOptions['only'] = ({ way, stage, agent }) =>
    way.kind === 'fixed' && stage !== 'over' && agent.pid === process.pid;
  await restore(stateFolder, env, only, say, say);
}

/** When the service is taken away: nobody serves the PAC any more, unless another agent does. Never rejects. */
export async function restoreWithoutService(stateFolder: string, env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  if (readStates(stateFolder, processExists).running.length > 0) return;
  await restore(stateFolder, env, ({ stage }) => stage !== 'over', say, say);
}

/** Says so where programs are told of a PAC that no agent serves: they go directly, past the agent that runs. */
export function tellOfStrayPac(stateFolder: string, say: Say): void {
  const read = journalFile(stateFolder).read();
  if (read.kind !== 'held' || read.journal.stage === 'over' || read.journal.way.kind !== 'pac') return;
  const { url } = read.journal.way;
  const { running } = readStates(stateFolder, processExists);
  if (running.some(({ controlPort }) => pacUrl(controlPort) === url)) return;
  say(`the system proxy is ${url}, which no agent serves: run \`edgehop system-proxy on\` again, or \`off\``);
}

async function restore(
  stateFolder: string,
  env: NodeJS.ProcessEnv,
  only: RestoreOptions['only'],
  sayRestored: Say,
  say: Say,
): Promise<void> {
  try {
    const restored = await restoreSystemProxy(thisMachine(stateFolder, env, process.platform), {
      ...(only && { only }),
    });
    if (restored.kind === 'restored') sayRestored(restoredInShort(restored));
    if (restored.kind === 'unreadable')
      say(
        `what stood before the system proxy was set cannot be read in ${restored.path}: see \`edgehop system-proxy status\``,
      );
  } catch (cause) {
    say(`the system proxy could not be put back: ${(cause as Error).message}. Run \`edgehop system-proxy off\`.`);
  }
}
