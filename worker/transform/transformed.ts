// Changes responses as rules ask for it, between the cache and the exchange: what is stored is what was changed.
import { overriddenFields } from '../../http/caching/overridden.ts';
import { parseContentRange } from '../../http/caching/range.ts';
import { type Field, FieldNames, type Fields, fieldsWithout, onlyValue } from '../../http/fields.ts';
import { parseContentLength } from '../../http/framing.ts';
import { chosen } from '../../http/plan/on-response.ts';
import type { OnResponse } from '../../http/plan/plan.ts';
import type { EdgePlan } from '../../schemas/relay.ts';
import type { Transform } from '../../schemas/transform.ts';
import { clock } from '../clock.ts';
import type { Answer, AnsweredResponse, Asked, Exchange, Head } from '../exchange/answer.ts';
import type { ExchangeContext } from '../finish/reply.ts';
import { type ChosenTransform, changed } from './changed.ts';
import { withVary } from './fields.ts';
import { retold } from './remade.ts';
import { ledBack, notModifiedFields, transformId } from './tags.ts';
import { acceptsGzip, treatmentOf } from './treatment.ts';

/** An exchange whose responses are what the plan in the envelope makes of them. Without a plan it is the exchange itself. */
export const transformed =
  (exchange: Exchange): Exchange =>
  async (c, asked) => {
    const { plan } = c.get('envelope');
    if (plan === undefined) return exchange(c, asked);
    const requestTime = clock.now();
    if (plan.transform === undefined) return withFreshness(await exchange(c, asked), plan, requestTime);
    const ids = await Promise.all(plan.transform.map(({ action }) => transformId(action)));
    const led = ledBack(asked.fields, ids);
    const sent = { ...asked, fields: readableFields(led.fields, plan.transform) };
    let answer = withFreshness(await exchange(c, sent), plan, requestTime);
    if (answer.kind === 'response' && answer.head.status === 304) {
      const fields = notModifiedFields(answer.head.fields, led.tags);
      return fields === undefined ? answer : retold(answer, { fields: withVary(fields, variedBy(plan.transform)) });
    }
    let by = choose(c, sent, answer, plan.transform, ids);
    if (by !== undefined && by.treatment.kind !== 'pass' && answer.kind === 'response' && answer.head.status === 206) {
      // A part of what would be changed is none of what the client gets of it: the whole is asked for in its place.
      answer.discard();
      const whole = { ...sent, fields: fieldsWithout(sent.fields, rangeNames) };
      answer = withFreshness(await exchange(c, whole), plan, requestTime);
      by = choose(c, whole, answer, plan.transform, ids);
    }
    if (by === undefined || answer.kind === 'failed') return answer;
    return changed(c, asked, answer, by);
  };

const rangeNames = new FieldNames(['range', 'if-range']);
const acceptEncoding = new FieldNames(['accept-encoding']);

/** Asks for content in a coding that can be undone here, where something is to be changed in it, and that the client takes. */
function readableFields(fields: Fields, candidates: OnResponse<Transform>): Fields {
  const isEdited = candidates.some(({ action: { html, inject, replace } }) => html ?? inject ?? replace);
  if (!isEdited) return fields;
  return [...fieldsWithout(fields, acceptEncoding), ['Accept-Encoding', acceptsGzip(fields) ? 'gzip' : 'identity']];
}

/** Request fields that may have had a part in what a 304 is about: its head does not say what that was. */
function variedBy(candidates: OnResponse<Transform>): readonly string[] {
  const isByAccept = candidates.some(({ action: { image } }) => image?.format === 'auto');
  const isByCoding = candidates.some(
    ({ action: { html, inject, replace, compress } }) => html ?? inject ?? replace ?? compress,
  );
  return [...(isByAccept ? ['Accept'] : []), ...(isByCoding ? ['Accept-Encoding'] : [])];
}

/** The transform that a response takes, judged as the whole that a part is of. */
function choose(
  c: ExchangeContext,
  asked: Asked,
  answer: Answer,
  candidates: OnResponse<Transform>,
  ids: readonly string[],
): ChosenTransform | undefined {
  if (answer.kind === 'failed') return undefined;
  const head = wholeOf(c, asked, answer.head) ?? answer.head;
  const found = chosen(candidates, head);
  const id = ids[candidates.findIndex(({ action }) => action === found?.action)];
  if (found === undefined || id === undefined) return undefined;
  const { rule, action: transform } = found;
  const length = onlyValue(head.fields, 'content-length');
  const octets = length === undefined ? undefined : parseContentLength(length);
  const treatment = treatmentOf(transform, c.get('envelope'), head, octets);
  const isUnbound = treatment.kind === 'image' && c.env.IMAGES === undefined;
  return { rule, transform, id, treatment: isUnbound ? { ...treatment, ...unbound } : treatment };
}

const unbound = { kind: 'pass', because: 'the edge has no Images binding' } as const;

/** The head that the whole would have, of which this is one part; nothing where it cannot be asked for. */
function wholeOf(
  c: ExchangeContext,
  { method }: Asked,
  { status, fields }: Head,
): Pick<Head, 'status' | 'fields'> | undefined {
  if (status !== 206 || method !== 'GET' || c.get('envelope').content) return undefined;
  const range = parseContentRange(onlyValue(fields, 'content-range') ?? '');
  if (range?.kind !== 'satisfied') return undefined;
  const rest: Field[] = fieldsWithout(fields, partNames);
  if (range.completeOctets !== undefined) rest.push(['Content-Length', String(range.completeOctets)]);
  return { status: 200, fields: rest };
}

const partNames = new FieldNames(['content-range', 'content-length']);

/** With the freshness that a rule says in the place of the origin's. */
function withFreshness(answer: Answer, { freshnessSeconds }: EdgePlan, requestTime: number): Answer {
  if (answer.kind === 'failed') return answer;
  const found = chosen(freshnessSeconds, answer.head);
  if (found === undefined) return answer;
  const response = { ...answer.head, requestTime, responseTime: clock.now() };
  const fields = overriddenFields(response, found.action);
  return fields === undefined ? answer : retold(answer as AnsweredResponse, { fields });
}
