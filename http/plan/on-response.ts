// Which of the actions that wait for a response are taken once its head is there. The same function in both halves.
import type { ResponseConditions } from '../../schemas/rule.ts';
import { type Fields, fieldValues, onlyValue } from '../fields.ts';
import { remembered } from '../remembered.ts';
import { compilePattern } from './pattern.ts';
import type { Chosen, FieldEdit, OnResponse } from './plan.ts';

export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
}

/** The first action whose conditions on the response hold; nothing where none does. */
export function chosen<A>(candidates: OnResponse<A> | undefined, head: ResponseHead): Chosen<A> | undefined {
  if (candidates === undefined) return undefined;
  for (const candidate of candidates) if (holdsForResponse(candidate.when, head)) return candidate;
  return undefined;
}

/** The action that is taken whatever the response is, where no earlier one is: what can be heeded before there is a response. */
export function beforeResponse<A>(candidates: OnResponse<A> | undefined): Chosen<A> | undefined {
  return candidates?.find(({ when }) => when === undefined);
}

/** The action that is taken whatever the response is, with none before it that a response could call for. */
export function certain<A>(candidates: OnResponse<A> | undefined): Chosen<A> | undefined {
  const first = candidates?.[0];
  return first?.when === undefined ? first : undefined;
}

/** Of all edits whose conditions hold, for each name those of the first rule that names it, in the order of the rules. */
export function editsFor(
  candidates: OnResponse<readonly FieldEdit[]> | undefined,
  head: ResponseHead,
): readonly Chosen<FieldEdit>[] {
  if (candidates === undefined) return [];
  return firstByName(candidates.filter(({ when }) => holdsForResponse(when, head)));
}

/** For each name the edits of the first rule that names it. A rule may have several edits of one name. */
export function firstByName(rules: readonly Chosen<readonly FieldEdit[]>[]): Chosen<FieldEdit>[] {
  const taken = new Set<string>();
  const edits: Chosen<FieldEdit>[] = [];
  for (const { rule, action } of rules) {
    const own = action.filter(({ name }) => !taken.has(name));
    for (const edit of own) edits.push({ rule, action: edit });
    for (const { name } of own) taken.add(name);
  }
  return edits;
}

/** Whether all conditions on a response hold. Without conditions they do. */
export function holdsForResponse(when: ResponseConditions | undefined, head: ResponseHead): boolean {
  return when === undefined || failingCondition(when, head) === undefined;
}

/** The key of the first condition that does not hold. */
export function failingCondition(
  { status, type, size }: ResponseConditions,
  head: ResponseHead,
): keyof ResponseConditions | undefined {
  if (status !== undefined && !status.some((each) => isStatus(each, head.status))) return 'status';
  if (type !== undefined && !isOfType(type, head.fields)) return 'type';
  return size === undefined || isOfSize(size, head.fields) ? undefined : 'size';
}

/** `wanted` is a number, a class such as `5xx`, or a range such as `500-504`, both ends included. */
function isStatus(wanted: number | string, status: number): boolean {
  if (typeof wanted === 'number') return status === wanted;
  if (wanted.endsWith('xx')) return Math.floor(status / 100) === Number(wanted[0]);
  const [first, last] = wanted.split('-').map(Number) as [number, number];
  return status >= first && status <= last;
}

const maxRemembered = 1_024;
const mediaTypePattern = remembered(maxRemembered, (text) => compilePattern(text.toLowerCase()));

/** Media types are the same in any case, and their parameters do not count. RFC 9110 8.3.1. */
function isOfType(patterns: readonly string[], fields: Fields): boolean {
  const [first] = fieldValues(fields, 'content-type');
  if (first === undefined) return false;
  const type = (first.split(';', 1)[0] as string).trim().toLowerCase();
  return patterns.some((pattern) => mediaTypePattern(pattern).matches(type));
}

function isOfSize({ minBytes, maxBytes }: NonNullable<ResponseConditions['size']>, fields: Fields): boolean {
  const length = onlyValue(fields, 'content-length');
  if (length === undefined || !/^\d{1,15}$/.test(length)) return false;
  return Number(length) >= (minBytes ?? 0) && Number(length) <= (maxBytes ?? Number.POSITIVE_INFINITY);
}
