// Pools of targets and the reverse routes that lead to them: the agent's, and the smaller ones of a deployed worker.
import * as z from 'zod';

const milliseconds = z.int().positive().max(86_400_000);
const count = z.int().positive().max(1_000);

const target = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'a target is an http or https URL' })
    .regex(/^[a-z]+:\/\/[^\s/?#@\\]+\/?$/i, 'a target has a scheme, a host and perhaps a port, no path and no userinfo')
    .describe('scheme, host and perhaps a port'),
  weight: z
    .int()
    .min(0)
    .max(1_000)
    .default(1)
    .describe('its share beside the others; 0: only when all others are down'),
});

const targets = z
  .array(target)
  .min(1, 'a pool has a target')
  .max(256)
  .refine((all) => new Set(all.map(({ url }) => originOf(url))).size === all.length, {
    error: 'a target stands in a pool once: give it a higher weight instead',
  })
  .readonly()
  .describe('where requests go');

/** However it is spelled. */
function originOf(url: string): string {
  const [, scheme = '', host = '', port = scheme === 'https' ? '443' : '80'] =
    /^([a-z]+):\/\/(.*?)(?::(\d*))?\/?$/.exec(url.toLowerCase()) ?? [];
  return `${scheme}://${host}:${port}`;
}

const maxTries = z
  .int()
  .min(1)
  .max(10)
  .default(3)
  .describe('targets that one request is sent to at most, where it may be sent again');

export const pool = z.strictObject({
  targets,
  balance: z
    .enum(['round-robin', 'weighted', 'least-outstanding', 'hash-client', 'hash-url'])
    .default('round-robin')
    .describe(
      'round-robin: in turn, by weight; weighted: by chance, by weight; least-outstanding: where fewest exchanges go on for the weight; hash-client, hash-url: always the same for one client address or URL',
    ),
  check: z
    .strictObject({
      path: z.string().startsWith('/').default('/').describe('that is asked for'),
      intervalMs: milliseconds.default(10_000).describe('between two checks of one target'),
      timeoutMs: milliseconds.default(2_000).describe('for the head of the answer; then the check has failed'),
      healthyAfter: count.default(2).describe('checks that went well, one after the other'),
      unhealthyAfter: count.default(3).describe('checks that failed, one after the other'),
    })
    .optional()
    .describe('targets are asked now and then whether they are well: status 200 to 399'),
  eject: z
    .strictObject({
      afterFailures: count.default(3).describe('failed exchanges, one after the other'),
      forMs: milliseconds.default(10_000).describe('until it is tried again'),
    })
    .prefault({})
    .describe('a target whose exchanges fail is left out for a while'),
  retry: z
    .strictObject({
      maxTries,
      budgetPercent: z
        .int()
        .min(0)
        .max(100)
        .default(20)
        .describe(
          'of the requests of ten seconds so many may be sent again, beside those of which nothing was sent; ten always may',
        ),
    })
    .prefault({})
    .describe('a request that failed at one target is sent to another, where RFC 9110 9.2.2 allows it'),
  host: z
    .enum(['client', 'target'])
    .default('client')
    .describe('whose name stands in Host: the one the client asked for, or that of the target'),
});

export type Pool = z.infer<typeof pool>;
export type Balance = Pool['balance'];

const reverseHost = z
  .string()
  .regex(/^(?:\*|(?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])$/i, 'a host is a name, an address, *.name or *, without a port')
  .describe('of the Host field: a name, `*.name` for all below it, or `*` for any');

const reversePath = z.string().startsWith('/').describe('the path begins so, up to a slash');

/** The first route that fits is taken, so that the more particular one stands first. */
export const reverseRoute = z.strictObject({
  host: reverseHost,
  path: reversePath.default('/'),
  pool: z.string().min(1).describe('its name in `pools`'),
  stripPath: z.boolean().default(false).describe('whether the target is asked without that beginning of the path'),
});

export type ReverseRoute = z.infer<typeof reverseRoute>;

/** What isolates can keep that share nothing and do nothing in the background. */
const edgePool = z.strictObject({
  targets,
  balance: z
    .enum(['weighted', 'hash-client', 'hash-url'], {
      error: 'a worker balances by weighted, hash-client or hash-url: its isolates share no state for the others',
    })
    .default('weighted'),
  eject: z.strictObject({ afterFailures: count.default(3), forMs: milliseconds.default(10_000) }).prefault({}),
  maxTries,
  host: z.literal('target').default('target'),
});

/** The worker's variable EDGEHOP_REVERSE, as JSON. Its routes are public. */
export const edgeReverse = z
  .strictObject({
    pools: z.record(z.string().min(1), edgePool).default({}),
    routes: z
      .array(
        reverseRoute.extend({
          path: reversePath.refine((path) => !/^\/v1(?:\/|$)/i.test(path), '/v1 is the worker’s own').default('/'),
        }),
      )
      .readonly()
      .default([]),
  })
  .superRefine(({ pools, routes }, context) => {
    for (const [index, { pool }] of routes.entries()) {
      if (Object.hasOwn(pools, pool)) continue;
      context.addIssue({ code: 'custom', path: ['routes', index, 'pool'], message: `there is no pool "${pool}"` });
    }
  });

export type EdgeReverse = z.infer<typeof edgeReverse>;

/** What a record says of the target that was chosen, and of those tried before it. */
export const poolOutcome = z.strictObject({
  name: z.string(),
  /** The last target that was asked, as scheme://host:port; absent where none was up. */
  target: z.string().optional(),
  /** Targets that were asked before, or that failed at last. */
  tried: z.array(z.strictObject({ target: z.string(), because: z.string() })).readonly(),
});

export type PoolOutcome = z.infer<typeof poolOutcome>;
