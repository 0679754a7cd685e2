// Follows redirects that rules make, to see whether they end.
import { ProxyError } from '../proxy-error.ts';
import { parseRequestTarget } from '../request-target.ts';
import type { ExchangeRequest } from './facts.ts';
import type { AnswerAction, Chosen } from './plan.ts';

/** Redirects that one request is followed through. Browsers give up after 20. */
export const maxRedirects = 8;

export type Redirect = Chosen<Extract<AnswerAction, { kind: 'redirect' }>>;

/**
 * The error of a redirect after which rules redirect on and on: back to where it began, or further than `maxRedirects`.
 * `redirectAt` says how rules redirect a request at once, if they do. Nothing where they come to an end.
 */
export function circleOf(
  request: ExchangeRequest,
  redirect: Redirect,
  redirectAt: (request: ExchangeRequest) => Redirect | undefined,
): ProxyError | undefined {
  const seen = new Set([stepOf(request)]);
  const rules = new Set<string>();
  let next: Redirect | undefined = redirect;
  let from = request;
  for (let steps = 0; steps < maxRedirects; steps++) {
    rules.add(next.rule);
    const followed = requestAfter(from, next);
    if (followed === undefined) return undefined;
    if (seen.has(stepOf(followed))) return circular([...rules], 'lead in a circle');
    seen.add(stepOf(followed));
    from = followed;
    next = redirectAt(from);
    if (next === undefined) return undefined;
  }
  return circular([...rules], 'do not come to an end');
}

function stepOf({ method, url }: ExchangeRequest): string {
  return `${method} ${url}`;
}

/** The request that a client makes when it is redirected. RFC 9110 15.4. */
function requestAfter(request: ExchangeRequest, { action }: Redirect): ExchangeRequest | undefined {
  const target = parseRequestTarget('GET', action.location);
  if (target.kind !== 'absolute') return undefined;
  const { url, scheme, host, port, path } = target;
  const becomesGet =
    (action.status === 303 && request.method !== 'HEAD') ||
    ((action.status === 301 || action.status === 302) && request.method === 'POST');
  return { ...request, method: becomesGet ? 'GET' : request.method, url, scheme, host, port, path };
}

function circular(rules: readonly string[], how: string): ProxyError {
  const named = rules.map((rule) => `"${rule}"`).join(' and ');
  const whose = rules.length === 1 ? `The redirects of the rule ${named}` : `The redirects of the rules ${named}`;
  return new ProxyError('proxy_loop_detected', `${whose} ${how}.`, {
    advice: 'Give a rule a condition that its own target does not fulfil, such as "scheme": "http".',
  });
}
