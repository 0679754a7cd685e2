// Whether the proxy variables of this shell lead to edgehop, agree with each other, and leave out what they should.
import { canonicalAddress } from '../../http/address.ts';
import type { Finding } from '../../schemas/doctor.ts';
import { parentWithoutSecrets } from '../config/secrets.ts';
import { isExcluded, parseNoProxy } from '../upstream/no-proxy.ts';
import { parseParent } from '../upstream/parent.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export function shellProxyCheck(situation: Situation, ports: Ports): Check {
  return { name: variables, deadlineMs: 5_000, run: (signal) => findings(situation, ports, signal) };
}

const variables = 'proxy variables';
const exceptions = 'NO_PROXY';
const setAll = 'Run `eval "$(edgehop env)"`, or start a program with `edgehop exec -- PROGRAM`';

type Ports = Pick<DoctorHost, 'listens' | 'isOwnAddress'>;

async function findings(situation: Situation, ports: Ports, signal: AbortSignal): Promise<readonly Finding[]> {
  const { env } = situation;
  const mistake = differing(env);
  if (mistake !== undefined) return [mistake];
  const [http, https] = [addressIn(env, 'http'), addressIn(env, 'https')];
  const set = [http, https].filter((each) => each !== undefined);
  if (set.length === 0) return [skip(variables, 'none is set in this shell: its programs do not use edgehop', setAll)];
  const wrong = set.find((each) => each.kind === 'wrong');
  if (wrong?.kind === 'wrong') return [fail(variables, wrong.because, setAll)];
  const isOurs = (each: Named | undefined) => each !== undefined && leadsToUs(each, situation, ports);
  if (!set.some(isOurs)) return [await elsewhere(set, ports, signal)];
  const { agents, config } = situation;
  if (agents.length === 0) {
    const action = 'Start one with `edgehop start`, or take the variables away';
    return [fail(variables, `they lead to port ${config.listen.port}, where no agent runs`, action)];
  }
  const half = halfSet(env, isOurs(http), isOurs(https));
  return half !== undefined
    ? [half]
    : [pass(variables, 'they lead to edgehop, and the programs of this shell that read them use it'), excepted(env)];
}

function differing(env: Situation['env']): Finding | undefined {
  for (const kind of ['http', 'https', 'all', 'no']) {
    const [small, capital] = [`${kind}_proxy`, `${kind.toUpperCase()}_PROXY`];
    if (!differ(env[small], env[capital])) continue;
    return fail(variables, `${small} and ${capital} differ, and programs choose differently among them`, setAll);
  }
  return undefined;
}

function differ(small: string | undefined, capital: string | undefined): boolean {
  return small !== undefined && capital !== undefined && small.replace(/\/$/, '') !== capital.replace(/\/$/, '');
}

/** Where an agent runs; where none does, where one would. */
function leadsToUs(each: Named, { agents, config }: Situation, { isOwnAddress }: Ports): boolean {
  const known = agents.length === 0 ? [config.listen.port] : agents.map(({ port }) => port);
  return each.kind === 'named' && isHere(each.host, isOwnAddress) && known.includes(each.port);
}

function halfSet(env: Situation['env'], http: boolean, https: boolean): Finding | undefined {
  if (http !== https) {
    const forgotten = http ? 'https_proxy' : 'http_proxy';
    return fail(variables, `${forgotten} does not lead to edgehop, though the other one does`, setAll);
  }
  // A web server puts the field Proxy of a request into HTTP_PROXY: so curl and others read that in small letters alone.
  const isUnread = env['HTTP_PROXY'] && !env['http_proxy'] && !env['all_proxy'] && !env['ALL_PROXY'];
  return isUnread
    ? fail(variables, 'HTTP_PROXY is set in capitals alone, which curl and others do not read', setAll)
    : undefined;
}

type Named =
  | {
      readonly kind: 'named';
      readonly variable: string;
      readonly host: string;
      readonly port: number;
      readonly shown: string;
    }
  | { readonly kind: 'wrong'; readonly because: string };

function addressIn(env: Situation['env'], kind: 'http' | 'https'): Named | undefined {
  const names = [`${kind}_proxy`, `${kind.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'];
  const variable = names.find((name) => env[name]);
  const text = variable === undefined ? undefined : env[variable];
  if (variable === undefined || text === undefined) return undefined;
  try {
    const { host, port } = parseParent(text, variable);
    return { kind: 'named', variable, host, port, shown: `${variable}=${parentWithoutSecrets(text)}` };
  } catch (cause) {
    return { kind: 'wrong', because: (cause as Error).message.replace(/\.$/, '') };
  }
}

function isHere(host: string, isOwnAddress: DoctorHost['isOwnAddress']): boolean {
  const address = canonicalAddress(host);
  if (address === undefined) return /^(localhost|.*\.localhost)$/i.test(host);
  return /^127\./.test(address) || address === '::1' || isOwnAddress(address);
}

/** Not edgehop: a port of this machine where nothing listens is a mistake, anything else somebody's intention. */
async function elsewhere(
  set: readonly Named[],
  { listens, isOwnAddress }: Ports,
  signal: AbortSignal,
): Promise<Finding> {
  for (const each of set) {
    if (each.kind !== 'named' || !isHere(each.host, isOwnAddress)) continue;
    const host = each.host.replace(/^\[|\]$/g, '');
    if (!(await listens(host, each.port, signal)))
      return fail(variables, `${each.shown} leads to this machine, and nothing listens there`, setAll);
  }
  const shown = set.flatMap((each) => (each.kind === 'named' ? [each.shown] : []));
  return skip(
    variables,
    `they lead elsewhere (${[...new Set(shown)].join(', ')}), so that the programs of this shell do not use edgehop`,
    setAll,
  );
}

function excepted(env: Situation['env']): Finding {
  const text = env['no_proxy'] || env['NO_PROXY'] || '';
  const entries = parseNoProxy(text);
  if (isExcluded(entries, 'edgehop.example', 443))
    return fail(exceptions, 'it excepts every host, so that nothing uses edgehop', setAll);
  const missing = ['localhost', '127.0.0.1', '::1'].filter((host) => !isExcluded(entries, host, 8081));
  return missing.length === 0
    ? pass(exceptions, 'it excepts what is on this machine')
    : fail(
        exceptions,
        `it does not except ${missing.join(', ')}: programs ask the proxy for what is on this machine, which it refuses`,
        setAll,
      );
}
