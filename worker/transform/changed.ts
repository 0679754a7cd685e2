// Makes of an answer what a transform says: content, fields, and what is told of it.
import type { Transform, TransformOutcome } from '../../schemas/transform.ts';
import type { Answer, AnsweredResponse, Asked } from '../exchange/answer.ts';
import { type Source, wholeSource } from '../exchange/pour.ts';
import type { ExchangeContext } from '../finish/reply.ts';
import { allowedInFields, hashSource, type InjectedHashes } from './csp.ts';
import { changedFields, changedTrailers, withVary } from './fields.ts';
import { gathered } from './gathered.ts';
import { rewritten } from './html.ts';
import { imaged, maxImageBytes } from './image.ts';
import { remade, retold } from './remade.ts';
import { replaced } from './replacing.ts';
import { compressed, decompressed } from './through.ts';
import { partsOf, type TextTreatment, type Treatment, tooLargeToReplace } from './treatment.ts';

export interface ChosenTransform {
  readonly rule: string;
  readonly transform: Transform;
  /** Tells it apart from others. */
  readonly id: string;
  readonly treatment: Treatment;
}

/** Never rejects. An answer without content gets the fields that it would have with it. */
export async function changed(
  c: ExchangeContext,
  asked: Pick<Asked, 'method'>,
  answer: AnsweredResponse,
  by: ChosenTransform,
): Promise<Answer> {
  const { treatment } = by;
  if (treatment.kind === 'pass') return passed(answer, by, treatment.because);
  if (asked.method === 'HEAD' || answer.octets === 'none') return onlyHead(answer, by);
  return treatment.kind === 'image' ? changedImage(c, answer, by, treatment) : changedText(c, answer, by, treatment);
}

function passed(answer: AnsweredResponse, { rule, treatment: { varies } }: ChosenTransform, because: string) {
  return retold(answer, {
    fields: withVary(answer.head.fields, varies),
    transform: { rule, applied: [], skipped: because },
  });
}

/** RFC 9110 9.3.2: what GET would say. */
async function onlyHead(answer: AnsweredResponse, by: ChosenTransform): Promise<AnsweredResponse> {
  const { rule, transform, id, treatment } = by;
  if (treatment.kind === 'pass') return answer;
  const hashes = treatment.kind === 'text' && treatment.html ? await hashesOf(transform) : {};
  const change =
    treatment.kind === 'image'
      ? ({ coding: 'identity', type: treatment.to, varies: treatment.varies } as const)
      : { coding: treatment.to, varies: treatment.varies };
  const fields = changedFields(allowedInFields(answer.head.fields, hashes), { transformId: id, ...change });
  return retold(answer, { fields, transform: { rule, applied: [], skipped: 'there is no content' } });
}

async function hashesOf({ inject: { script, style } = { at: 'head' } }: Transform): Promise<InjectedHashes> {
  return {
    ...(script !== undefined && { script: await hashSource(script) }),
    ...(style !== undefined && { style: await hashSource(style) }),
  };
}

/** A source that says how much has come out of it. */
function counted(source: Source): { readonly source: Source; readonly octets: () => number } {
  let octets = 0;
  return {
    octets: () => octets,
    source: {
      next: async () => {
        const piece = await source.next();
        if (piece.kind === 'octets') octets += piece.octets.length;
        return piece.kind === 'end' ? { kind: 'end', trailers: changedTrailers(piece.trailers) } : piece;
      },
      cancel: source.cancel,
    },
  };
}

async function changedText(
  c: ExchangeContext,
  answer: AnsweredResponse,
  { rule, transform, id, treatment: { varies } }: ChosenTransform,
  treatment: TextTreatment,
): Promise<Answer> {
  const reasons = treatment.skipped === undefined ? [] : [treatment.skipped];
  const { source, octets: octetsBefore } = counted(answer.open());
  let content = treatment.from === 'gzip' ? decompressed(source) : source;
  let hashes: InjectedHashes = {};
  let { html, replace } = treatment;
  if (html) {
    hashes = await hashesOf(transform);
    const rewriting = rewritten(content, transform, treatment.type, hashes);
    if (rewriting.kind === 'rewritten') content = rewriting.source;
    else {
      reasons.push(rewriting.because);
      html = false;
      hashes = {};
    }
  }
  if (replace) {
    const { replace: replacements = [], maxReplaceBytes } = transform;
    const isKnownToFit = treatment.from === 'identity' && typeof answer.octets === 'number';
    const held = isKnownToFit ? undefined : await gathered(content, maxReplaceBytes);
    if (held?.kind === 'failed') {
      content.cancel();
      return { kind: 'failed', error: held.error, facts: answer.facts };
    }
    if (held?.kind === 'more') {
      content = held.source;
      replace = false;
      reasons.push(tooLargeToReplace(maxReplaceBytes));
    } else content = replaced(held === undefined ? content : wholeSource(held.octets, held.trailers), replacements);
  }
  if (treatment.to === 'gzip') content = compressed(content);
  const applied = partsOf({ ...treatment, html, replace }, transform);
  const outcome: TransformOutcome = {
    rule,
    applied,
    ...(reasons.length > 0 && { skipped: reasons.join('; ').slice(0, 256) }),
  };
  const isSame = applied.length === 0 && treatment.from === 'identity' && treatment.to === 'identity';
  const fields = isSame
    ? withVary(answer.head.fields, varies)
    : changedFields(allowedInFields(answer.head.fields, hashes), { transformId: id, coding: treatment.to, varies });
  const octets = isSame && typeof answer.octets === 'number' ? answer.octets : undefined;
  return remade(c, answer, { fields, source: content, octets, octetsBefore, transform: outcome });
}

async function changedImage(
  c: ExchangeContext,
  answer: AnsweredResponse,
  by: ChosenTransform,
  treatment: Extract<Treatment, { kind: 'image' }>,
): Promise<Answer> {
  const { rule, transform, id } = by;
  const { varies, type: from, to, isFormatAsked } = treatment;
  const tooLarge = `it has more octets than can be held (${maxImageBytes} at most)`;
  if (typeof answer.octets === 'number' && answer.octets > maxImageBytes) return passed(answer, by, tooLarge);
  const held = await gathered(answer.open(), maxImageBytes);
  if (held.kind === 'failed') return { kind: 'failed', error: held.error, facts: answer.facts };
  const unchanged = (source: Source, octets: number | undefined, skipped: string) =>
    remade(c, answer, {
      fields: withVary(answer.head.fields, varies),
      source,
      octets,
      octetsBefore: undefined,
      transform: { rule, applied: [], skipped },
    });
  if (held.kind === 'more') return unchanged(held.source, undefined, tooLarge);
  const { octets: before, trailers } = held;
  const known = trailers.length === 0 ? before.length : undefined;
  if (before.length === 0) return unchanged(wholeSource(before, trailers), known, 'there is no content');
  const image = transform.image ?? {};
  const made = await imaged(c.env.IMAGES, before, { image, from, to, isFormatAsked });
  if (made.kind === 'unchanged') return unchanged(wholeSource(before, trailers), known, made.because);
  return remade(c, answer, {
    fields: changedFields(answer.head.fields, { transformId: id, coding: 'identity', type: to, varies }),
    source: wholeSource(made.octets),
    octets: made.octets.length,
    octetsBefore: undefined,
    transform: { rule, applied: ['image'], octets: { before: before.length, after: made.octets.length } },
  });
}
