// What `edgehop rules stat` says to a person.
import { expect, test } from 'vitest';
import { ruleStatisticsInWords } from '../../../agent/cli/rules-stat-words.ts';
import type { RuleStatistics } from '../../../schemas/rules-admin.ts';

const nothing: RuleStatistics = {
  configuration: { loadedAt: '2026-01-02T03:04:05.000000Z', later: [] },
  finished: 0,
  rules: [],
  lists: [],
  pools: [],
  transforms: { transformed: 0, octetsBefore: 0, octetsAfter: 0 },
  clients: { denied: 0, tooManyConnections: 0, tooManyRequests: 0, wrongCredentials: 0 },
};

test('without anything', () => {
  expect(ruleStatisticsInWords(nothing)).toBe(
    [
      'configuration',
      '  no file: all is default, in force since 2026-01-02T03:04:05Z',
      'rules',
      '  there are none',
    ].join('\n'),
  );
});

test('with everything, and nothing of it can play tricks on the terminal', () => {
  const target = { url: 'http://a.example', weight: 2, outstanding: 1, exchanges: 12, failures: 3 };
  const told = ruleStatisticsInWords({
    configuration: {
      path: '/home/a/edgehop.jsonc',
      loadedAt: '2026-01-02T03:04:05.000000Z',
      problem: 'it is half written.\nf:1:2: comma expected',
      later: ['listen.port'],
    },
    finished: 120,
    rules: [
      { name: 'ads\u001b[31m', matches: 100 },
      { name: 'rule 2', matches: 7 },
    ],
    lists: [
      {
        name: 'ads',
        source: 'https://a.example/ads.txt',
        names: 9,
        exceptions: 1,
        notUnderstood: 2,
        matches: 3,
        refreshedAt: '2026-01-02T03:04:05.000000Z',
        problem: 'The list was not there.',
      },
    ],
    pools: [
      {
        name: 'app',
        balance: 'weighted',
        targets: [
          { ...target, state: 'up' },
          { ...target, exchanges: 4, state: 'down', because: 'it refused' },
        ],
      },
    ],
    transforms: { transformed: 2, octetsBefore: 1000, octetsAfter: 400 },
    clients: { denied: 1, tooManyConnections: 0, tooManyRequests: 0, wrongCredentials: 5 },
  });
  expect(told).toContain('the file as it is now is not in force:\n  it is half written.\n  f:1:2: comma expected\n');
  expect(told).toContain('heeded at the next start: listen.port');
  expect(told).not.toContain('\u001b');
  expect(told).toContain('\n    7  rule 2\n');
  expect(told).toContain(
    '9 names, 1 exceptions, 2 lines not understood, from https://a.example/ads.txt, as of 2026-01-02T03:04:05Z, The list was not there.',
  );
  expect(told).toContain('   4  down  http://a.example  weight 2, 1 going on, 3 failed, it refused');
  expect(told).toContain('(60 % less)');
  expect(told).toContain('1 refused by admit.clients\n  5 refused for their credentials');
  expect(told).not.toContain('connections');
});
