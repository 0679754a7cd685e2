// Keeps an agent running where the system would not start it again: on Windows.
import { lastingExitCodes } from './systemd-unit.ts';

export const logName = 'edgehop.log';
export const keptAgentName = 'service-agent.json';

/** How an agent has ended: by a status, or by a signal. */
export type AgentEnd = number | string;

export interface Keeping {
  /** Starts an agent and resolves when it has ended. */
  readonly start: () => Promise<AgentEnd>;
  readonly pause: (ms: number) => Promise<void>;
  readonly say: (sentence: string) => void;
  readonly isAskedToEnd: () => boolean;
}

const restartPauseMs = 5_000;

/** Starts it again after each failure but those that another start would not change. Gives how the last one ended. */
export async function keepRunning({ start, pause, say, isAskedToEnd }: Keeping): Promise<AgentEnd> {
  while (true) {
    const end = await start();
    if (end === 0 || isAskedToEnd()) return end;
    if (lastingExitCodes.some((code) => code === end)) {
      say(`the agent ended with ${end}, which another start would not change: it is not started again`);
      return end;
    }
    say(`the agent ended with ${end}; it is started again in ${restartPauseMs / 1000} s`);
    await pause(restartPauseMs);
    if (isAskedToEnd()) return end;
  }
}
