// What `edgehop rules stat` says, for people.
import type { RuleStatistics } from '../../schemas/rules-admin.ts';
import { printable } from '../log/words.ts';
import { octetsInWords } from './cache-words.ts';

/** Sections of what there is: configuration, rules, lists, pools, transforms, clients. */
export function ruleStatisticsInWords(told: RuleStatistics): string {
  return [
    configurationInWords(told.configuration),
    rulesInWords(told),
    ...listsInWords(told.lists),
    ...poolsInWords(told.pools),
    ...transformsInWords(told.transforms),
    ...clientsInWords(told.clients),
  ].join('\n');
}

function configurationInWords({ path, loadedAt, problem, later }: RuleStatistics['configuration']): string {
  const from = path === undefined ? 'no file: all is default' : printable(path);
  return section('configuration', [
    `${from}, in force since ${loadedAt.slice(0, 19)}Z`,
    ...(problem === undefined ? [] : ['the file as it is now is not in force:', ...problem.split('\n').map(printable)]),
    ...(later.length === 0 ? [] : [`heeded at the next start: ${later.map(printable).join(', ')}`]),
  ]);
}

function rulesInWords({ rules, finished }: RuleStatistics): string {
  if (rules.length === 0) return section('rules', ['there are none']);
  const total = `of ${finished} exchanges and tunnels`;
  return section(`rules  ${total}`, table(rules.map(({ name, matches }) => [String(matches), printable(name)])));
}

function listsInWords(lists: RuleStatistics['lists']): string[] {
  if (lists.length === 0) return [];
  const rows = lists.map(({ name, names, exceptions, notUnderstood, matches, source, refreshedAt, problem }) => [
    String(matches),
    printable(name),
    [
      counted(names, 'name'),
      ...(exceptions > 0 ? [`${exceptions} exceptions`] : []),
      ...(notUnderstood > 0 ? [`${notUnderstood} lines not understood`] : []),
      `from ${printable(source)}`,
      ...(refreshedAt === undefined ? [] : [`as of ${refreshedAt.slice(0, 19)}Z`]),
      ...(problem === undefined ? [] : [printable(problem)]),
    ].join(', '),
  ]);
  return [section('lists  look-ups that found a host', table(rows))];
}

function poolsInWords(pools: RuleStatistics['pools']): string[] {
  return pools.map(({ name, balance, targets }) =>
    section(
      `pool ${printable(name)}  ${balance}`,
      table(
        targets.map(({ url, weight, state, because, outstanding, exchanges, failures }) => [
          String(exchanges),
          state,
          printable(url),
          [
            `weight ${weight}`,
            `${outstanding} going on`,
            `${failures} failed`,
            ...(because === undefined ? [] : [printable(because)]),
          ].join(', '),
        ]),
      ),
    ),
  );
}

function transformsInWords({ transformed, octetsBefore, octetsAfter }: RuleStatistics['transforms']): string[] {
  if (transformed === 0) return [];
  const percent = octetsBefore === 0 ? 0 : Math.round((1 - octetsAfter / octetsBefore) * 100);
  const share = percent === 0 ? '' : ` (${Math.abs(percent)} % ${percent > 0 ? 'less' : 'more'})`;
  const octets = `${octetsInWords(octetsBefore)} became ${octetsInWords(octetsAfter)}${share}`;
  return [section('transforms', [`${counted(transformed, 'response')}, of which ${octets}`])];
}

function clientsInWords({
  denied,
  tooManyConnections,
  tooManyRequests,
  wrongCredentials,
}: RuleStatistics['clients']): string[] {
  const refusals = [
    [denied, 'by admit.clients'],
    [wrongCredentials, 'for their credentials'],
    [tooManyConnections, 'for too many connections'],
    [tooManyRequests, 'for too many requests a second'],
  ] as const;
  const lines = refusals.flatMap(([count, why]) => (count === 0 ? [] : [`${count} refused ${why}`]));
  return lines.length === 0 ? [] : [section('clients', lines)];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** The first column is a number; the last is not padded. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
