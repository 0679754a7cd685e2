// Whether the embedded edge answers: that of the agent that runs, else one that is started and ended for this.
import { hello } from '../../schemas/api.ts';
import type { Finding } from '../../schemas/doctor.ts';
import type { EdgeAnswer } from '../edge/deployed.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { Situation } from './situation.ts';

export interface EmbeddedPorts {
  /** Starts one, asks it for `/v1/hello`, and ends it. Rejects with what keeps it from starting. */
  readonly tried: () => Promise<EdgeAnswer>;
  readonly isRunning: (pid: number) => boolean;
}

export function embeddedEdgeCheck({ config, agents }: Situation, { tried, isRunning }: EmbeddedPorts): Check {
  const isUsed =
    config.edge.use === 'embedded' ||
    config.rules.some(({ then: { route } }) => typeof route === 'object' && route.edge === 'embedded');
  const running = agents.find(({ edgePid }) => edgePid !== undefined);
  return {
    name,
    deadlineMs: 20_000,
    whenLate: reinstall,
    run: async () => {
      if (running?.edgePid !== undefined) return [ofAgent(running.port, running.edgePid, isRunning)];
      if (!isUsed) return [skip(name, `it is not used: edge.use is ${config.edge.use}`)];
      return [judged(await tried().catch(failed))];
    },
  };
}

const name = 'embedded edge';

function ofAgent(port: number, pid: number, isRunning: EmbeddedPorts['isRunning']): Finding {
  return isRunning(pid)
    ? pass(name, `that of the agent on port ${port} runs (process ${pid})`)
    : fail(
        name,
        `that of the agent on port ${port} (process ${pid}) has ended`,
        'Look at what the agent printed, and start it anew',
      );
}

function judged(answer: EdgeAnswer): Finding {
  if (answer.kind === 'unavailable') return fail(name, `it cannot be started: ${answer.because}`, reinstall);
  const said = hello.safeParse(answer.json);
  if (answer.status !== 200 || !said.success)
    return fail(name, `it starts, and answers ${answer.status} in a way that is not that of version 1`, reinstall);
  return pass(name, `it starts and answers: version ${said.data.version}, cache store ${said.data.cacheStore}`);
}

const reinstall = 'Run `npm install --include=optional` where edgehop is, or go without: `edgehop start --edge none`';

function failed(cause: unknown): EdgeAnswer {
  const [line = 'for a reason that is not known'] = (cause instanceof Error ? cause.message : String(cause)).split(
    '\n',
  );
  return { kind: 'unavailable', because: line };
}
