// Whether the operating system's proxy settings lead to an agent that runs.
import { type Check, fail, pass, skip } from './check.ts';
import type { Situation } from './situation.ts';

export type SystemProxyFacts =
  | { readonly kind: 'off' }
  /** They lead to a port of edgehop, by a PAC URL (the control port) or as a fixed proxy (the proxy's port). */
  | { readonly kind: 'ours'; readonly by: 'pac' | 'fixed'; readonly port: number }
  /** They name something else, shown without credentials. */
  | { readonly kind: 'other'; readonly name: string }
  | { readonly kind: 'unknown'; readonly because: string };

export interface SystemProxyPorts {
  /** Nothing where edgehop has never set them. */
  readonly systemProxy: () => Promise<SystemProxyFacts | undefined>;
}

export function systemProxyCheck({ agents }: Situation, { systemProxy }: SystemProxyPorts): Check {
  return {
    name,
    deadlineMs: 5_000,
    run: async () => {
      const facts = await systemProxy();
      if (facts === undefined) return [skip(name, 'it is not set up')];
      if (facts.kind === 'unknown') return [skip(name, facts.because)];
      if (facts.kind === 'off') return [skip(name, 'none is set', turnOn)];
      if (facts.kind === 'other') return [skip(name, `it is ${facts.name}, not edgehop`, turnOn)];
      const { by, port } = facts;
      const agent = agents.find((each) => (by === 'pac' ? each.controlPort : each.port) === port);
      if (agent !== undefined)
        return [pass(name, `it leads to the agent on port ${agent.port}${by === 'pac' ? ', by its PAC file' : ''}`)];
      return [
        fail(
          name,
          `it leads to port ${port}, where no agent runs${by === 'pac' ? '' : ': programs that follow it reach nothing'}`,
          'Start the agent, or run `edgehop system-proxy off`',
        ),
      ];
    },
  };
}

const name = 'system proxy';
const turnOn = 'Run `edgehop system-proxy on`, so that browsers use edgehop';
