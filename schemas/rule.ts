// Rules: which requests and responses are meant (`when`), and what becomes of them (`then`).
import * as z from 'zod';
import { shape } from './shape.ts';
import { transform } from './transform.ts';

/** Ten years. */
export const maxFreshnessSeconds = 315_360_000;

const maxPatternCharacters = 1_024;
const maxPatterns = 1_000;

const text = z.string().min(1).max(maxPatternCharacters);

/** Lists of one member may be written without their brackets. */
function oneOrMany<T extends z.ZodType>(member: T) {
  const union = z
    .union([member, z.array(member).min(1).max(maxPatterns).readonly()])
    .transform((given) => (Array.isArray(given) ? given : [given]) as readonly z.output<T>[]);
  return member.description === undefined ? union : union.describe(member.description);
}

const notGlob = 'this looks like a regular expression; patterns know `*` only, which matches any run of characters';

/** A pattern for names of hosts. */
export const hostPattern = text
  .regex(
    /^(?:\*|(?:\*\.)?[^\s*/:@?#[\]]+|\[[0-9a-f:.]+\])$/i,
    'a host is a name, an address, or *.name, without a port',
  )
  .describe('a name, an address, or `*.name` for all names below it; `*` for all');

const url = text
  .regex(/^(?:\*|https?:\/\/)/i, 'a URL pattern begins with http://, https:// or *')
  .refine(isGlob, { error: notGlob })
  .describe('the whole URL, in which `*` stands for any run of characters');

const path = text
  .regex(/^[/*]/, 'a path begins with / or *')
  .refine(isGlob, { error: notGlob })
  .describe('the path without the query, in which `*` stands for any run of characters');

/** Characters that no canonical URL has, and repeated groups: whoever writes them thinks of a regular expression. */
function isGlob(pattern: string): boolean {
  return !/[\\^{}|<>]|\)[*+?{]|\[[^\]]*\][*+?]/.test(pattern);
}

const value = z
  .union([z.boolean(), z.string().max(maxPatternCharacters)])
  .describe('a text in which `*` stands for any run of characters; true: any; false: none');

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$/, 'a time of day is HH:MM-HH:MM, such as 09:00-17:30');

export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const requestConditions = {
  host: oneOrMany(hostPattern).optional(),
  domain: oneOrMany(text)
    .optional()
    .describe('a registrable domain, such as example.co.uk: itself and all names below it'),
  list: oneOrMany(text).optional().describe('the name of a list under `lists` that has the host'),
  port: oneOrMany(z.int().min(1).max(65535)).optional().describe('of the URL, or of the target of a tunnel'),
  scheme: oneOrMany(z.enum(['http', 'https']))
    .optional()
    .describe('of the URL'),
  method: oneOrMany(text.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'a method is a token, such as GET'))
    .optional()
    .describe('such as GET; upper and lower case differ'),
  url: oneOrMany(url).optional(),
  path: oneOrMany(path).optional(),
  query: z.record(text, value).optional().describe('parameters of the query by their decoded names'),
  fields: z.record(text, value).optional().describe('request fields by their names'),
  client: oneOrMany(text).optional().describe('address or CIDR range of the client'),
  time: oneOrMany(clockTime).optional().describe('HH:MM-HH:MM by the clock of this machine, also over midnight'),
  weekday: oneOrMany(z.enum(weekdays)).optional().describe('by the clock of this machine'),
};

const noStatus = 'a status is a number, a class such as 5xx, or a range such as 500-504';

const statusPattern = z
  .union([z.int().min(100).max(599), z.string().regex(/^(?:[1-5]xx|[1-5]\d\d-[1-5]\d\d)$/, noStatus)], {
    error: noStatus,
  })
  .describe('a number, a class such as `5xx`, or a range such as `500-504`');

export const responseConditions = z.strictObject({
  status: oneOrMany(statusPattern).optional(),
  type: oneOrMany(text).optional().describe('media type without parameters; `*` stands for any run of characters'),
  size: z
    .strictObject({
      minBytes: z.int().nonnegative().optional().describe('so many octets, or more'),
      maxBytes: z.int().nonnegative().optional().describe('so many octets, or fewer'),
    })
    .optional()
    .describe('of the content, by Content-Length; a response that does not say it is none of these'),
});

/** Conditions on a response. All of them have to hold, and of a list one. */
export type ResponseConditions = z.infer<typeof responseConditions>;

export const ruleConditions = z.strictObject({
  ...requestConditions,
  not: z.strictObject(requestConditions).optional().describe('holds where not all of these hold'),
  response: responseConditions.optional().describe('judged when the head of the response has come'),
});

/** Conditions of a rule. All of them have to hold, and of a list one. */
export type RuleConditions = z.infer<typeof ruleConditions>;

const status = z.int().min(200).max(599);
const fieldName = text
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'the name of a field is a token')
  .refine((name) => !isFraming(name), {
    error: 'this field frames the message or belongs to the connection: it is not for rules',
  });
const fieldValue = z
  .string()
  .max(8 * 1024)
  .regex(
    /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/,
    'a field value is text of one line, without white space around it',
  );

/** What frames a message or speaks of its connection (RFC 9110 7.6.1), and what is between the two halves. */
function isFraming(name: string): boolean {
  return /^(?:host|content-length|transfer-encoding|connection|proxy-connection|keep-alive|te|trailer|upgrade|expect|proxy-authorization|proxy-authenticate|via|cdn-loop|edgehop-.*)$/i.test(
    name,
  );
}

const fieldValues = z.record(fieldName, fieldValue);

