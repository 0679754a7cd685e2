// Whether each parent proxy can be reached, is not edgehop itself, and takes the credentials, as far as it says so.
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Finding } from '../../schemas/doctor.ts';
import type { Parent } from '../upstream/parent.ts';
import { type ParentRules, parentRules } from '../upstream/parents.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { Situation } from './situation.ts';

export type ParentAnswer =
  /** It answered a question to itself, which goes no further. SOCKS5 knows no status. */
  | { readonly kind: 'answered'; readonly status: number | undefined }
  /** It takes connections and says nothing: it speaks something else, or looks in vain for what nobody has. */
  | { readonly kind: 'silent' }
  /** It is where edgehop listens, or will. */
  | { readonly kind: 'ourselves' }
  | { readonly kind: 'unreachable'; readonly error: ProxyError }
  /** It was reached, and does not do what a proxy does. */
  | { readonly kind: 'refused'; readonly error: ProxyError };

export interface ParentsPorts {
  readonly asked: (parent: Parent, signal: AbortSignal) => Promise<ParentAnswer>;
}

export function parentsChecks({ config, env }: Situation, { asked }: ParentsPorts): readonly Check[] {
  const named = namedParents(config, env);
  if ('because' in named)
    return [
      always(
        fail(
          'parent proxies',
          named.because,
          'Write it as http://user:password@host:port, or set parents.use to "none"',
        ),
      ),
    ];
  if (named.length === 0)
    return [
      always(
        skip(
          'parent proxies',
          config.parents.use === 'none'
            ? 'none is used: parents.use is none'
            : 'none is named, by the configuration or the environment',
        ),
      ),
    ];
  return named.map(({ parent, name }) => ({
    name,
    deadlineMs: 15_000,
    run: async (signal) => [judged(name, parent, await asked(parent, signal))],
  }));
}

function always(finding: Finding): Check {
  return { name: finding.name, deadlineMs: 1_000, run: () => [finding] };
}

interface Named {
  readonly name: string;
  readonly parent: Parent;
}

/** Each once, though it may carry several things. */
function namedParents(
  config: Situation['config'],
  env: Situation['env'],
): readonly Named[] | { readonly because: string } {
  let rules: ParentRules;
  try {
    rules = parentRules(config.parents, env);
  } catch (cause) {
    return { because: (cause as Error).message };
  }
  const { http, https } = rules;
  if (http !== undefined && http.name === https?.name) return [{ name: 'parent proxy', parent: http }];
  return [
    ...(http === undefined ? [] : [{ name: 'parent proxy http', parent: http }]),
    ...(https === undefined ? [] : [{ name: 'parent proxy https', parent: https }]),
  ];
}

function judged(name: string, { name: url, source, credentials }: Parent, answer: ParentAnswer): Finding {
  const named = `${url} (${source})`;
  if (answer.kind === 'ourselves') return skip(name, `${named} is edgehop itself, which then uses none`);
  if (answer.kind === 'silent')
    return skip(name, `${named} is reached, and says nothing for a while`, `Check scheme and port in ${source}`);
  if (answer.kind === 'unreachable' || answer.kind === 'refused') {
    const { message, advice = `Check ${source}` } = answer.error;
    return fail(name, `${message.replace(/\.$/, '')} (${source})`, advice.replace(/\.$/, ''));
  }
  const { status } = answer;
  if (status === 407 || status === 401) {
    return credentials === undefined
      ? fail(
          name,
          `${named} asks for credentials`,
          `Add them to ${source}: http://user:password@host:port, percent-encoded`,
        )
      : fail(
          name,
          `${named} does not take the credentials`,
          `Correct them in ${source}; special characters are percent-encoded there`,
        );
  }
  const shown = credentials === undefined ? '' : ', and does not refuse the credentials';
  return pass(name, `${named} ${status === undefined ? 'answers' : `answers (status ${status})`}${shown}`);
}
