// Answers that a rule gives in the place of an origin: a block, a response of our own, a redirect.
import { isValidField } from '../../../http/fields.ts';
import type { AnswerAction, Chosen } from '../../../http/plan/plan.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { BlockAction, RedirectStatus, RespondAction } from '../../../schemas/rule.ts';
import type { AcceptedRequest, Clock, Ending } from '../ports.ts';
import { fileOf } from './local-path.ts';
import { heldReply, localReply } from './local-reply.ts';

export interface AnswerPorts {
  readonly clock: Clock;
  /** The folder from which paths of the configuration count. */
  readonly folder: string;
  /** What parts several ranges of one content: 1 to 70 letters and digits that nobody can foresee. */
  readonly boundary: () => string;
}

/** Answers a request as the rule says. At once, unless a file has to be read. */
export type AnswerOf = (
  chosen: Chosen<AnswerAction>,
  request: Pick<AcceptedRequest, 'method' | 'url' | 'fields'>,
) => Ending | Promise<Ending>;

export function createAnswers(ports: AnswerPorts): AnswerOf {
  return ({ rule, action }, request) => {
    switch (action.kind) {
      case 'block':
        return blocked(rule, action.block);
      case 'redirect':
        return redirected(ports, rule, action.location, action.status, request);
      case 'respond':
        return responded(ports, rule, action.respond, request);
      case 'failed':
        return failed(action.error);
    }
  };
}

/** The block of a rule as an error: its page names the rule, whatever its message is. */
export function blockError(rule: string, block: BlockAction): ProxyError {
  const advice = `To change this, edit the rule "${rule}" in edgehop.jsonc.`;
  if (block === 'drop') return new ProxyError('http_request_denied', `The rule "${rule}" drops this.`, { advice });
  const message = block.message ?? `The rule "${rule}" blocks this.`;
  return new ProxyError('http_request_denied', message, { status: block.status, advice });
}

function blocked(rule: string, block: BlockAction): Ending {
  const error = blockError(rule, block);
  return block === 'drop' ? { kind: 'dropped', error } : failed(error);
}

/** A browser would keep some redirects for good, and the rule may be another one tomorrow. */
function redirected(
  ports: AnswerPorts,
  rule: string,
  location: string,
  status: RedirectStatus,
  request: Parameters<AnswerOf>[1],
): Ending {
  if (!isValidField(['Location', location])) {
    const message = `The rule "${rule}" redirects to what is no URL.`;
    return failed(new ProxyError('proxy_configuration_error', message));
  }
  const fields = [
    ['Location', location],
    ['Cache-Control', 'no-store'],
  ] as const;
  return heldReply(ports, request, { status, fields, octets: Buffer.alloc(0) });
}

function responded(
  ports: AnswerPorts,
  rule: string,
  respond: RespondAction,
  request: Parameters<AnswerOf>[1],
): Ending | Promise<Ending> {
  const { status, fields: given, text, json, file, folder } = respond;
  const fields = Object.entries(given);
  if (file !== undefined || folder !== undefined) {
    return fileOf(ports.folder, rule, respond, request.url).then((found) => {
      if (found.kind === 'failed') return failed(found.error);
      if (found.kind === 'redirect') return redirected(ports, rule, found.location, 302, request);
      return localReply(ports, request, { status, fields, file: found.file });
    });
  }
  if (json !== undefined) {
    return heldReply(ports, request, {
      status,
      fields,
      type: 'application/json',
      octets: Buffer.from(JSON.stringify(json)),
    });
  }
  const type = text === undefined ? undefined : 'text/plain; charset=utf-8';
  return heldReply(ports, request, { status, fields, type, octets: Buffer.from(text ?? '') });
}

function failed(error: ProxyError): Ending {
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
