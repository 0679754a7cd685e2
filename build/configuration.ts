// The page docs/configuration.md, made of the configuration's schema and of what overrides it.
import { type JsonSchema, propertiesOf } from '../agent/config/json-schema.ts';
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
    ...table(sections.filter(([, { properties }]) => properties === undefined)),
    ...sections.flatMap(([name, section]) => sectionPage(name, section)),
    '## Environment and flags',
    'What a variable says comes before the file, and what a flag of `edgehop start` says before both. A variable that is empty counts as not set.',
    rows([
      ['key', 'environment', 'flag'],
      ...overridings.map(({ key, variable, flag }) => [code(key), code(variable), code(flag)]),
    ]),
    'Beside these, `EDGEHOP_HOME` names one folder for configuration, state and cache, and `NO_COLOR` turns colours off.',
  ].join('\n\n')}\n`;
}

const opening = `\`edgehop.jsonc\` is JSON with comments and trailing commas. \`edgehop start\` reads the one that \`--config\` names, else the one in the working directory, else the one in the configuration folder (\`$EDGEHOP_HOME\`, else \`~/.config/edgehop\`, on macOS \`~/Library/Application Support/edgehop\`, on Windows \`%LOCALAPPDATA%\\edgehop\`).

Every key has a default, and an empty file is valid. An unknown key, a key that stands twice or a value of the wrong kind stops the start, and is told with its line and column; \`edgehop config validate\` tells the same beforehand. \`edgehop config print\` shows what is in effect, without secrets. \`edgehop config schema > edgehop.schema.json\`, with \`"$schema": "./edgehop.schema.json"\` in the file, lets an editor complete and explain the keys.`;

function sectionPage(name: string, section: JsonSchema): string[] {
  if (section.properties === undefined) return [];
  const about = section.description === undefined ? [] : [`${capitalised(section.description)}.`];
  return [`## ${name}`, ...about, ...table(keysIn(section.properties, name))];
}

type Key = readonly [path: string, schema: JsonSchema];

/** The keys of a section with those of the sections below it; those of a list's members are named with `[]`. */
function keysIn(properties: Readonly<Record<string, JsonSchema>>, path: string): Key[] {
  return Object.entries(properties).flatMap(([name, schema]): Key[] => {
    const here = `${path}.${name}`;
    if (schema.properties !== undefined) return keysIn(schema.properties, here);
    if (schema.anyOf !== undefined) return [[here, schema], ...keysIn(propertiesOf(schema) ?? {}, here)];
    return [[here, schema], ...keysIn(schema.items?.properties ?? {}, `${here}[]`)];
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
  if (schema.enum !== undefined) return schema.enum.map((each) => code(String(each))).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map((each) => alternative(path, each)).join(', or ');
  if (schema.type === 'array') return schema.items?.properties === undefined ? 'list of texts' : 'list of sections';
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type !== 'integer')
    return schema.minLength === undefined ? 'text' : `text, at least ${schema.minLength} characters`;
  const least = schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1;
  const most =
    schema.maximum === undefined || schema.maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${schema.maximum}`;
  return `${unitOf(path)}, ${least}${most === '' ? ' or more' : most}`;
}

function alternative(path: string, schema: JsonSchema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  return schema.properties === undefined ? kindOf(path, schema) : 'section';
}

function unitOf(path: string): string {
  if (path.endsWith('Ms')) return 'milliseconds';
  if (path.endsWith('Bytes')) return 'octets';
  if (path.endsWith('Characters')) return 'characters';
  return 'number';
}

function defaultOf({ anyOf, default: value }: JsonSchema): string {
  if (anyOf !== undefined && typeof value === 'object') return 'section';
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
