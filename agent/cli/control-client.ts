// What verbs ask the running agent on its control port.
import type * as z from 'zod';
import type { AgentState } from '../../schemas/api.ts';
import { type ExchangeRecord, exchangeRecord } from '../../schemas/exchange.ts';
import { Exit } from './exit.ts';

/** Asks for a path, with POST where there is content, and gives the answer as its schema has it. Ends the verb where that fails. */
export async function askAgent<S extends z.ZodType>(
  agent: AgentState,
  path: string,
  schema: S,
  content?: unknown,
): Promise<z.infer<S>> {
  const answer = await asked(agent, path, content).catch((cause: Error) => {
    throw new Exit(
      'unavailable',
      `the agent on port ${agent.port} does not answer on its control port: ${cause.message}`,
    );
  });
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new Exit('failed', `the agent on port ${agent.port} is of another version: it answers differently.`);
  }
  const detail = (body as { readonly detail?: unknown } | undefined)?.detail;
  throw new Exit(
    answer.status === 400 ? 'usage' : 'failed',
    typeof detail === 'string' ? detail : `the agent answered ${answer.status}.`,
  );
}

/** Attempts to find a record, and the pause between two of them. */
const maxRecordAttempts = 50;
const recordPauseMs = 20;

/** The agent's record of the exchange of a client. It is complete a moment after the client has the last octet. */
export async function recordOfClient(
  agent: AgentState,
  { localAddress, localPort }: { readonly localAddress: string; readonly localPort: number },
): Promise<ExchangeRecord | undefined> {
  const path = `/v1/exchanges?client=${encodeURIComponent(`${localAddress}@${localPort}`)}`;
  for (let attempt = 0; attempt < maxRecordAttempts; attempt++) {
    const answer = await asked(agent, path).catch(() => undefined);
    if (answer?.status === 200) return exchangeRecord.parse(await answer.json());
    await new Promise((resolve) => setTimeout(resolve, recordPauseMs));
  }
  return undefined;
}

function asked({ controlPort, controlToken }: AgentState, path: string, content?: unknown): Promise<Response> {
  return fetch(`http://127.0.0.1:${controlPort}${path}`, {
    headers: { authorization: `Bearer ${controlToken}`, 'content-type': 'application/json' },
    ...(content !== undefined && { method: 'POST', body: JSON.stringify(content) }),
  });
}
