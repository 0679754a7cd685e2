// Reads nftables' rules from `nft -j list ruleset`, with `nft -a list ruleset` for the words in which people know them.
import { concatHolds, isRecord, keyOf, matchHolds, type SetsOf, valueHolds, valuesOf } from './nft-match.ts';
import { type Act, allOf, type BaseChain, type FilterRule, type Holds, type Packet } from './packet-filter.ts';

type Item = Readonly<Record<string, unknown>>;

export interface Ruleset {
  readonly chains: readonly Item[];
  readonly rules: readonly Item[];
  /** Sets and maps. */
  readonly sets: readonly Item[];
  /** `family table chain handle` to the rule as `nft` prints it. */
  readonly printed: ReadonlyMap<string, string>;
}

/** Nothing where the text is no such JSON. */
export function rulesetOf(json: string, text: string): Ruleset | undefined {
  try {
    const parsed: unknown = JSON.parse(json);
    if (!isRecord(parsed) || !Array.isArray(parsed['nftables'])) return undefined;
    const of = (kind: string) =>
      (parsed['nftables'] as readonly unknown[]).flatMap((item) =>
        isRecord(item) && isRecord(item[kind]) ? [item[kind]] : [],
      );
    return { chains: of('chain'), rules: of('rule'), sets: [...of('set'), ...of('map')], printed: printedRules(text) };
  } catch {
    return undefined;
  }
}

/** The chains that every packet to this machine passes, but those of tables that another program reads. */
export function baseChains(ruleset: Ruleset, packet: Packet, isLeftOut: (table: string) => boolean): BaseChain[] {
  return ruleset.chains.flatMap((chain) => {
    const { family, table, name, hook, policy } = chain;
    const isForUs = family === 'inet' || family === packet.family || family === 'netdev';
    if (!isForUs || !hooks.has(String(hook)) || isLeftOut(`${family} ${table}`)) return [];
    return [
      {
        chain: String(name),
        policy: policy === 'drop' ? 'drop' : 'accept',
        rawPolicy: `table ${family} ${table}, chain ${name}: policy ${policy ?? 'accept'}`,
        rulesOf: (named: string) => rulesIn(`${family} ${table} ${named}`, ruleset, packet),
      } as const,
    ];
  });
}

/** Rules that name the port, and are therefore of interest whatever they decide. */
export function mentioning(ruleset: Ruleset, port: number): string[] {
  const word = new RegExp(`(?<![\\d.])${port}(?![\\d.])`);
  return [...ruleset.printed.entries()]
    .filter(([, text]) => /\bdport\b/.test(text) && word.test(text))
    .map(([place, text]) => `${place.split(' ').slice(0, 3).join(' ')}: ${text}`);
}

const hooks: ReadonlySet<string> = new Set(['ingress', 'prerouting', 'input']);

/** A rule becomes several where it leads by a map. */
function rulesIn(place: string, ruleset: Ruleset, packet: Packet): readonly FilterRule[] {
  const [family, table] = place.split(' ');
  const sets: SetsOf = (name) => {
    const found = ruleset.sets.find(
      (set) => set['family'] === family && set['table'] === table && set['name'] === name,
    );
    if (found === undefined) return undefined;
    // What packets add to a set at any time is in no list.
    const isDynamic = Array.isArray(found['flags']) && found['flags'].includes('dynamic');
    return isDynamic ? undefined : Array.isArray(found['elem']) ? found['elem'] : [];
  };
  return ruleset.rules
    .filter((rule) => `${rule['family']} ${rule['table']} ${rule['chain']}` === place)
    .flatMap((rule) => {
      const raw = ruleset.printed.get(`${place} ${rule['handle']}`) ?? JSON.stringify(rule['expr']);
      return Array.isArray(rule['expr']) ? branches(rule['expr'], raw, packet, sets) : [];
    });
}

