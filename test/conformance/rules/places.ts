// Every key and every word that a schema knows, and those of them that a written value uses.
import type * as z from 'zod';

/** `when.host`, `then.shape.fault=reset`: a key by its path, a word of an enumeration behind `=`. */
export type Place = string;

/** All places that a schema has. What lies inside lists, records and alternatives counts as if they were not there. */
export function placesOf(schema: z.core.$ZodType, path = ''): readonly Place[] {
  return [...new Set(walk(schema, path))];
}

/** The places that a value uses, as it is written. */
export function placesIn(schema: z.core.$ZodType, written: unknown, path = ''): readonly Place[] {
  return [...new Set(walk(schema, path, { written }))];
}

/** Without a value all of the schema. */
function walk(schema: z.core.$ZodType, path: string, value?: { readonly written: unknown }): Place[] {
  const { def } = schema._zod as unknown as { readonly def: Definition };
  const written = value?.written;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape ?? {}).flatMap(([key, member]) => {
        const own = written as Readonly<Record<string, unknown>> | undefined;
        if (value !== undefined && own?.[key] === undefined) return [];
        const place = path === '' ? key : `${path}.${key}`;
        return [place, ...walk(member, place, value && { written: own?.[key] })];
      });
    case 'union': {
      const fitting = (def.options ?? []).filter((option) => value === undefined || fits(option, written));
      return fitting.flatMap((option) => walk(option, `${path}${variant(option)}`, value));
    }
    case 'array':
      if (def.element === undefined) return [];
      if (value === undefined) return walk(def.element, path);
      return (written as readonly unknown[]).flatMap((each) =>
        walk(def.element as z.core.$ZodType, path, { written: each }),
      );
    case 'record':
      if (def.valueType === undefined) return [];
      if (value === undefined) return walk(def.valueType, path);
      return Object.values(written as object).flatMap((each) =>
        walk(def.valueType as z.core.$ZodType, path, { written: each }),
      );
    case 'enum':
      return Object.values(def.entries ?? {}).flatMap((word) => wordAt(path, word, value));
    case 'literal':
      return (def.values ?? []).flatMap((word) => wordAt(path, word, value));
    case 'pipe':
      return def.in === undefined ? [] : walk(def.in, path, value);
    default:
      return def.innerType === undefined ? [] : walk(def.innerType, path, value);
  }
}

/** What there is of a definition of zod's, whatever its type. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly options?: readonly z.core.$ZodType[];
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
}

function wordAt(path: string, word: unknown, value?: { readonly written: unknown }): Place[] {
  return value === undefined || value.written === word ? [`${path}=${word}`] : [];
}

function fits(schema: z.core.$ZodType, written: unknown): boolean {
  return (schema as z.ZodType).safeParse(written).success;
}

/** Alternatives that are sections of the same keys are told apart by their kind. */
function variant(option: z.core.$ZodType): string {
  const { def } = option._zod as unknown as { readonly def: Definition };
  const kind = def.type === 'object' ? def.shape?.['kind'] : undefined;
  const words = kind === undefined ? undefined : (kind._zod as unknown as { def: Definition }).def.values;
  return words === undefined ? '' : `(${words.join()})`;
}
