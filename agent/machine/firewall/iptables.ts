// Reads the rules of iptables and ip6tables from what iptables-save prints.
import { conditionsHold } from './iptables-match.ts';
import type { Act, BaseChain, FilterRule, Packet } from './packet-filter.ts';

export interface SavedTables {
  /** `table chain` to its policy; none for a chain that only rules lead to. */
  readonly policies: ReadonlyMap<string, 'accept' | 'drop' | undefined>;
  readonly rules: readonly SavedRule[];
  /** Names of tables. */
  readonly tables: readonly string[];
}

interface SavedRule {
  readonly table: string;
  readonly chain: string;
  readonly words: readonly string[];
  readonly raw: string;
}

export function savedTables(text: string): SavedTables {
  const policies = new Map<string, 'accept' | 'drop' | undefined>();
  const rules: SavedRule[] = [];
  const tables: string[] = [];
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = line.slice(1).trim();
      tables.push(table);
    }
    const chain = /^:(\S+) (\S+)/.exec(line);
    if (chain !== null) policies.set(`${table} ${chain[1]}`, policyOf(chain[2] ?? ''));
    const rule = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line);
    if (rule !== null) rules.push({ table, chain: rule[1] ?? '', words: wordsOf(rule[2] ?? ''), raw: line });
  }
  return { policies, rules, tables };
}

/** The chains that every packet to this machine passes, in their order. */
const passed = ['raw PREROUTING', 'mangle PREROUTING', 'nat PREROUTING', 'mangle INPUT', 'filter INPUT'];

export function iptablesChains({ policies, rules }: SavedTables, packet: Packet): BaseChain[] {
  return passed
    .filter((place) => policies.get(place) !== undefined)
    .map((place) => {
      const [table = '', chain = ''] = place.split(' ');
      const policy = policies.get(place) ?? 'accept';
      const rulesOf = (named: string) =>
        rules
          .filter((rule) => rule.table === table && rule.chain === named)
          .map((rule) => judgedRule(rule, packet, (other) => policies.has(`${table} ${other}`)));
      return { chain, policy, rawPolicy: `table ${table}: -P ${chain} ${policy.toUpperCase()}`, rulesOf };
    });
}

/** Rules that name the port, and are therefore of interest whatever they decide. */
export function savedMentioning({ rules }: SavedTables, port: number): string[] {
  const word = new RegExp(`--d?ports? \\S*(?<!\\d)${port}(?!\\d)`);
  return rules.filter(({ raw }) => word.test(raw)).map(({ raw }) => raw);
}

function judgedRule({ words, raw }: SavedRule, packet: Packet, isChain: (name: string) => boolean): FilterRule {
  const at = words.findLastIndex((word) => word === '-j' || word === '-g');
  if (at === -1) return { holds: conditionsHold(words, packet), act: { kind: 'next' }, raw };
  const target = words[at + 1] ?? '';
  const act: Act = words[at] === '-g' ? { kind: 'goto', chain: target } : targetOf(target, isChain);
  return { holds: conditionsHold(words.slice(0, at), packet), act, raw };
}

function targetOf(target: string, isChain: (name: string) => boolean): Act {
  if (target === 'ACCEPT') return { kind: 'accept' };
  if (target === 'DROP' || target === 'REJECT') return { kind: 'drop' };
  if (target === 'RETURN') return { kind: 'return' };
  if (isChain(target)) return { kind: 'jump', chain: target };
  if (passing.has(target)) return { kind: 'next' };
  if (['DNAT', 'REDIRECT', 'TPROXY'].includes(target)) return { kind: 'unread', because: 'it is sent elsewhere' };
  if (['NFQUEUE', 'QUEUE'].includes(target)) return { kind: 'unread', because: 'a program decides' };
  return { kind: 'unread', because: 'a target that edgehop does not know' };
}

/** Targets after which the next rule is asked. */
const passing: ReadonlySet<string> = new Set(
  'LOG NFLOG ULOG MARK CONNMARK TRACE AUDIT CT NOTRACK CHECKSUM TCPMSS SET DSCP TOS TTL HL CLASSIFY CONNSECMARK SECMARK IDLETIMER LED TEE RATEEST'.split(
    ' ',
  ),
);

function policyOf(word: string): 'accept' | 'drop' | undefined {
  return word === 'ACCEPT' ? 'accept' : word === 'DROP' ? 'drop' : undefined;
}

/** Words, of which one in quotation marks may hold spaces and `\"`. */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : `\u0020${quoted.replaceAll(/\\(.)/g, '$1')}`,
  );
}
