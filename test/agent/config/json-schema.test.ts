// The configuration as JSON Schema: every key has a meaning and a default, so that an editor can say both.
import { expect, test } from 'vitest';
import { configSchema, type JsonSchema, keysAt } from '../../../agent/config/json-schema.ts';
import { config } from '../../../schemas/config.ts';

/** Every key with its schema, lists and sections opened. */
function keysIn(schema: JsonSchema, path: readonly string[] = []): (readonly [string, JsonSchema])[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => [
    [[...path, name].join('.'), each] as const,
    ...keysIn(each, [...path, name]),
  ]);
  return schema.items === undefined ? below : [...below, ...keysIn(schema.items, path)];
}

const keys = keysIn(configSchema());

test('every key but the sections within sections says what it means', () => {
  expect(keys.length).toBeGreaterThan(30);
  const silent = keys.filter(([, { description }]) => description === undefined).map(([key]) => key);
  expect(silent).toEqual(['admit.destinations']);
});

test('has the defaults that are in effect', () => {
  const inEffect = config.parse({});
  for (const [key, schema] of keys) {
    if (schema.default === undefined || schema.type === 'object') continue;
    const value = key.split('.').reduce<unknown>((here, name) => (here as Record<string, unknown>)[name], inEffect);
    expect(schema.default, key).toEqual(value);
  }
});

test('forbids nobody to change a value', () => {
  expect(JSON.stringify(configSchema())).not.toContain('readOnly');
});

test.each([
  [['listen'], ['host', 'port', 'controlPort']],
  [
    ['edge', 'edges', 0],
    ['name', 'url', 'token'],
  ],
  [['log'], []],
  [['nowhere', 'at', 'all'], []],
])('the keys at %j are %j', (path, names) => {
  expect(keysAt(path)).toEqual(names);
});
