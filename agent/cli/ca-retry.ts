// `edgehop ca retry`: intercepts hosts again that the running agent passes through.
import { retried } from '../../schemas/intercept-admin.ts';
import { askAgent } from './control-client.ts';
import { Exit } from './exit.ts';
import { runningAgent } from './running-agent.ts';

export interface RetryOptions {
  readonly port?: number;
}

/** One host, or all of them. Ends with 1 where a host that is named is not passed through. */
export async function retry(host: string | undefined, options: RetryOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const agent = runningAgent(options.port, env);
  const { hosts } = await askAgent(agent, '/v1/intercept/retry', retried, host === undefined ? {} : { host });
  if (host !== undefined && hosts === 0) throw new Exit('failed', `${host} is not passed through.`);
  const what = host ?? (hosts === 1 ? 'one host' : `${hosts} hosts`);
  console.error(`edgehop: ${what} will be intercepted again.`);
}
