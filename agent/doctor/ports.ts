// Whether the proxy's port and the control port are free, an agent's, or somebody else's.
import type { AgentState } from '../../schemas/api.ts';
import type { Finding } from '../../schemas/doctor.ts';
import { listenHosts } from '../access/listen-hosts.ts';
import type { portHolder } from '../machine/port-holder.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export interface PortsPorts extends Pick<DoctorHost, 'bind'> {
  readonly holder: typeof portHolder;
}

/** These are asked ahead of the others: a port is listened on for an instant. */
export function portsChecks({ config, agents }: Situation, ports: PortsPorts): readonly Check[] {
  const { port, controlPort } = config.listen;
  const taken = (key: 'port' | 'controlPort', wanted: number) => agents.find((agent) => agent[key] === wanted);
  return [
    {
      name: 'proxy port',
      deadlineMs,
      run: async () => {
        const hosts = hostsOf(config);
        if (typeof hosts === 'string')
          return [fail('proxy port', hosts, 'Correct listen.host, or say who may use the proxy (`docs/access.md`)')];
        return [
          await stateOf({ name: 'proxy port', option: '--port', port, hosts, agent: taken('port', port) }, ports),
        ];
      },
    },
    {
      name: 'control port',
      deadlineMs,
      run: async () => [
        await stateOf(
          {
            name: 'control port',
            option: '--control-port',
            port: controlPort,
            hosts: ['127.0.0.1'],
            agent: taken('controlPort', controlPort),
          },
          ports,
        ),
      ],
    },
  ];
}

const deadlineMs = 5_000;

interface Wanted {
  readonly name: string;
  readonly option: string;
  readonly port: number;
  readonly hosts: readonly string[];
  /** That has it. */
  readonly agent: AgentState | undefined;
}

/** The addresses, or why there are none. */
function hostsOf(config: Situation['config']): readonly string[] | string {
  try {
    return listenHosts(config).hosts;
  } catch (cause) {
    return (cause as Error).message;
  }
}

async function stateOf({ name, option, port, hosts, agent }: Wanted, { bind, holder }: PortsPorts): Promise<Finding> {
  if (port === 0) return skip(name, 'the system chooses one at each start (port 0)');
  if (agent !== undefined) return pass(name, `${port} is that of the agent that runs (process ${agent.pid})`);
  for (const [index, host] of hosts.entries()) {
    const code = await bind(host, port);
    if (code === undefined || (index > 0 && isMissing(code))) continue; // as the agent does without IPv6
    if (code === 'EADDRINUSE')
      return fail(
        name,
        `${port} is taken ${inWords(await holder(port))}`,
        `End it, or choose another port with ${option}`,
      );
    if (code === 'EACCES')
      return fail(name, `${port} may not be listened on by this user`, `Choose a port from 1024 on with ${option}`);
    if (isMissing(code))
      return fail(name, `${host} is no address of this machine`, 'Correct listen.host: 127.0.0.1 is always there');
    return fail(name, `${host} port ${port} cannot be listened on (${code})`, `Choose another port with ${option}`);
  }
  return pass(name, `${port} is free`);
}

function isMissing(code: string): boolean {
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}

function inWords(holder: Awaited<ReturnType<typeof portHolder>>): string {
  return holder.kind === 'known'
    ? `by ${holder.name} (process ${holder.pid})`
    : `by a process that cannot be named (${holder.because})`;
}
