// Cases for rules, as `edgehop rules test` reads them: a request, and what is expected of the rules.
import * as z from 'zod';
import { weekdays } from './rule.ts';

const names = z.array(z.string());
const fields = z.record(
  z.string().min(1),
  z.union([z.string(), z.array(z.string())], { error: 'the value of a field is a text, or a list of them' }),
);

const expectedFields = z
  .record(z.string().min(1), z.string().nullable())
  .describe('fields by their names, with all rules applied; null: none of that name');

export const ruleCase = z.strictObject({
  name: z.string().min(1).optional().describe('shown beside the result; the request, when there is none'),
  request: z.strictObject({
    url: z.string().min(1).describe('a URL; or host:port, for a tunnel'),
    method: z.string().min(1).default('GET'),
    fields: fields.default({}),
    client: z.string().default('127.0.0.1'),
    at: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time is HH:MM')
      .default('12:00'),
    weekday: z.enum(weekdays).default('mon'),
  }),
  response: z
    .strictObject({
      status: z.int().min(200).max(599).default(200),
      type: z.string().optional(),
      size: z.int().nonnegative().optional(),
      fields: fields.default({}),
    })
    .optional()
    .describe('the response that is supposed; without one, what is said is what holds whatever it is'),
  expect: z
    .strictObject({
      rules: names.optional().describe('the names of all rules that have a part, in their order'),
      answer: z.enum(['drop', 'block', 'respond', 'redirect', 'failed']).nullable().optional(),
      status: z.int().optional().describe('of the answer'),
      location: z.string().optional().describe('of a redirect'),
      url: z.string().optional().describe('the URL that is asked, with rewrites'),
      route: z
        .union([z.enum(['edge', 'direct']), z.strictObject({ edge: z.string() })], {
          error: 'it is "edge", "direct", a section with the name of an edge, or null',
        })
        .nullable()
        .optional(),
      fallback: z.enum(['direct', 'fail']).nullable().optional(),
      upstream: z.enum(['fetch', 'socket']).nullable().optional(),
      shape: z.string().nullable().optional().describe('the preset, or the name of the rule that shapes'),
      transform: names.nullable().optional().describe('the parts of the transform, such as image and compress'),
      cache: z
        .union([z.enum(['bypass', 'validate']), z.strictObject({ freshnessSeconds: z.int() })], {
          error: 'it is "bypass", "validate", a section with freshnessSeconds, or null',
        })
        .nullable()
        .optional(),
      log: z.enum(['usual', 'errors', 'off']).nullable().optional(),
      request: expectedFields.optional(),
      response: expectedFields.optional(),
    })
    .describe('only what is named is compared; null: no rule says anything of it'),
});

export type RuleCase = z.infer<typeof ruleCase>;

export const ruleCases = z.array(ruleCase);
