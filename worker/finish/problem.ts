// Answers that are no exchange: RFC 9457 problem details.
import { reasonPhrase } from '../../http/reason-phrase.ts';

export interface ProblemDetails {
  readonly advice?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

/** A problem with a sentence and, where there is one, what to do next. It never echoes anything of the request. */
export function problem(status: number, detail: string, { advice, fields }: ProblemDetails = {}): Response {
  const body = { type: 'about:blank', title: reasonPhrase(status), status, detail, ...(advice && { advice }) };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...fields },
  });
}
