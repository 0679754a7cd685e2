// What has come back from upstream, before anybody has decided what becomes of it.
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcome } from '../../schemas/cache.ts';
import type { RequestEnvelope, ResponseEnvelope } from '../../schemas/relay.ts';
import { type ExchangeContext, failed, type UpstreamFacts } from '../finish/reply.ts';
import type { Keeper } from './pour.ts';

/** What is asked of the origin: what the agent asks, or what a cache makes of it. */
export type Asked = Pick<RequestEnvelope, 'method' | 'fields' | 'headDeadlineMs'>;

export type Exchange = (c: ExchangeContext, asked: Asked) => Promise<Answer>;

type ResponsePart = Extract<ResponseEnvelope, { kind: 'response' }>;

export interface Head extends Pick<ResponsePart, 'status' | 'reason' | 'interim'> {
  readonly fields: Fields;
}

/** One of `relay`, `drain` and `discard` is to be called, once. */
export interface AnsweredResponse {
  readonly kind: 'response';
  readonly head: Head;
  /** How many the head announces of content: none at all, or a number that is not known before its end. */
  readonly octets: number | 'none' | undefined;
  readonly facts: UpstreamFacts;
  /** Gives it to the agent. A keeper hears its content on the way. */
  relay(cache?: CacheOutcome, keeper?: Keeper): Response | Promise<Response>;
  /** Reads the content for the keeper only, to its end. Never rejects. */
  drain(keeper: Keeper): Promise<void>;
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

/** Gives an answer to the agent as it is. */
export function relayed(c: ExchangeContext, answer: Answer, cache?: CacheOutcome): Response | Promise<Response> {
  if (answer.kind === 'response') return answer.relay(cache);
  const { error, facts, reference } = answer;
  return failed(c, error, { ...facts, ...(cache !== undefined && { cache }) }, reference);
}
