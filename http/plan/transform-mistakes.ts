// What rules cannot ask of an edge, since it would not fit into the envelope of an exchange.
import { maxEdgeCandidates } from '../../schemas/relay.ts';
import type { Rule } from '../../schemas/rule.ts';
import { nameOf } from './compiled-rule.ts';
import type { ConfigMistake } from './mistakes.ts';

/** What one transform may take as JSON in UTF-8: of the 72 KiB that an envelope holds, the head of the request needs its share. */
export const maxTransformBytes = 32 * 1024;

/**
 * Rules whose transform is too large, and the first of too many that an edge would have to choose from. Whether several
 * that apply to one request fit together, its exchange shows.
 */
export function transformMistakes(rules: readonly Rule[]): readonly ConfigMistake[] {
  return [
    ...tooLarge(rules),
    ...tooMany(rules, 'transform', ({ transform }) => transform !== undefined),
    ...tooMany(rules, 'cache', ({ cache }) => typeof cache === 'object'),
  ];
}

function tooMany(
  rules: readonly Rule[],
  kind: 'transform' | 'cache',
  isAsked: (then: Rule['then']) => boolean,
): readonly ConfigMistake[] {
  const asking = rules.flatMap(({ enabled, then }, index) => (enabled && isAsked(then) ? [index] : []));
  const first = asking[maxEdgeCandidates];
  if (first === undefined) return [];
  const message = `an edge takes no more than ${maxEdgeCandidates} rules of this kind: put conditions of several into one`;
  return [{ path: ['rules', first, 'then', kind], message }];
}

function tooLarge(rules: readonly Rule[]): readonly ConfigMistake[] {
  const encoder = new TextEncoder();
  return rules.flatMap((rule, index): ConfigMistake[] => {
    const { transform } = rule.then;
    if (transform === undefined) return [];
    const bytes = encoder.encode(JSON.stringify({ rule: nameOf(rule, index), action: transform })).length;
    if (bytes <= maxTransformBytes) return [];
    const message = `the texts of this transform are too long: ${bytes} octets, of which ${maxTransformBytes} fit`;
    return [{ path: ['rules', index, 'then', 'transform'], message }];
  });
}
