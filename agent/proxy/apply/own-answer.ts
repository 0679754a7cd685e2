// Answers a request that is for edgehop itself with a page made outside the walk: no rule, no name look-up, no cache, no edge.
import type { Fields } from '../../../http/fields.ts';
import { onlyPlainHttp } from '../../../http/own-name.ts';
import type { AcceptedRequest, Ending, Plan } from '../ports.ts';
import { drained } from './drained.ts';
import { heldReply, type ReplyPorts } from './local-reply.ts';

export interface OwnPage {
  readonly status: number;
  /** All of them, but for the length. */
  readonly fields: Fields;
  readonly octets: Buffer;
}

/** What there is for a method and a path. `reachedAt`: where the client has reached the proxy, as host:port. */
export type OwnPages = (asked: {
  readonly method: string;
  readonly path: string;
  readonly reachedAt: string;
}) => OwnPage;

export interface OwnAnswerPorts extends ReplyPorts {
  readonly pages: OwnPages;
}

/** The plan for a request that has come in at `reachedAt`. What little content it has is read first. */
export type OwnAnswer = (request: AcceptedRequest, reachedAt: string) => Plan;

export function createOwnAnswer(ports: OwnAnswerPorts): OwnAnswer {
  return (request, reachedAt) => {
    const { scheme, port, content } = request;
    const answer = (): Ending => {
      if (scheme !== 'http' || port !== httpPort)
        return { kind: 'failed', error: onlyPlainHttp(), source: 'agent', mayRetry: false };
      const { method, path } = request;
      return heldReply(ports, request, ports.pages({ method, path: withoutQuery(path), reachedAt }));
    };
    return { kind: 'answer', ending: content === undefined ? answer() : drained(request).then(answer) };
  };
}

const httpPort = 80;

function withoutQuery(path: string): string {
  return path.replace(/\?.*$/, '');
}
