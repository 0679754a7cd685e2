// Mistakes of a configuration that its schema cannot see: names that lead nowhere, conditions that never hold, circles.
import type { Config } from '../../schemas/config.ts';
import { circularRedirects } from './circle-mistakes.ts';
import { nameOf } from './compiled-rule.ts';
import { ruleMistakes } from './rule-mistakes.ts';
import { transformMistakes } from './transform-mistakes.ts';

export interface ConfigMistake {
  readonly path: readonly (string | number)[];
  /** A sentence without its end. */
  readonly message: string;
}

export interface MistakeChecks {
  /** The registrable domain of a host by the public suffix list; nothing for addresses and suffixes themselves. */
  readonly registrableDomain: (host: string) => string | undefined;
}

/** All such mistakes, with where they stand. */
export function configMistakes(config: Config, checks: MistakeChecks): readonly ConfigMistake[] {
  const mistakes = [
    ...doubledNames(config),
    ...config.rules.flatMap((rule, index) => ruleMistakes(rule, ['rules', index], checks)),
    ...unknownNames(config),
    ...transformMistakes(config.rules),
  ];
  return mistakes.length > 0 ? mistakes : circularRedirects(config.rules);
}

function doubledNames({ rules }: Config): ConfigMistake[] {
  const first = new Map<string, number>();
  return rules.flatMap((rule, index) => {
    const name = nameOf(rule, index);
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    const path = rule.name === undefined ? ['rules', index] : ['rules', index, 'name'];
    return earlier === undefined
      ? []
      : [{ path, message: `the name "${name}" is taken by the ${ordinal(earlier)} rule: names tell rules apart` }];
  });
}

function ordinal(index: number): string {
  const number = index + 1;
  const ending = number % 100 >= 11 && number % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${ending}`;
}

function unknownNames({ rules, lists, pools, reverse, edge }: Config): ConfigMistake[] {
  const edges = ['embedded', ...edge.edges.map(({ name }) => name)];
  const ofRules = rules.flatMap(({ when, then }, index): ConfigMistake[] => {
    const inLists = (['list', 'not'] as const).flatMap((key) => {
      const named = key === 'list' ? when.list : when.not?.list;
      const path = ['rules', index, 'when', ...(key === 'not' ? ['not'] : []), 'list'];
      return (named ?? []).flatMap((list, at) => unknown([...path, at], 'list', list, Object.keys(lists)));
    });
    const named = typeof then.route === 'object' ? then.route.edge : undefined;
    const path = ['rules', index, 'then', 'route', 'edge'];
    return named === undefined ? inLists : [...inLists, ...unknown(path, 'edge', named, edges)];
  });
  const ofRoutes = reverse.flatMap(({ pool }, index) =>
    unknown(['reverse', index, 'pool'], 'pool', pool, Object.keys(pools)),
  );
  return [...ofRules, ...ofRoutes];
}

function unknown(
  path: readonly (string | number)[],
  what: string,
  name: string,
  known: readonly string[],
): ConfigMistake[] {
  if (known.includes(name)) return [];
  const there = known.length === 0 ? 'there is none at all' : `there are ${known.slice(0, 20).join(', ')}`;
  return [{ path, message: `there is no ${what} "${name}": ${there}` }];
}
