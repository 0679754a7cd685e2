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
  /** Of a record, what each of its values is; of an object, whether it may have other keys. */
  readonly additionalProperties?: JsonSchema | boolean;
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
      if (jsonSchema.oneOf === undefined) return;
      jsonSchema.anyOf = jsonSchema.oneOf; // editors complete within both, but explain a mistake better within this
      delete jsonSchema.oneOf;
    },
  }) as JsonSchema;
}

/** The names that an object of the configuration may have as keys; a number in the path leads into a list. */
export function keysAt(path: readonly (string | number)[]): readonly string[] {
  let here = alternativesOf(theSchema());
  for (const part of path) here = here.flatMap((schema) => alternativesOf(memberOf(schema, part)));
  return [...new Set(here.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

/** What a value may be, one by one. */
export function alternativesOf(schema: JsonSchema | undefined): readonly JsonSchema[] {
  if (schema === undefined) return [];
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternativesOf);
}

function memberOf(
  { items, properties, additionalProperties }: JsonSchema,
  part: string | number,
): JsonSchema | undefined {
  if (typeof part === 'number') return items;
  if (properties !== undefined && Object.hasOwn(properties, part)) return properties[part];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

let made: JsonSchema | undefined;

function theSchema(): JsonSchema {
  made ??= configSchema();
  return made;
}
