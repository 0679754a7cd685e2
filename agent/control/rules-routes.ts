// Rules on the control port: which are in force, how often they matched, and how lists, pools and clients fare.
import { Hono } from 'hono';
import { nameOf } from '../../http/plan/compiled-rule.ts';
import type { ConfigurationState } from '../../schemas/api.ts';
import type { Rule } from '../../schemas/rule.ts';
import type { AccessCounts, RuleStatistics } from '../../schemas/rules-admin.ts';
import { isoMicroseconds } from '../clock.ts';
import type { ListCounts } from '../lists/lists.ts';
import type { PoolState } from '../proxy/ports.ts';
import type { RuleCounts } from './rule-counts.ts';

/** Each is asked anew, since what is in force may change. */
export interface RulesRoutesPorts {
  readonly configuration: () => ConfigurationState;
  /** Those in force, in their order. */
  readonly rules: () => readonly Rule[];
  readonly counted: RuleCounts;
  readonly lists: () => readonly ListCounts[];
  readonly pools: () => readonly PoolState[];
  readonly transforms: () => RuleStatistics['transforms'];
  readonly clients: () => AccessCounts;
}

/** The routes below `/v1/rules`. */
export function createRulesRoutes(ports: RulesRoutesPorts): Hono {
  return new Hono().get('/', (c) => c.json(statisticsOf(ports), 200, { 'cache-control': 'no-store' }));
}

function statisticsOf(ports: RulesRoutesPorts): RuleStatistics {
  const { counted } = ports;
  return {
    configuration: ports.configuration(),
    finished: counted.finished(),
    rules: ports.rules().flatMap((rule, index) => {
      const name = nameOf(rule, index);
      return rule.enabled ? [{ name, matches: counted.matches(name) }] : [];
    }),
    lists: ports.lists().map(({ refreshedAt, problem, ...counts }) => ({
      ...counts,
      ...(refreshedAt !== undefined && { refreshedAt: isoMicroseconds(refreshedAt) }),
      ...(problem !== undefined && { problem }),
    })),
    pools: ports.pools().map(({ name, balance, targets }) => ({
      name,
      balance,
      targets: targets.map(({ because, ...target }) => ({ ...target, ...(because !== undefined && { because }) })),
    })),
    transforms: ports.transforms(),
    clients: ports.clients(),
  };
}