function branches(statements: readonly unknown[], raw: string, packet: Packet, sets: SetsOf): FilterRule[] {
  const conditions: Holds[] = [];
  for (const statement of statements) {
    if (!isRecord(statement)) return [{ holds: 'unread', act: unread, raw }];
    const [[kind, of] = ['', undefined]] = Object.entries(statement);
    if (kind === 'vmap')
      return mapped(of, packet, sets).map(({ holds, act }) => ({ holds: allOf([...conditions, holds]), act, raw }));
    const act = actOf(kind, of);
    if (act !== undefined) return [{ holds: allOf(conditions), act, raw }];
    conditions.push(conditionOf(kind, of, packet, sets));
  }
  return [{ holds: allOf(conditions), act: { kind: 'next' }, raw }];
}

const unread: Act = { kind: 'unread', because: 'a statement that edgehop does not know' };

function actOf(kind: string, of: unknown): Act | undefined {
  if (kind === 'accept') return { kind: 'accept' };
  if (kind === 'drop' || kind === 'reject') return { kind: 'drop' };
  if (kind === 'return') return { kind: 'return' };
  if (kind === 'continue') return { kind: 'next' };
  if (kind === 'jump' || kind === 'goto') return { kind, chain: isRecord(of) ? String(of['target']) : '' };
  if (['dnat', 'redirect', 'tproxy'].includes(kind)) return { kind: 'unread', because: 'it is sent elsewhere' };
  if (kind === 'queue') return { kind: 'unread', because: 'a program decides' };
  if (kind === 'synproxy') return unread;
  return undefined;
}

/** Statements that only note or change something. */
const indifferent: ReadonlySet<string> = new Set(
  'counter log mangle notrack set map add update comment ct helper secmark flow nat snat masquerade'.split(' '),
);

function conditionOf(kind: string, of: unknown, packet: Packet, sets: SetsOf): Holds {
  if (kind === 'match' && isRecord(of)) return matched(of, packet, sets);
  if (['limit', 'quota', 'ct count', 'meter', 'last'].includes(kind)) return 'some';
  if (kind === 'xt' && isRecord(of) && of['name'] === 'comment') return 'all';
  return indifferent.has(kind) ? 'all' : 'unread';
}

function matched({ left, op, right }: Item, packet: Packet, sets: SetsOf): Holds {
  if (!isRecord(left) || !Array.isArray(left['concat'])) return matchHolds(left, String(op), right, packet, sets);
  const keys: readonly unknown[] = left['concat'];
  const values = valuesOf(right, sets);
  if (values === undefined || op === '!=') return 'unread';
  const each = values.map((value) => concatHolds(keys, concatenated(value), packet));
  return each.includes('all') ? 'all' : each.includes('unread') ? 'unread' : each.includes('some') ? 'some' : 'none';
}

function concatenated(value: unknown): readonly unknown[] {
  if (!isRecord(value)) return [];
  const element = isRecord(value['elem']) ? value['elem']['val'] : value;
  return isRecord(element) && Array.isArray(element['concat']) ? element['concat'] : [];
}

function mapped(of: unknown, packet: Packet, sets: SetsOf): { readonly holds: Holds; readonly act: Act }[] {
  const pairs = isRecord(of) ? valuesOf(of['data'], sets) : undefined;
  if (!isRecord(of) || pairs === undefined) return [{ holds: 'unread', act: unread }];
  return pairs.map((pair) => {
    const [key, verdict] = Array.isArray(pair) ? pair : [undefined, undefined];
    const [[kind, target] = ['', undefined]] = isRecord(verdict) ? Object.entries(verdict) : [];
    return { holds: keyHolds(of['key'], key, packet), act: actOf(kind, target) ?? unread };
  });
}

function keyHolds(asked: unknown, key: unknown, packet: Packet): Holds {
  if (isRecord(asked) && Array.isArray(asked['concat'])) return concatHolds(asked['concat'], concatenated(key), packet);
  const name = keyOf(asked);
  return name === undefined ? 'unread' : valueHolds(name, key, packet, false);
}

/** `nft -a list ruleset`: each rule ends with its handle. */
function printedRules(text: string): ReadonlyMap<string, string> {
  const printed = new Map<string, string>();
  let [table, chain] = ['', ''];
  for (const line of text.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\t(?:chain|set|map) (\S+) \{/.exec(line)?.[1] ?? chain;
    const rule = /^\t\t(.+) # handle (\d+)$/.exec(line);
    if (rule !== null) printed.set(`${table} ${chain} ${rule[2]}`, rule[1] ?? '');
  }
  return printed;
}
