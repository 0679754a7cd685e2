// What the running agents say of themselves, for a bundle.
import type * as z from 'zod';
import { type AgentState, configurationState, readiness, recentExchanges } from '../../schemas/api.ts';
import type { Ask } from './ask.ts';
import type { AgentAccount } from './bundle.ts';

/** As many exchanges as a person reads. */
const maxRecent = 50;
const timeoutMs = 3_000;
const maxAnswerBytes = 4 * 1024 * 1024;

/** Never rejects: what an agent does not say is absent, and `problem` says why. */
export async function accountOf(agent: AgentState, ask: Ask): Promise<AgentAccount> {
  const { controlPort, controlToken: token } = agent;
  const problems: string[] = [];
  const told = async <S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S> | undefined> => {
    const origin = `http://127.0.0.1:${controlPort}`;
    const answer = await ask({ origin, path, token, timeoutMs, maxBytes: maxAnswerBytes });
    const parsed = answer.kind === 'answered' ? schema.safeParse(answer.json) : undefined;
    if (parsed?.success !== true)
      problems.push(`${path}: ${answer.kind === 'answered' ? `answered ${answer.status}` : answer.because}`);
    return parsed?.data;
  };
  const [ready, configuration, recent] = await Promise.all([
    told('/ready', readiness),
    told('/v1/config', configurationState),
    told(`/v1/exchanges/recent?limit=${maxRecent}`, recentExchanges),
  ]);
  return {
    agent,
    ...(ready !== undefined && { readiness: ready }),
    ...(configuration !== undefined && { configuration }),
    recent: recent?.exchanges ?? [],
    ...(problems.length > 0 && { problem: problems.join('; ') }),
  };
}
