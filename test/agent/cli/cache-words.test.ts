// What `edgehop cache` says: the entry that would answer, until when it is fresh, why, and what would be stored.
import { expect, test } from 'vitest';
import {
  durationInWords,
  entriesInWords,
  explanationInWords,
  octetsInWords,
  purgeInWords,
  statisticsInWords,
} from '../../../agent/cli/cache-words.ts';
import { type CacheEntry, type CacheReport, cacheEntry, cacheReport } from '../../../schemas/cache-admin.ts';

const entry: CacheEntry = cacheEntry.parse({
  url: 'http://o.example/a',
  status: 200,
  octets: 2048,
  receivedAt: '2026-01-02T03:04:05.000000Z',
  ageSeconds: 10,
  lifetime: { kind: 'explicit', seconds: 3600, because: 'max-age of Cache-Control' },
  freshUntil: '2026-01-02T04:04:05.000000Z',
  selecting: [],
  inMemory: true,
  onDisk: true,
});

const lifetime = { kind: 'none', seconds: 0, because: 'nothing in the response says how long' } as const;

function explained(parts: Partial<CacheReport>): string[] {
  const report = { url: entry.url, variants: 0, selectedBy: [], answer: { kind: 'off' }, ...parts };
  return explanationInWords(cacheReport.parse(report)).split('\n');
}

test('entries are lines in columns, with the fields that they were stored for', () => {
  const variant: CacheEntry = {
    ...entry,
    octets: 5,
    part: { first: 0, completeOctets: 100_000 },
    ageSeconds: 3_700,
    inMemory: false,
    selecting: [
      ['accept-language', 'de'],
      ['cookie', null],
    ],
  };
  expect(entriesInWords({ entries: [{ ...entry, lifetime }] })).toContain('  never fresh  ');
  expect(entriesInWords({ entries: [entry, variant] }).split('\n')).toEqual([
    '200         2048  fresh for 59 min 50 s  memory and disk  http://o.example/a',
    '200  5 of 100000  stale for 1 min 40 s   disk             http://o.example/a  (accept-language: de, no cookie)',
  ]);
});

test('statistics say how much is used of what may be', () => {
  const memory = { octets: 1024 * 1024, maxOctets: 256 * 1024 * 1024, entries: 1 };
  const none = { requests: 0, byAgent: 0, byEdge: 0, collapsed: 0 };
  const answered = { requests: 200, byAgent: 150, byEdge: 1, collapsed: 3 };
  const common = { agent: 'on', answered, entries: 2, memory, stored: 9, evicted: 7, lost: 0 } as const;
  const disk = { state: 'open', octets: 10, maxOctets: 1024 ** 3, entries: 2 } as const;
  expect(statisticsInWords({ ...common, disk }).split('\n')).toEqual([
    'entries   2',
    'memory    1.00 MiB of 256 MiB, 1 entry',
    'disk      10 octets of 1.00 GiB, 2 entries',
    'stored    9 since the agent started, of which 7 were given up for others and 0 lost by the disk',
    'answered  150 (75 %) by the agent, 1 (1 %) by the edge, 3 (2 %) together with an equal one, of 200 requests',
  ]);
  expect(statisticsInWords({ ...common, disk: { ...disk, state: 'unusable', because: 'it is read-only' } })).toContain(
    'disk      cannot be used: it is read-only\n',
  );
  expect(statisticsInWords({ ...common, disk: { ...disk, state: 'off' } })).toContain('disk      off\n');
  expect(statisticsInWords({ agent: 'off', answered: none }).split('\n')).toEqual([
    'agent     its cache is off',
    'answered  no request yet',
  ]);
});

test.each([
  [0, 'The agent had 0 entries'],
  [1, 'The agent had 1 entry;'],
])('a purge of %i is told', (entries, words) => {
  expect(purgeInWords({ entries })).toContain(words);
});

test('a fresh response: what it is, until when, why', () => {
  expect(explained({ variants: 1, answer: { kind: 'fresh', entry, ttlSeconds: 3590 } })).toEqual([
    'url       http://o.example/a',
    'stored    200, 2048 octets, memory and disk, received 2026-01-02T03:04:05Z',
    'now       answered from the cache without asking: it is fresh',
    'fresh     until 2026-01-02T04:04:05Z, 59 min 50 s from now',
    'because   for 1 h (max-age of Cache-Control), and it is 10 s old',
  ]);
});

test('one of several: which, and that there are more', () => {
  const german: CacheEntry = { ...entry, selecting: [['accept-language', 'de']] };
  const answer = { kind: 'fresh', entry: german, ttlSeconds: 1 } as const;
  expect(explained({ variants: 3, selectedBy: ['accept-language'], answer }).slice(1, 3)).toEqual([
    'stored    200, 2048 octets, memory and disk, received 2026-01-02T03:04:05Z, for accept-language: de',
    '          2 more stored under this URL, each for other accept-language',
  ]);
});

