// The page on the configuration: every key, with what it may be, what it is and what it means.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { configSchema, type JsonSchema } from '../../agent/config/json-schema.ts';
import { overridings } from '../../agent/config/overrides.ts';
import { configurationPage, configurationPath } from '../../build/configuration.ts';
import { config } from '../../schemas/config.ts';

const oneOrMany = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'array', items: schema }] });

test('each kind of key has its row', () => {
  const page = configurationPage(
    {
      properties: {
        log: { type: 'string', enum: ['a', 'b'], default: 'a', description: 'one | other' },
        limits: {
          type: 'object',
          description: 'bounds',
          properties: {
            waitMs: { type: 'integer', exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 5 },
            maxBytes: { type: 'integer', minimum: 2, maximum: 9, default: 3 },
            deeper: { type: 'object', properties: { flag: { type: 'boolean', default: false } } },
          },
        },
        store: {
          type: 'object',
          properties: {
            local: {
              default: {},
              anyOf: [
                { type: 'boolean', const: false },
                { type: 'object', properties: { diskBytes: { type: 'integer', minimum: 0, default: 7 } } },
              ],
            },
          },
        },
        rules: {
          type: 'array',
          description: 'what becomes of what',
          items: {
            type: 'object',
            properties: {
              when: { type: 'object', default: {}, properties: { host: oneOrMany({ type: 'string' }) } },
              then: {
                type: 'object',
                properties: {
                  code: { anyOf: [{ const: 1 }, { const: 2 }] },
                  fields: { type: 'object', additionalProperties: { type: 'string' } },
                  any: { description: 'whatever it is' },
                  shape: {
                    anyOf: [
                      { type: 'string', enum: ['slow', 'fast'] },
                      { type: 'object', properties: { kind: { const: 'one', description: 'the first' } } },
                      { type: 'object', properties: { kind: { const: 'other', description: 'the second' } } },
                    ],
                  },
                },
              },
            },
          },
        },
        pools: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            properties: {
              share: { type: 'number', minimum: 0, maximum: 1 },
              check: {
                type: 'object',
                description: 'now and then',
                properties: { downBytesPerSecond: { type: 'integer', minimum: 1 } },
              },
            },
          },
        },
        edges: {
          type: 'object',
          properties: {
            list: {
              type: 'array',
              items: { type: 'object', properties: { token: { type: 'string', minLength: 16 } } },
            },
            names: { type: 'array', default: [], items: { type: 'string' } },
          },
        },
      },
    },
    [{ option: 'log', flag: '--log', variable: 'EDGEHOP_LOG', key: 'log' }],
  );
  expect(page.split('\n').filter((line) => line.startsWith('| `') || line.startsWith('#'))).toEqual([
    '# Configuration',
    '| `log` | `a`, `b` | `"a"` | one \\| other |',
    '## limits',
    '| `limits.waitMs` | milliseconds, 1 or more | `5` |  |',
    '| `limits.maxBytes` | octets, 2 to 9 | `3` |  |',
    '| `limits.deeper.flag` | `true`, `false` | `false` |  |',
    '## store',
    '| `store.local` | `false`, or section | section |  |',
    '| `store.local.diskBytes` | octets, 0 or more | `7` |  |',
    '## rules',
    '| `rules[].when` | section | `{}` |  |',
    '| `rules[].then` | section |  |  |',
    '### `rules[].when`',
    '| `rules[].when.host` | text, or a list of these |  |  |',
    '### `rules[].then`',
    '| `rules[].then.code` | `1`, `2` |  |  |',
    '| `rules[].then.fields` | names, each with text |  |  |',
    '| `rules[].then.any` | any JSON |  | whatever it is |',
    '| `rules[].then.shape` | `slow`, `fast`, or section |  |  |',
    '### `rules[].then.shape`',
    '| `rules[].then.shape.kind` | `"one"`, `"other"` |  | one: the first; other: the second |',
    '## pools',
    '| `pools.NAME.share` | number, 0 to 1 |  |  |',
    '| `pools.NAME.check` | section |  | now and then |',
    '| `pools.NAME.check.downBytesPerSecond` | octets a second, 1 or more |  |  |',
    '## edges',
    '| `edges.list` | list of sections |  |  |',
    '| `edges.list[].token` | text, at least 16 characters |  |  |',
    '| `edges.names` | list of texts | `[]` |  |',
    '## Environment and flags',
    '| `log` | `EDGEHOP_LOG` | `--log` |',
    '## While the agent runs',
  ]);
  expect(page).toContain('\n\nBounds.\n\n');
  expect(page).toContain('[rules.md](rules.md)');
});

test('the page in the repository is what the sources say, and names every limit', () => {
  const written = readFileSync(fileURLToPath(new URL(`../../${configurationPath}`, import.meta.url)), 'utf8');
  expect(written, 'run `npm run docs`').toBe(configurationPage(configSchema(), overridings));
  for (const name of Object.keys(config.parse({}).limits)) expect(written).toContain(`| \`limits.${name}\` |`);
});