const responseEdits = z.strictObject({
  set: fieldValues.optional().describe('fields in place of those of the same name'),
  add: fieldValues.optional().describe('fields beside those of the same name'),
  remove: oneOrMany(fieldName).optional().describe('names of fields'),
});

const requestEdits = responseEdits.extend({
  shorten: oneOrMany(z.enum(['referer', 'user-agent']))
    .optional()
    .describe('referer: to the origin in it; user-agent: to the name of the program and its main version'),
  removeCookies: oneOrMany(text).optional().describe('names of cookies, in which `*` stands for any run of characters'),
});

export type FieldEdits = z.infer<typeof requestEdits>;

const target = z
  .string()
  .min(1)
  .max(8 * 1024)
  .describe(
    'a URL in which {scheme} {host} {port} {path} {query} {url} stand for those of the request, {1} {2} … for what the `*` of the pattern in `when` matched',
  );

const block = z.union(
  [
    z.literal('drop'),
    z.strictObject({
      status: z.int().min(400).max(599).default(403).describe('of the response'),
      message: z
        .string()
        .max(1_024)
        .optional()
        .describe('for whoever is refused; without it edgehop says that a rule blocks'),
    }),
  ],
  { error: 'it is "drop", or a section with a status' },
);

const respond = z
  .strictObject({
    status: status.default(200).describe('of the response'),
    fields: fieldValues.default({}).describe('of the response, by their names'),
    text: z
      .string()
      .max(1024 * 1024)
      .optional()
      .describe('the content'),
    json: z.json().optional().describe('the content'),
    file: text
      .optional()
      .describe('the content is that of a file; its path counts from the folder of this configuration'),
    folder: text
      .optional()
      .describe(
        'the content is that of the file in this folder to which the path leads; of index.html where it ends in a slash',
      ),
    under: z.string().startsWith('/').optional().describe('the part of the path that stands for the folder'),
  })
  .refine(
    ({ text, json, file, folder }) => [text, json, file, folder].filter((each) => each !== undefined).length <= 1,
    {
      error: 'the content is one of "text", "json", "file" and "folder"',
    },
  );

const actions = z.strictObject({
  block: block.optional().describe('`drop`: the connection is reset; else a response with a status'),
  respond: respond.optional().describe('a response of our own; nothing is asked of anybody'),
  redirect: z
    .strictObject({
      to: target,
      status: z
        .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
        .default(302)
        .describe('301 and 308 may be remembered for ever; 307 and 308 keep the method'),
    })
    .optional()
    .describe('the client is sent to another URL'),
  rewrite: z.strictObject({ to: target }).optional().describe('another URL is asked in place of this one'),
  request: requestEdits.optional().describe('fields of the request'),
  response: responseEdits.optional().describe('fields of the response'),
  cache: z
    .union(
      [
        z.enum(['bypass', 'validate']),
        z.strictObject({
          freshnessSeconds: z.int().nonnegative().max(maxFreshnessSeconds).describe('for which the response is fresh'),
        }),
      ],
      { error: 'it is "bypass", "validate", or a section with freshnessSeconds' },
    )
    .optional()
    .describe(
      'bypass: neither answered from a cache nor stored; validate: never without asking; else how long it is fresh, whatever the origin says',
    ),
  route: z
    .union(
      [z.enum(['edge', 'direct']), z.strictObject({ edge: text.describe('its name in `edge.edges`, or embedded') })],
      {
        error: 'it is "edge", "direct", or a section with the name of an edge',
      },
    )
    .optional()
    .describe('the way of an exchange or tunnel; of several edges one by its name'),
  fallback: z.enum(['direct', 'fail']).optional().describe('as `edge.fallback`, for what this rule is about'),
  upstream: z.enum(['fetch', 'socket']).optional().describe('as `edge.upstream`, for what this rule is about'),
  shape: shape.optional().describe('a simulated network'),
  transform: transform.optional().describe('changes of content, made at the edge'),
  log: z
    .enum(['usual', 'errors', 'off'])
    .optional()
    .describe(
      'whether it is logged and remembered: always, where it failed (which is not said of what a rule blocks), or never',
    ),
});

export type RuleActions = z.infer<typeof actions>;
export type BlockAction = NonNullable<RuleActions['block']>;
export type RespondAction = NonNullable<RuleActions['respond']>;
export type RedirectStatus = NonNullable<RuleActions['redirect']>['status'];

/** Kinds of which a rule has one at most: each is an answer. */
const answers = ['block', 'respond', 'redirect'] as const;

/** What a rule with a condition on the response can still do. */
const afterwards: readonly string[] = [...answers, 'response', 'cache', 'transform', 'log'];

export const rule = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('shown in records and explanations; `rule N` when there is none'),
    enabled: z.boolean().default(true).describe('false: as if the rule were not there'),
    when: ruleConditions.prefault({}).describe('without conditions a rule holds always'),
    then: actions.describe('what becomes of it: one action or more'),
  })
  .superRefine(({ when, then }, context) => {
    const given = Object.keys(then).filter((kind) => then[kind as keyof RuleActions] !== undefined);
    if (given.length === 0) {
      context.addIssue({ code: 'custom', path: ['then'], message: 'a rule does something: name an action' });
    }
    const several = answers.filter((kind) => then[kind] !== undefined);
    if (several.length > 1) {
      context.addIssue({
        code: 'custom',
        path: ['then'],
        message: `a rule answers once: choose one of ${several.join(' and ')}`,
      });
    }
    if (when.response === undefined) return;
    for (const kind of given.filter((each) => !afterwards.includes(each))) {
      const message =
        'this comes too late for a rule with a condition on the response: the request has been sent by then';
      context.addIssue({ code: 'custom', path: ['then', kind], message });
    }
  });

export type Rule = z.infer<typeof rule>;
