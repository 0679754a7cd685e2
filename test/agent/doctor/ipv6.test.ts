// IPv6 on loopback and beyond.
import { expect, test } from 'vitest';
import { ipv6Check } from '../../../agent/doctor/ipv6.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

const out = 'pass ipv6 route: a route leads out';

test.each([
  ['without an agent', [], {}, `pass ipv6 loopback: [::1] can be listened on\n${out}`],
  ['with an agent', [agentWith()], {}, `pass ipv6 loopback: the agents are reached on [::1]\n${out}`],
  [
    'with an agent that is not there',
    [agentWith()],
    { listens: false },
    `fail ipv6 loopback: the agent on port 8080 is not reached on [::1]\n${out}`,
  ],
  [
    'with an agent that shall not be there',
    [agentWith({ host: '192.0.2.1' })],
    { listens: false },
    `pass ipv6 loopback: [::1] can be listened on\n${out}`,
  ],
  [
    'without IPv6',
    [agentWith()],
    { code: 'EADDRNOTAVAIL', listens: false },
    `skip ipv6 loopback: this machine has no [::1] (EADDRNOTAVAIL); edgehop listens on 127.0.0.1 alone\n${out}`,
  ],
  [
    'without a route',
    [],
    { route: 'ENETUNREACH' },
    'pass ipv6 loopback: [::1] can be listened on\nskip ipv6 route: no route leads out (ENETUNREACH): destinations are reached by IPv4',
  ],
])(
  '%s',
  async (_, agents, {
    code,
    listens = true,
    route,
  }: { code?: string; listens?: boolean; route?: string }, expected) => {
    const check = ipv6Check(situationWith({ agents }), {
      bind: async () => code,
      listens: async () => listens,
      route: async () => route,
    });
    expect(told(await check.run(never))).toBe(expected);
  },
);
