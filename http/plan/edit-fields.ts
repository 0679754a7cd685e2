// Makes the changes of fields that rules ask for.
import type { FieldEdits } from '../../schemas/rule.ts';
import type { Field, Fields } from '../fields.ts';
import { compilePattern } from './pattern.ts';
import type { Chosen, FieldEdit } from './plan.ts';

/** The edits of one rule in the order in which they are made: remove, shorten, cookies, set, add. */
export function editsOf({ remove, shorten, removeCookies, set, add }: FieldEdits): readonly FieldEdit[] {
  const named = (kind: 'set' | 'add', values: Readonly<Record<string, string>> = {}) =>
    Object.entries(values).map(([name, value]): FieldEdit => ({ kind, name: name.toLowerCase(), value }));
  return [
    ...(remove ?? []).map((name): FieldEdit => ({ kind: 'remove', name: name.toLowerCase() })),
    ...(shorten ?? []).map((name): FieldEdit => ({ kind: 'shorten', name })),
    ...(removeCookies === undefined
      ? []
      : [{ kind: 'remove-cookies', name: 'cookie', cookies: removeCookies } as const]),
    ...named('set', set),
    ...named('add', add),
  ];
}

/** The fields with the edits made, one after the other. What no edit names stays as it is and where it is. */
export function editedFields(fields: Fields, edits: readonly Chosen<FieldEdit>[]): Field[] {
  let edited: Field[] = [...fields];
  for (const { action } of edits) edited = edit(edited, action);
  return edited;
}

function edit(fields: Field[], action: FieldEdit): Field[] {
  const isNamed = ([name]: Field) => name.length === action.name.length && name.toLowerCase() === action.name;
  switch (action.kind) {
    case 'add':
      return [...fields, [action.name, action.value]];
    case 'remove':
      return fields.filter((field) => !isNamed(field));
    case 'set': {
      const first = fields.findIndex(isNamed);
      if (first < 0) return [...fields, [action.name, action.value]];
      // In the place and the spelling of the first line: some servers look at both.
      return fields.flatMap((field, at): Field[] =>
        at === first ? [[field[0], action.value]] : isNamed(field) ? [] : [field],
      );
    }
    case 'shorten': {
      const shortened = action.name === 'referer' ? originOfReferer : programOfUserAgent;
      return fields.flatMap((field) => (isNamed(field) ? withValue(field, shortened(field[1])) : [field]));
    }
    case 'remove-cookies': {
      const patterns = action.cookies.map(compilePattern);
      const isKept = (pair: string) => !patterns.some((pattern) => pattern.matches(cookieName(pair)));
      return fields.flatMap((field) =>
        isNamed(field) ? withValue(field, field[1].split(';').filter(isKept).join(';').trim()) : [field],
      );
    }
  }
}

/** A field that is left without a value goes away. */
function withValue([name]: Field, value: string): Field[] {
  return value === '' ? [] : [[name, value]];
}

/** RFC 6265 5.4. */
function cookieName(pair: string): string {
  return (pair.split('=', 1)[0] as string).trim();
}

/** The origin with a slash, as `Referrer-Policy: origin` sends it; nothing of what is no http or https URL. */
function originOfReferer(referer: string): string {
  const url = URL.canParse(referer) ? new URL(referer) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? `${url.protocol}//${url.host}/` : '';
}

/**
 * The product that people would name, with the first number of its version: `Firefox/140.0.1` becomes `Firefox/140`, and of
 * the many that browsers claim to be, the one they are.
 */
function programOfUserAgent(userAgent: string): string {
  const products = [...withoutComments(userAgent).matchAll(/([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\/([^\s;,]*))?/g)];
  const named = (name: string) => products.find(([, product]) => product === name);
  const own = ['Edg', 'OPR', 'Firefox', 'Chrome'].map(named).find((product) => product !== undefined);
  const safari = named('Safari') === undefined ? undefined : named('Version');
  const [, name = '', version] = own ?? products[0] ?? [];
  if (own === undefined && safari !== undefined) return `Safari/${majorOf(safari[2] ?? '')}`;
  return version === undefined ? name : `${name}/${majorOf(version)}`;
}

function withoutComments(text: string): string {
  let depth = 0;
  let kept = '';
  for (const character of text) {
    if (character === '(') depth++;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) kept += character;
  }
  return kept;
}

function majorOf(version: string): string {
  return version.split('.', 1)[0] as string;
}
