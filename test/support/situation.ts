// What the checks of the doctor start from, with nothing unusual in it but what a test says.
import type { Situation } from '../../agent/doctor/situation.ts';
import type { AgentState } from '../../schemas/api.ts';
import { config } from '../../schemas/config.ts';
import type { Finding } from '../../schemas/doctor.ts';

/** `config` as a file has it; what is not said is default. */
export function situationWith(
  parts: Partial<Omit<Situation, 'config'>> & { readonly config?: unknown } = {},
): Situation {
  return {
    env: {},
    paths: { config: '/home/me/config', state: '/home/me/state', cache: '/home/me/cache' },
    read: { kind: 'right', path: undefined },
    agents: [],
    stale: [],
    ...parts,
    config: config.parse(parts.config ?? {}),
  };
}

/** The note of an agent on port 8080, but for what a test says. */
export function agentWith(parts: Partial<AgentState> = {}): AgentState {
  return { pid: 77, host: '127.0.0.1', port: 8080, controlPort: 8081, controlToken: 'hush-hush-hush', ...parts };
}

/** Outcome and reason of each finding, a line each. */
export function told(findings: readonly Finding[]): string {
  return findings.map(({ name, outcome, because }) => `${outcome} ${name}: ${because}`).join('\n');
}

export const never = new AbortController().signal;
