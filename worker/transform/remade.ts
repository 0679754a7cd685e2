// An answer whose content, or whose fields, are not those that came.
import type { Fields } from '../../http/fields.ts';
import type { TransformOutcome } from '../../schemas/transform.ts';
import { type AnsweredResponse, type Retold, toldOf } from '../exchange/answer.ts';
import { createMark, endingOf } from '../exchange/marked.ts';
import { drain, pour, type Source } from '../exchange/pour.ts';
import { inBackground } from '../finish/background.ts';
import { type ExchangeContext, responded } from '../finish/reply.ts';

/** The same answer with other fields, or with what became of a transform. */
export function retold(answer: AnsweredResponse, changes: Retold): AnsweredResponse {
  return {
    ...answer,
    head: { ...answer.head, fields: changes.fields },
    facts: { ...answer.facts, transform: changes.transform },
    relay: (cache, keeper, later = changes) => answer.relay(cache, keeper, later),
  };
}

export interface Remaking {
  readonly fields: Fields;
  readonly source: Source;
  /** Of the content, where that is known. */
  readonly octets: number | undefined;
  /** Of the origin's that it was made of, so far. */
  readonly octetsBefore: (() => number) | undefined;
  readonly transform: TransformOutcome;
}

/** An answer with another content, whose own has been opened. */
export function remade(c: ExchangeContext, answer: AnsweredResponse, remaking: Remaking): AnsweredResponse {
  const { fields, source, octets, octetsBefore, transform } = remaking;
  const head = { ...answer.head, fields };
  const facts = { ...answer.facts, transform };
  return {
    kind: 'response',
    head,
    octets,
    facts,
    relay: (cache, keeper, changes) => {
      const told = toldOf(head, facts, cache, changes);
      const mark = octets === undefined ? createMark() : undefined;
      const { readable, writable } =
        octets === undefined ? new IdentityTransformStream() : new FixedLengthStream(octets);
      const poured = pour({ source, writable, mark, keeper, octets, octetsBefore });
      if (keeper !== undefined) inBackground(c, poured);
      return responded(c, { ...told.head, content: endingOf(octets, mark) }, readable, told.facts);
    },
    drain: (keeper) => drain(source, keeper),
    open: () => source,
    discard: source.cancel,
  };
}
