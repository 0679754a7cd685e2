// What is said of a pool that cannot answer: each of its targets with what is wrong with it. Only configured names are said.
import { ProxyError } from '../../../http/proxy-error.ts';
import type { TargetPool } from '../ports.ts';

/** A problem's sentences are bounded: what goes beyond is only counted. */
const maxTargetsNamed = 8;
const maxTargetCharacters = 90;

/** RFC 9209 2.3.4: every target was tried without success, or is left out as it failed lately. */
export function unavailable(
  pool: Pick<TargetPool, 'name' | 'down'>,
  tried: readonly { readonly target: string; readonly because: string }[],
): ProxyError {
  const others = pool.down().filter(({ target }) => !tried.some((each) => each.target === target));
  const all = [...tried, ...others];
  const named = all.slice(0, maxTargetsNamed).map(({ target, because }) => `${shortened(target)} (${because})`);
  if (all.length > named.length) named.push(`and ${all.length - named.length} more`);
  const message = `No target of the pool "${shortened(pool.name)}" answers: ${named.join(', ')}.`;
  return new ProxyError('destination_unavailable', message.slice(0, maxMessageCharacters), {
    advice: 'Start one of them, or name others under pools in edgehop.jsonc.',
  });
}

const maxMessageCharacters = 1_000;

/** A reverse route leads to a pool that is not there. The configuration is judged at its loading: nobody should see this. */
export function noPool(): ProxyError {
  return new ProxyError('proxy_configuration_error', 'There is no pool for this host and path.', {
    advice: 'Name it under pools in edgehop.jsonc.',
  });
}

/** The failure of a target as a fragment: its sentence, for it says nothing of the request. */
export function inWords({ message }: ProxyError): string {
  return message.replace(/^The destination\b/, 'it').replace(/\.$/, '');
}

function shortened(name: string): string {
  return name.length > maxTargetCharacters ? `${name.slice(0, maxTargetCharacters)}…` : name;
}
