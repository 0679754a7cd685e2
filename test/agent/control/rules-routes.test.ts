// What the control port says of rules, lists, pools, transforms and clients, as its schema has it.
import { expect, test } from 'vitest';
import { countRules } from '../../../agent/control/rule-counts.ts';
import { createRulesRoutes } from '../../../agent/control/rules-routes.ts';
import { config } from '../../../schemas/config.ts';
import { ruleStatistics } from '../../../schemas/rules-admin.ts';
import { epochMs, testTrace } from '../../support/walk.ts';

const block = { then: { block: 'drop' as const } };
const { rules } = config.parse({ rules: [{ name: 'ads', ...block }, { enabled: false, ...block }, block] });

test('rules are named and counted in their order, those that are not enabled are not there', async () => {
  const counted = countRules();
  counted.observer.finished(testTrace({ rules: ['ads', 'rule 3'] }));
  counted.observer.finished(testTrace({ rules: ['ads'] }));
  const list = { source: 'ads.txt', names: 7, exceptions: 1, notUnderstood: 2, matches: 3 };
  const target = { url: 'http://a.example', weight: 1, outstanding: 0, exchanges: 5, failures: 2 };
  const routes = createRulesRoutes({
    configuration: () => ({ loadedAt: '2026-01-02T03:04:05.000000Z', later: [] }),
    rules: () => rules,
    counted,
    lists: () => [
      { name: 'ads', ...list, refreshedAt: epochMs, problem: 'it is gone' },
      { name: 'new', ...list, refreshedAt: undefined, problem: undefined },
    ],
    pools: () => [
      {
        name: 'app',
        balance: 'weighted',
        targets: [
          { ...target, state: 'up', because: undefined },
          { ...target, state: 'down', because: 'it refused' },
        ],
      },
    ],
    transforms: () => ({ transformed: 2, octetsBefore: 100, octetsAfter: 40 }),
    clients: () => ({ denied: 1, tooManyConnections: 2, tooManyRequests: 3, wrongCredentials: 4 }),
  });
  const answer = await routes.request('/');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const told = ruleStatistics.parse(await answer.json());
  expect(told).toMatchObject({
    finished: 2,
    rules: [
      { name: 'ads', matches: 2 },
      { name: 'rule 3', matches: 1 },
    ],
    lists: [
      { name: 'ads', names: 7, refreshedAt: '2026-01-02T03:04:05.000000Z', problem: 'it is gone' },
      { name: 'new' },
    ],
    pools: [{ name: 'app', targets: [{ state: 'up' }, { state: 'down', because: 'it refused' }] }],
    transforms: { transformed: 2 },
    clients: { wrongCredentials: 4 },
  });
  expect(told.lists[1]).not.toHaveProperty('problem');
});
