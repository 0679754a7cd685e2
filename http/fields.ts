// Field lines of a message, in the order in which they came, with duplicates. RFC 9110 5.

/** One field line. Each character of the value stands for one octet. */
export type Field = readonly [name: string, value: string];

export type Fields = readonly Field[];

/** Pairs up the flat list of names and values that Node gives. */
export function fieldsFromFlat(flat: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) fields.push([flat[i] as string, flat[i + 1] as string]);
  return fields;
}

/** The flat list of names and values that Node's writers take. */
export function flatFromFields(fields: Fields): string[] {
  const flat: string[] = [];
  for (const [name, value] of fields) flat.push(name, value);
  return flat;
}

/** Every value of a field, line by line. `name` is lower case. */
export function fieldValues(fields: Fields, name: string): string[] {
  const values: string[] = [];
  for (const [candidate, value] of fields) if (isNamed(candidate, name)) values.push(value);
  return values;
}

/** The value of a field that has one line; nothing when it has none or more. `name` is lower case. */
export function onlyValue(fields: Fields, name: string): string | undefined {
  const values = fieldValues(fields, name);
  return values.length === 1 ? values[0] : undefined;
}

/** The members of a list-based field over all its lines, without empty ones. RFC 9110 5.6.1. */
export function listMembers(fields: Fields, name: string): string[] {
  const values = fieldValues(fields, name);
  if (values.length === 0) return values;
  return values.flatMap((value) => splitList(value)).filter((member) => member !== '');
}

/** Names of fields, to be found in any case. Most names that are asked for have a length that none of these has. */
export class FieldNames {
  readonly #names: ReadonlySet<string>;
  readonly #hasLength: boolean[] = [];

  /** `names` are lower case. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    for (const { length } of this.#names) this.#hasLength[length] = true;
  }

  has(name: string): boolean {
    return this.#hasLength[name.length] === true && this.#names.has(name.toLowerCase());
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#names[Symbol.iterator]();
  }
}

/** The fields less those with one of these names. */
export function fieldsWithout(fields: Fields, names: FieldNames): Field[] {
  return fields.filter(([name]) => !names.has(name));
}

/** Whether a field name is a token and a field value holds no control octet. RFC 9110 5.1 and 5.5. */
export function isValidField([name, value]: Field): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && !/[^\t\x20-\x7e\x80-\xff]/.test(value);
}

function isNamed(candidate: string, lowerName: string): boolean {
  return candidate.length === lowerName.length && candidate.toLowerCase() === lowerName;
}

/** Splits at commas outside quoted strings. RFC 9110 5.6.4. */
function splitList(value: string): string[] {
  if (!value.includes(',')) return [value.trim()];
  if (!value.includes('"')) return value.split(',').map((member) => member.trim());
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    const character = value[i];
    if (quoted && character === '\\') i++;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      members.push(value.slice(start, i).trim());
      start = i + 1;
    }
  }
  members.push(value.slice(start).trim());
  return members;
}
