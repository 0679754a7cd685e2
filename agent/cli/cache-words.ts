// What `edgehop cache` says of stored responses, for people.
import type { ForwardReason } from '../../schemas/cache.ts';
import type {
  CacheAnswer,
  CacheCounts,
  CacheEntries,
  CacheEntry,
  CacheLifetime,
  CachePurged,
  CacheReport,
  CacheStatistics,
} from '../../schemas/cache-admin.ts';
import { printable } from '../log/words.ts';

/** One line an entry: status, octets, how fresh, where, for which request fields, URL. */
export function entriesInWords({ entries }: CacheEntries): string {
  const rows = entries.map((entry) => {
    const { status, octets, part, url, selecting } = entry;
    const held = part === undefined ? `${octets}` : `${octets} of ${part.completeOctets}`;
    const variant = selecting.length === 0 ? '' : `  (${selectingInWords(entry)})`;
    return [`${status}`, held, freshnessInWords(entry), placesInWords(entry), `${printable(url)}${variant}`];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const padded = (cell: string, column: number) =>
    column === 1 ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(padded).join('  ')).join('\n');
}

/** How much is stored, and how much may be. */
export function statisticsInWords(told: CacheStatistics): string {
  if (told.agent === 'off') return ['agent     its cache is off', ...countsInWords(told.answered)].join('\n');
  const { entries, memory, disk, stored, evicted, lost, answered } = told;
  const used = (of: typeof memory) =>
    `${octetsInWords(of.octets)} of ${octetsInWords(of.maxOctets)}, ${entriesCounted(of.entries)}`;
  const diskUse = {
    open: used(disk),
    off: 'off',
    unusable: `cannot be used: ${printable(disk.because ?? 'for a reason that is not known')}`,
  }[disk.state];
  return [
    `entries   ${entries}`,
    `memory    ${used(memory)}`,
    `disk      ${diskUse}`,
    `stored    ${stored} since the agent started, of which ${evicted} were given up for others and ${lost} lost by the disk`,
    ...countsInWords(answered),
  ].join('\n');
}

function countsInWords({ requests, byAgent, byEdge, collapsed }: CacheCounts): string[] {
  if (requests === 0) return ['answered  no request yet'];
  const share = (count: number) => `${count} (${Math.round((count / requests) * 100)} %)`;
  return [
    `answered  ${share(byAgent)} by the agent, ${share(byEdge)} by the edge, ${share(collapsed)} together with an equal one, of ${requests} requests`,
  ];
}

/** What a purge has done. */
export function purgeInWords({ entries }: CachePurged): string {
  return `The agent had ${entriesCounted(entries)}; the edge is told with the next request.`;
}

/** What would become of a GET, and why. */
export function explanationInWords({ url, answer, variants, selectedBy, rule, storing, asked }: CacheReport): string {
  const others = variants - ('entry' in answer ? 1 : 0);
  const also =
    others === 0
      ? []
      : [
          `${others} ${'entry' in answer ? 'more ' : ''}stored under this URL, each for other ${namesInWords(selectedBy)}`,
        ];
  const lines: (readonly [string, string])[] = [
    ['url', printable(url)],
    [
      'stored',
      'entry' in answer ? entryInWords(answer.entry) : answer.kind === 'off' ? offInWords : 'nothing that fits',
    ],
    ...also.map((line) => ['', line] as const),
    ...(rule === undefined ? [] : [['rule', ruleInWords(rule)] as const]),
    ['now', answerInWords(answer)],
    ...('entry' in answer ? freshnessLines(answer.entry) : []),
  ];
  if (asked !== undefined) lines.push(['origin', `${asked.status} ${printable(asked.reason)}`.trimEnd()]);
  if (storing?.kind === 'refuse') lines.push(['would be', `not stored: ${printable(storing.because)}`]);
  if (storing?.kind === 'store')
    lines.push(['would be', `stored, ${nextInWords[storing.next]}`], ...freshnessLines(storing));
  return lines.map(([name, text]) => `${name.padEnd(10)}${text}`.trimEnd()).join('\n');
}

function ruleInWords({ name, cache }: NonNullable<CacheReport['rule']>): string {
  const says =
    cache === 'bypass'
      ? 'the cache is left out'
      : cache === 'validate'
        ? 'nothing is answered without asking'
        : `what is stored from now on is fresh for ${durationInWords(cache.freshnessSeconds)}`;
  return `${JSON.stringify(printable(name))}: ${says}`;
}

const offInWords = 'nothing: the agent’s cache is off';

function answerInWords(answer: CacheAnswer): string {
  switch (answer.kind) {
    case 'off':
      return 'every request goes on';
    case 'fresh':
      return 'answered from the cache without asking: it is fresh';
    case 'stale':
      return answer.revalidate
        ? 'answered from the cache although it is stale, as it allows, and the origin is asked behind that'
        : 'answered from the cache although it is stale: the request takes that';
    case 'validate':
      return `the origin is asked whether it still holds: ${answer.isAlways ? 'it wants that each time (no-cache)' : reasons[answer.because]}`;
    case 'forward':
      return `the origin is asked: ${printable(answer.detail ?? reasons[answer.because])}`;
    case 'unsatisfiable':
      return '504: the request wants what is stored or nothing, and nothing fits';
  }
}

const reasons: Readonly<Record<ForwardReason, string>> = {
  bypass: 'the cache is left out',
  method: 'the method asks for it',
  'uri-miss': 'nothing is stored under this URL',
  'vary-miss': 'what is stored was for a request with other fields',
  miss: 'nothing that is stored fits',
  request: 'the request asks for it',
  stale: 'what is stored is stale',
  partial: 'only a part of the content is stored',
};

const nextInWords = {
  fresh: 'and answer without asking as long as it is fresh',
  stale: 'and answer although it is stale, as it allows',
  validate: 'but the origin is asked each time whether it still holds',
  forward: 'but the next request like this one goes on nevertheless',
} as const;

function freshnessLines(of: {
  readonly lifetime: CacheLifetime;
  readonly ageSeconds: number;
  readonly freshUntil: string;
}): (readonly [string, string])[] {
  const { lifetime, ageSeconds, freshUntil } = of;
  const left = lifetime.seconds - ageSeconds;
  const until =
    left > 0
      ? `until ${secondOf(freshUntil)}, ${durationInWords(left)} from now`
      : lifetime.seconds > 0
        ? `no more since ${secondOf(freshUntil)}, ${durationInWords(-left)} ago`
        : 'at no time';
  const why =
    lifetime.kind === 'none'
      ? printable(lifetime.because)
      : `for ${durationInWords(lifetime.seconds)} (${printable(lifetime.because)})${lifetime.kind === 'heuristic' ? ', as nothing says how long' : ''}, and it is ${durationInWords(ageSeconds)} old`;
  return [
    ['fresh', until],
    ['because', why],
  ];
}

function entryInWords(entry: CacheEntry): string {
  const { status, octets, part, receivedAt, selecting } = entry;
  const held = part === undefined ? `${octets} octets` : `${octets} of ${part.completeOctets} octets`;
  const where = `${placesInWords(entry)}, received ${secondOf(receivedAt)}`;
  return `${status}, ${held}, ${where}${selecting.length === 0 ? '' : `, for ${selectingInWords(entry)}`}`;
}

function selectingInWords({ selecting }: CacheEntry): string {
  return selecting.map(([name, value]) => printable(value === null ? `no ${name}` : `${name}: ${value}`)).join(', ');
}

function namesInWords(names: readonly string[]): string {
  return names.length === 0 ? 'requests' : printable(names.join(', '));
}

function placesInWords({ inMemory, onDisk }: CacheEntry): string {
  return [inMemory ? ['memory'] : [], onDisk ? ['disk'] : []].flat().join(' and ') || 'on its way';
}

function freshnessInWords({ lifetime, ageSeconds }: CacheEntry): string {
  const left = lifetime.seconds - ageSeconds;
  if (lifetime.seconds === 0) return 'never fresh';
  return left > 0 ? `fresh for ${durationInWords(left)}` : `stale for ${durationInWords(-left)}`;
}

function entriesCounted(count: number): string {
  return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}

const octetUnits = ['octets', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Octets with three digits at least. */
export function octetsInWords(octets: number): string {
  const power = octets < 1024 ? 0 : Math.min(octetUnits.length - 1, Math.floor(Math.log2(octets) / 10));
  const amount = octets / 1024 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toPrecision(3)} ${octetUnits[power]}`;
}

const durationUnits = [
  ['y', 31_536_000],
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** Seconds in the two largest units that they fill. */
export function durationInWords(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [name, size] of durationUnits) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

/** `2026-01-02T03:04:05Z`: freshness is counted in seconds. */
function secondOf(iso: string): string {
  return `${iso.slice(0, 19)}Z`;
}