const stale: CacheEntry = {
  ...entry,
  ageSeconds: 3_700,
  lifetime: { kind: 'heuristic', seconds: 3_600, because: 'a tenth of the time since Last-Modified, at most a day' },
};

test.each([
  [{ kind: 'stale', revalidate: true }, /although it is stale, as it allows, and the origin is asked behind that$/],
  [{ kind: 'stale', revalidate: false }, /although it is stale: the request takes that$/],
  [
    { kind: 'validate', because: 'stale', isAlways: false },
    /the origin is asked whether it still holds: what is stored is stale$/,
  ],
  [{ kind: 'validate', because: 'stale', isAlways: true }, /still holds: it wants that each time \(no-cache\)$/],
  [{ kind: 'validate', because: 'request', isAlways: false }, /still holds: the request asks for it$/],
] as const)('a stale response: %j', (decision, words) => {
  const lines = explained({ variants: 1, answer: { ...decision, entry: stale, ttlSeconds: -100 } });
  expect(lines[2]).toMatch(words);
  expect(lines.slice(3)).toEqual([
    'fresh     no more since 2026-01-02T04:04:05Z, 1 min 40 s ago',
    'because   for 1 h (a tenth of the time since Last-Modified, at most a day), as nothing says how long, and it is 1 h 1 min old',
  ]);
});

test('nothing that fits: why, what the origin answers, and that it would be stored', () => {
  const storing = { ...entry, kind: 'store', next: 'fresh', ageSeconds: 0 } as const;
  const { url: _, status: __, octets: ___, receivedAt, selecting, inMemory, onDisk, part, ...only } = storing;
  const answer = { kind: 'forward', because: 'vary-miss' } as const;
  const asked = { status: 200, reason: 'OK', fields: [] };
  expect(explained({ variants: 1, selectedBy: ['accept'], answer, storing: only, asked })).toEqual([
    'url       http://o.example/a',
    'stored    nothing that fits',
    '          1 stored under this URL, each for other accept',
    'now       the origin is asked: what is stored was for a request with other fields',
    'origin    200 OK',
    'would be  stored, and answer without asking as long as it is fresh',
    'fresh     until 2026-01-02T04:04:05Z, 1 h from now',
    'because   for 1 h (max-age of Cache-Control), and it is 0 s old',
  ]);
});

test('what would be stored and asked for each time, and what would not be stored', () => {
  const freshness = { lifetime, freshUntil: entry.freshUntil, ageSeconds: 0 };
  const answer = { kind: 'off' } as const;
  expect(explained({ answer, storing: { kind: 'store', next: 'validate', ...freshness } }).slice(1)).toEqual([
    'stored    nothing: the agent’s cache is off',
    'now       every request goes on',
    'would be  stored, but the origin is asked each time whether it still holds',
    'fresh     at no time',
    'because   nothing in the response says how long',
  ]);
  const refused = explained({ answer, storing: { kind: 'refuse', because: 'the response says no-store' } });
  expect(refused.at(-1)).toBe('would be  not stored: the response says no-store');
});

test('only-if-cached without anything is 504', () => {
  expect(explained({ answer: { kind: 'unsatisfiable' } })[2]).toMatch(/^now {7}504/);
});

test('G08: nothing from outside steers the terminal', () => {
  const evil = 'x\r\n\x1b[2J\x9b2J\x7f';
  const foul: CacheEntry = { ...entry, url: evil, selecting: [[evil, evil]] };
  const words = [
    entriesInWords({ entries: [foul] }),
    ...explained({ url: evil, selectedBy: [evil], variants: 2, answer: { kind: 'fresh', entry: foul, ttlSeconds: 1 } }),
    ...explained({
      url: evil,
      answer: { kind: 'forward', because: 'miss', detail: evil },
      asked: { status: 200, reason: evil, fields: [] },
      storing: { kind: 'refuse', because: evil },
    }),
  ];
  expect(words.join('')).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
});

test.each([
  [0, '0 octets'],
  [1023, '1023 octets'],
  [1024, '1.00 KiB'],
  [1536, '1.50 KiB'],
  [1024 * 1024 - 1, '1024 KiB'],
  [123 * 1024 * 1024, '123 MiB'],
  [2 * 1024 ** 4, '2.00 TiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('%i octets are %s', (octets, words) => {
  expect(octetsInWords(octets)).toBe(words);
});

test.each([
  [-5, '0 s'],
  [0, '0 s'],
  [0.6, '1 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3_599, '59 min 59 s'],
  [3_605, '1 h'],
  [90_000, '1 d 1 h'],
  [2 ** 31, '68 y 35 d'],
])('%d seconds are %s', (seconds, words) => {
  expect(durationInWords(seconds)).toBe(words);
});
