// The configuration's schema as JSON Schema, which editors, the documentation and suggestions read.
import * as z from 'zod';
import { config } from '../../schemas/config.ts';

/** What of JSON Schema (2020-12) the configuration makes use of. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

/** The schema of the configuration file, every key with its default and its meaning. */
export function configSchema(): JsonSchema {
  return z.toJSONSchema(config, {
    io: 'input',
    override: ({ jsonSchema }) => {
      delete jsonSchema.readOnly; // here readonly means that the program changes nothing, there that nobody may
    },
  }) as JsonSchema;
}

/** The names that an object of the configuration may have as keys; a number in the path leads into a list. */
export function keysAt(path: readonly (string | number)[]): readonly string[] {
  let here: JsonSchema | undefined = configSchema();
  for (const part of path) here = typeof part === 'number' ? here?.items : propertiesOf(here)?.[part];
  return Object.keys(propertiesOf(here) ?? {});
}

/** The keys of an object, also of one that may be something else instead. */
export function propertiesOf(schema: JsonSchema | undefined): JsonSchema['properties'] {
  return schema?.properties ?? schema?.anyOf?.find(({ properties }) => properties !== undefined)?.properties;
}
