// What has come back from upstream, before anybody has decided what becomes of it.
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcome } from '../../schemas/cache.ts';
import type { RequestEnvelope, ResponseEnvelope } from '../../schemas/relay.ts';
import type { TransformOutcome } from '../../schemas/transform.ts';
import { type ExchangeContext, failed, type UpstreamFacts } from '../finish/reply.ts';
import type { Keeper, Source } from './pour.ts';

/** What is asked of the origin: what the agent asks, or what a cache makes of it. */
export type Asked = Pick<RequestEnvelope, 'method' | 'fields' | 'headDeadlineMs'>;

export type Exchange = (c: ExchangeContext, asked: Asked) => Promise<Answer>;

type ResponsePart = Extract<ResponseEnvelope, { kind: 'response' }>;

export interface Head extends Pick<ResponsePart, 'status' | 'reason' | 'interim'> {
  readonly fields: Fields;
}

/** What is said otherwise than it came. */
export interface Retold {
  readonly fields: Fields;
  readonly transform?: TransformOutcome | undefined;
}

/** One of `relay`, `drain`, `open` and `discard` is to be called, once. */
export interface AnsweredResponse {
  readonly kind: 'response';
  readonly head: Head;
  /** How many the head announces of content: none at all, or a number that is not known before its end. */
  readonly octets: number | 'none' | undefined;
  readonly facts: UpstreamFacts;
  /** Gives it to the agent. A keeper hears its content on the way. */
  relay(cache?: CacheOutcome, keeper?: Keeper, retold?: Retold): Response | Promise<Response>;
  /** Reads the content for the keeper only, to its end. Never rejects. */
  drain(keeper: Keeper): Promise<void>;
  /** The content, for who makes something else of it. */
  open(): Source;
  /** Ends it. */
  discard(): void;
}

export interface AnsweredFailure {
  readonly kind: 'failed';
  readonly error: ProxyError;
  readonly facts: UpstreamFacts;
  /** The platform's name for an internal error. */
  readonly reference?: string | undefined;
}

export type Answer = AnsweredResponse | AnsweredFailure;

/** Head and facts of an answer, said otherwise where something is. */
export function toldOf<H extends Head>(head: H, facts: UpstreamFacts, cache?: CacheOutcome, retold?: Retold) {
  if (retold === undefined) return { head, facts: { ...facts, cache } };
  const { fields, transform } = retold;
  return { head: { ...head, fields }, facts: { ...facts, cache, transform } };
}

/** Gives an answer to the agent as it is. */
export function relayed(c: ExchangeContext, answer: Answer, cache?: CacheOutcome): Response | Promise<Response> {
  if (answer.kind === 'response') return answer.relay(cache);
  const { error, facts, reference } = answer;
  return failed(c, error, { ...facts, ...(cache !== undefined && { cache }) }, reference);
}
