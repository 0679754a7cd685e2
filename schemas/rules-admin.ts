// What the control port tells of rules and what belongs to them: `edgehop rules stat` reads this.
import * as z from 'zod';
import { configurationState } from './api.ts';
import { isoTime } from './stage.ts';

const count = z.int().nonnegative();

/** How often something was refused to clients since the start. */
export const accessCounts = z.strictObject({
  /** Connections and requests of clients that `admit.clients` does not let in. */
  denied: count,
  tooManyConnections: count,
  tooManyRequests: count,
  wrongCredentials: count,
});

export type AccessCounts = z.infer<typeof accessCounts>;

/** `GET /v1/rules`. Counts are since the start of the agent, also over changes of the configuration. */
export const ruleStatistics = z.strictObject({
  configuration: configurationState,
  /** Exchanges and tunnels that have ended. */
  finished: count,
  /** Those in force, in their order: how many of these each had a part in. */
  rules: z.array(z.strictObject({ name: z.string(), matches: count })).readonly(),
  lists: z
    .array(
      z.strictObject({
        name: z.string(),
        /** File or URL. */
        source: z.string(),
        names: count,
        exceptions: count,
        /** Lines that are no name in any of the known forms. */
        notUnderstood: count,
        /** Look-ups that found a host. */
        matches: count,
        refreshedAt: isoTime.optional(),
        problem: z.string().optional(),
      }),
    )
    .readonly(),
  pools: z
    .array(
      z.strictObject({
        name: z.string(),
        balance: z.string(),
        targets: z
          .array(
            z.strictObject({
              url: z.string(),
              weight: count,
              state: z.enum(['up', 'down', 'trial']),
              /** Why it is not up. */
              because: z.string().optional(),
              /** Exchanges that go on, those since the start, and how many of them failed. */
              outstanding: count,
              exchanges: count,
              failures: count,
            }),
          )
          .readonly(),
      }),
    )
    .readonly(),
  /** Octets of content as origins sent them, and as they went on, of the responses that were transformed. */
  transforms: z.strictObject({ transformed: count, octetsBefore: count, octetsAfter: count }),
  clients: accessCounts,
});

export type RuleStatistics = z.infer<typeof ruleStatistics>;
