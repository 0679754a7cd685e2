// The page docs/configuration.md, made of the configuration's schema and of what overrides it.
import { alternativesOf, type JsonSchema } from '../agent/config/json-schema.ts';
import type { Overriding } from '../agent/config/overrides.ts';

/** The path of the page in the project. */
export const configurationPath = 'docs/configuration.md';

/** The whole page: every key with its type, unit, default and meaning, then environment and flags. */
export function configurationPage(schema: JsonSchema, overridings: readonly Overriding[]): string {
  const sections = Object.entries(schema.properties ?? {});
  return `${[
    '<!-- Made by `npm run docs` from schemas/config.ts: change that, not this. -->',
    '# Configuration',
    opening,
    ...table(sections.filter(([, section]) => !isSection(section))),
    ...sections.flatMap(([name, section]) => sectionPage(name, section)),
    '## Environment and flags',
    'What a variable says comes before the file, and what a flag of `edgehop start` says before both. A variable that is empty counts as not set.',
    rows([
      ['key', 'environment', 'flag'],
      ...overridings.map(({ key, variable, flag }) => [code(key), code(variable), code(flag)]),
    ]),
    'Beside these, `EDGEHOP_HOME` names one folder for configuration, state and cache, and `NO_COLOR` turns colours off.',
    '## While the agent runs',
    whileRunning,
  ].join('\n\n')}\n`;
}

/** Sections whose keys are too many for one table, by the path of each table of its own. */
const ownTables = ['rules[].when', 'rules[].then', 'rules[].then.shape', 'rules[].then.transform'];

/** Said ahead of a table, where its description does not say it all. */
const introductions: Readonly<Record<string, string>> = {
  rules:
    'What rules mean together, and in which order they hold, is told in [rules.md](rules.md); `edgehop rules explain URL` tells it of one request.',
  'rules[].when': '`not` takes the same keys as `when`, but for `not` and `response`.',
};

const opening = `\`edgehop.jsonc\` is JSON with comments and trailing commas. \`edgehop start\` reads the one that \`--config\` names, else the one in the working directory, else the one in the configuration folder (\`$EDGEHOP_HOME\`, else \`~/.config/edgehop\`, on macOS \`~/Library/Application Support/edgehop\`, on Windows \`%LOCALAPPDATA%\\edgehop\`).

Every key has a default, and an empty file is valid. An unknown key, a key that stands twice or a value of the wrong kind stops the start, and is told with its line and column; \`edgehop config validate\` tells the same beforehand. \`edgehop config print\` shows what is in effect, without secrets. \`edgehop config schema > edgehop.schema.json\`, with \`"$schema": "./edgehop.schema.json"\` in the file, lets an editor complete and explain the keys.`;

const whileRunning = `The file is followed. What it says is in force about a second after it was written, at once after SIGHUP, and ends no connection: exchanges and tunnels that go on end by what was in force when they began. What the environment and flags say stays in force over it. Where other destinations are allowed, another embedded edge takes the place of the first, which ends when nothing goes by it any more.

A file that is wrong, half written, empty or gone changes nothing: what was in force before stays so. Its mistakes are told on stderr and by \`GET /v1/config\` of the control port, and \`/ready\` says \`"configuration": "last-good"\`.

\`listen\`, \`parents\`, \`cache\` and \`limits\` are heeded at the start only; the keys in them that have changed are named. SIGHUP ends the agent where it was started in a terminal that has been closed, and on Windows.`;

/** Whether a key has keys below it: a section, a list of sections, or sections by their names. */
function isSection(schema: JsonSchema): boolean {
  return keysBelow(schema, '').length > 0;
}

function sectionPage(name: string, section: JsonSchema): string[] {
  if (!isSection(section)) return [];
  const pages: string[] = [];
  /** A heading, what there is to say, and the keys, but for those that get tables of their own behind it. */
  const add = (path: string, schema: JsonSchema, level: number) => {
    const about = schema.description === undefined ? [] : [`${capitalised(schema.description)}.`];
    const introduction = introductions[path];
    const all = keysIn(schema, path);
    const apart = all.filter(([key]) => ownTables.includes(key));
    pages.push(
      `${'#'.repeat(level)} ${level === 2 ? path : code(path)}`,
      ...about,
      ...(introduction === undefined ? [] : [introduction]),
    );
    pages.push(...table(all));
    for (const [key, each] of apart) add(key, each, 3);
  };
  add(name, section, 2);
  return pages;
}

type Key = readonly [path: string, schema: JsonSchema];

