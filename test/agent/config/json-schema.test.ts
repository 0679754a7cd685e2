// The configuration as JSON Schema: every key has a meaning, so that an editor can explain it, and every choice can be completed.
import { describe, expect, test } from 'vitest';
import { alternativesOf, configSchema, type JsonSchema, keysAt } from '../../../agent/config/json-schema.ts';
import { config } from '../../../schemas/config.ts';

type Key = readonly [path: string, schema: JsonSchema];

/** Every key with its schema: lists, sections by name and all alternatives opened. */
function keysIn(schema: JsonSchema, path = ''): Key[] {
  return alternativesOf(schema).flatMap(({ properties = {}, items, additionalProperties }) => [
    ...Object.entries(properties).flatMap(([name, each]): Key[] => [
      [`${path}.${name}`, each],
      ...keysIn(each, `${path}.${name}`),
    ]),
    ...(items === undefined ? [] : keysIn(items, `${path}[]`)),
    ...(typeof additionalProperties === 'object' ? keysIn(additionalProperties, `${path}.*`) : []),
  ]);
}

const keys = keysIn(configSchema());

test('every key says what it means, those of rules, shapes, transforms and pools too', () => {
  expect(keys.map(([key]) => key)).toEqual(
    expect.arrayContaining([
      '.rules[].when.response.size.minBytes',
      '.rules[].then.shape.fault.afterBytes',
      '.rules[].then.transform.html[].select',
      '.pools.*.targets[].weight',
      '.lists.*.refreshMinutes',
    ]),
  );
  expect(keys.filter(([, { description }]) => (description ?? '') === '').map(([key]) => key)).toEqual([]);
});

test('has the defaults that are in effect', () => {
  const inEffect = config.parse({});
  for (const [key, schema] of keys) {
    if (schema.default === undefined || schema.type === 'object' || /[[*]/.test(key)) continue;
    const names = key.slice(1).split('.');
    const value = names.reduce<unknown>((here, name) => (here as Record<string, unknown>)[name], inEffect);
    expect(schema.default, key).toEqual(value);
  }
});

describe('an editor can use it', () => {
  const text = JSON.stringify(configSchema());

  test('it forbids nobody to change a value, and no key is asked for that has a default', () => {
    expect(text).not.toContain('readOnly');
    for (const [key, { properties = {}, required = [] }] of keys)
      for (const name of required) expect(properties[name]?.default, `${key}.${name}`).toBeUndefined();
  });

  test('choices are anyOf, each of which says of what kind it is', () => {
    expect(text).not.toContain('oneOf');
    const choices = keys.filter(([, { anyOf }]) => anyOf !== undefined);
    expect(choices.length).toBeGreaterThan(20);
    for (const [key, schema] of choices)
      for (const each of alternativesOf(schema))
        expect(each.type ?? each.enum ?? each.const ?? (each as { $ref?: string }).$ref, key).toBeDefined();
  });

  test('a choice of words has the words', () => {
    const words = (path: string) =>
      alternativesOf(keys.find(([key]) => key === path)?.[1]).flatMap((each) => each.enum ?? each.const ?? []);
    expect(words('.rules[].then.shape')).toContain('slow-3g');
    expect(words('.rules[].then.block')).toEqual(['drop']);
    expect(words('.rules[].then.route')).toEqual(['edge', 'direct']);
  });

  test('what is not known is a mistake in every section', () => {
    const sections = keys.flatMap(([key, schema]) => alternativesOf(schema).map((each) => [key, each] as const));
    const open = sections.filter(([, each]) => each.properties !== undefined && each.additionalProperties !== false);
    expect(open.map(([key]) => key)).toEqual([]);
  });
});

test.each([
  [['listen'], ['host', 'port', 'controlPort']],
  [
    ['edge', 'edges', 0],
    ['name', 'url', 'token'],
  ],
  [
    ['cache', 'agent'],
    ['memoryBytes', 'diskBytes', 'maxEntryBytes'],
  ],
  [
    ['rules', 3, 'when', 'response', 'size'],
    ['minBytes', 'maxBytes'],
  ],
  [
    ['rules', 3, 'then', 'block'],
    ['status', 'message'],
  ],
  [
    ['rules', 0, 'then', 'shape', 'fault'],
    ['kind', 'afterBytes', 'probability', 'delayMs'],
  ],
  [
    ['rules', 0, 'then', 'transform', 'html', 2],
    ['select', 'remove', 'replace', 'append', 'prepend', 'set'],
  ],
  [
    ['pools', 'any name', 'targets', 7],
    ['url', 'weight'],
  ],
  [['log'], []],
  [['nowhere', 'at', 'all'], []],
])('the keys at %j are %j', (path, names) => {
  expect(keysAt(path)).toEqual(names);
});
