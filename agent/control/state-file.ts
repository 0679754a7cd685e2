// The note that a running agent leaves for the verbs that talk to it, and for the start after it.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentState, agentState } from '../../schemas/api.ts';

/** Writes the note, readable by its owner only from the first instant on. */
export function writeState(folder: string, state: AgentState): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = pathOf(folder, state.port);
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(state), { mode: 0o600, flag: 'wx' });
}

/** Takes the note away. */
export function removeState(folder: string, port: number): void {
  rmSync(pathOf(folder, port), { force: true });
}

/** The notes of agents that are running. Notes of those that are not are given apart, and are the caller's to tidy. */
export function readStates(
  folder: string,
  isRunning: (pid: number) => boolean,
): { readonly running: AgentState[]; readonly stale: AgentState[] } {
  const states = { running: [] as AgentState[], stale: [] as AgentState[] };
  for (const name of stateFiles(folder)) {
    const state = readState(join(folder, name));
    if (state !== undefined) (isRunning(state.pid) ? states.running : states.stale).push(state);
  }
  return states;
}

function stateFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^agent-\d+\.json$/.test(name));
  } catch {
    return [];
  }
}

function readState(path: string): AgentState | undefined {
  try {
    return agentState.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function pathOf(folder: string, port: number): string {
  return join(folder, `agent-${port}.json`);
}