/** The keys below a key: of list members named with `[]`, of sections with names of their own with `.NAME`. */
function keysBelow(schema: JsonSchema, path: string): Key[] {
  const keys = alternativesOf(schema).flatMap(({ properties, items, additionalProperties }): Key[] => {
    if (properties !== undefined) return Object.entries(properties).map(([name, each]) => [`${path}.${name}`, each]);
    if (items !== undefined) return isSection(items) ? keysBelow(items, `${path}[]`) : [];
    return typeof additionalProperties === 'object' ? keysBelow(additionalProperties, `${path}.NAME`) : [];
  });
  const names = [...new Set(keys.map(([name]) => name))];
  return names.map((name) => [name, merged(keys.flatMap(([other, each]) => (other === name ? [each] : [])))]);
}

/** A key that several alternatives have is told once, with what it means in each. */
function merged(schemas: readonly JsonSchema[]): JsonSchema {
  const [first = {}, ...others] = schemas;
  if (others.every((other) => JSON.stringify(other) === JSON.stringify(first))) return first;
  const description = schemas
    .map((each) => `${each.const === undefined ? '' : `${each.const}: `}${each.description ?? ''}`)
    .join('; ');
  return { anyOf: schemas, description };
}

/** All keys of a section with those of the sections below it, but for what has a table of its own, or is said to be as another. */
function keysIn(section: JsonSchema, path: string): Key[] {
  return keysBelow(section, path).flatMap(([key, schema]): Key[] => {
    if (ownTables.includes(key) || key === 'rules[].when.not') return [[key, schema]];
    const isNamedByItsKeys = schema.properties !== undefined && (schema.description ?? schema.default) === undefined;
    const isAlwaysThere = schema.properties !== undefined && schema.default !== undefined;
    return isNamedByItsKeys || isAlwaysThere ? keysIn(schema, key) : [[key, schema], ...keysIn(schema, key)];
  });
}

function table(keys: readonly Key[]): string[] {
  if (keys.length === 0) return [];
  return [
    rows([
      ['key', 'value', 'default', 'meaning'],
      ...keys.map(([path, schema]) => [code(path), kindOf(path, schema), defaultOf(schema), schema.description ?? '']),
    ]),
  ];
}

function kindOf(path: string, schema: JsonSchema): string {
  const { type, items, additionalProperties } = schema;
  if (schema.enum !== undefined) return schema.enum.map((each) => code(String(each))).join(', ');
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.anyOf !== undefined) return alternatives(path, schema);
  if (schema.properties !== undefined) return 'section';
  if (items !== undefined) return isSection(items) ? 'list of sections' : `list of ${plural(kindOf(path, items))}`;
  if (typeof additionalProperties === 'object')
    return isSection(additionalProperties) ? 'sections' : `names, each with ${kindOf(path, additionalProperties)}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'integer' || type === 'number') return `${unitOf(path)}, ${boundsOf(schema)}`;
  if (type === undefined) return 'any JSON';
  return (schema.minLength ?? 0) <= 1 ? 'text' : `text, at least ${schema.minLength} characters`;
}

/** One or a list of them is what most conditions of rules take. */
function alternatives(path: string, schema: JsonSchema): string {
  const all = alternativesOf(schema);
  const kinds = all.filter(({ items }) => items === undefined).map((each) => kindOf(path, each));
  const lists = all.filter(({ items }) => items !== undefined);
  const isOneOrMany = kinds.length > 0 && lists.length > 0;
  const listed = isOneOrMany ? ['a list of these'] : lists.map((each) => kindOf(path, each));
  const distinct = [...new Set([...kinds, ...listed])];
  return distinct.join(distinct.every((kind) => /^`[^`]+`$/.test(kind)) ? ', ' : ', or ');
}

function boundsOf({ type, minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  const least = minimum ?? (type === 'integer' ? (exclusiveMinimum ?? 0) + 1 : 0);
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${maximum}`;
}

function plural(kind: string): string {
  return kind === 'text' ? 'texts' : kind;
}

function unitOf(path: string): string {
  if (path.endsWith('Ms')) return 'milliseconds';
  if (path.endsWith('Bytes')) return 'octets';
  if (path.endsWith('BytesPerSecond')) return 'octets a second';
  if (path.endsWith('Characters')) return 'characters';
  return 'number';
}

function defaultOf({ anyOf, default: value }: JsonSchema): string {
  if (anyOf !== undefined && typeof value === 'object' && !Array.isArray(value)) return 'section';
  return value === undefined ? '' : code(JSON.stringify(value));
}

function rows([head = [], ...body]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}

function code(text: string): string {
  return `\`${text}\``;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
