// Whether IPv6 works on loopback, whether the agents listen there, and whether a route leads out.
import type { Finding } from '../../schemas/doctor.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export function ipv6Check(
  { agents }: Situation,
  { bind, listens, route }: Pick<DoctorHost, 'bind' | 'listens' | 'route'>,
): Check {
  return {
    name: 'ipv6',
    deadlineMs: 5_000,
    run: async (signal) => {
      const found: Finding[] = [];
      const code = await bind('::1', 0);
      const dual = agents.filter(({ host }) => host === '127.0.0.1' || host === 'localhost');
      const deaf = [];
      for (const { port } of dual) if (code === undefined && !(await listens('::1', port, signal))) deaf.push(port);
      if (code !== undefined)
        found.push(skip(loopback, `this machine has no [::1] (${code}); edgehop listens on 127.0.0.1 alone`));
      else if (deaf.length > 0)
        found.push(
          fail(
            loopback,
            `the agent on port ${deaf.join(', ')} is not reached on [::1]`,
            'Start it anew; programs that take localhost for [::1] do not find it',
          ),
        );
      else
        found.push(pass(loopback, dual.length === 0 ? '[::1] can be listened on' : 'the agents are reached on [::1]'));
      const missing = await route(documentation);
      found.push(
        missing === undefined
          ? pass(out, 'a route leads out')
          : skip(out, `no route leads out (${missing}): destinations are reached by IPv4`),
      );
      return found;
    },
  };
}

const loopback = 'ipv6 loopback';
const out = 'ipv6 route';

/** RFC 3849: nobody's. It is not asked for anything, but a route to it is one to everybody. */
const documentation = '2001:db8::1';
