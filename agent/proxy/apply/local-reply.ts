// A response made of what this machine has: conditions, ranges and HEAD are answered as those of any stored content.

import { type Piece, storedReply } from '../../../http/caching/reply.ts';
import type { CacheRequest } from '../../../http/caching/stored.ts';
import { type Field, FieldNames, type Fields, fieldsWithout } from '../../../http/fields.ts';
import { formatHttpDate } from '../../../http/http-date.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { reasonPhrase } from '../../../http/reason-phrase.ts';
import type { Clock, Content, Outcome, UpstreamResponse } from '../ports.ts';
import type { LocalFile } from './local-file.ts';

export interface ReplyPorts {
  readonly clock: Clock;
  readonly boundary: () => string;
}

/** What every reply says, whatever it is made of. `fields` come before those that a reply has by itself. */
interface Said {
  readonly status: number;
  readonly fields: Fields;
}

/** Replies with octets in memory. */
export function heldReply(
  ports: ReplyPorts,
  request: Pick<CacheRequest, 'method' | 'url' | 'fields'>,
  { status, fields, type, octets }: Said & { readonly type?: string | undefined; readonly octets: Buffer },
): Outcome {
  const own: Field[] = [['Cache-Control', 'no-cache']];
  if (type !== undefined) own.push(['Content-Type', type]);
  return reply(ports, request, { status, fields: merged(own, fields), octets: octets.length }, (pieces) => {
    const held = Buffer.concat(
      pieces.map((piece) =>
        'text' in piece ? Buffer.from(piece.text, 'latin1') : octets.subarray(piece.first, piece.last + 1),
      ),
    );
    return { source: heldContent(held), held };
  });
}

/** Replies with an open file, which is closed when nothing more of it is wanted. */
export function localReply(
  ports: ReplyPorts,
  request: Pick<CacheRequest, 'method' | 'url' | 'fields'>,
  { status, fields, file }: Said & { readonly file: LocalFile },
): Outcome {
  const own: Field[] = [
    ['Cache-Control', 'no-cache'],
    ['Content-Type', file.type],
    ['Last-Modified', formatHttpDate(file.modifiedAt)],
    ['ETag', file.tag],
    ['Accept-Ranges', 'bytes'],
  ];
  let isRead = false;
  const outcome = reply(ports, request, { status, fields: merged(own, fields), octets: file.octets }, (pieces) => {
    isRead = true;
    return { source: file.content(pieces) };
  });
  if (!isRead) file.close();
  return outcome;
}

function reply(
  { clock, boundary }: ReplyPorts,
  { method, url, fields: asked }: Pick<CacheRequest, 'method' | 'url' | 'fields'>,
  { status, fields, octets }: Said & { readonly octets: number },
  contentOf: (pieces: readonly Piece[]) => { readonly source: Content; readonly held?: Buffer },
): Outcome {
  const reason = reasonPhrase(status);
  const now = clock.wallTime(clock.now());
  // RFC 9110 13.2.1 and 14.2: conditions and ranges are for what GET would give, and 200 says.
  const isConditional = status === 200 && (method === 'GET' || method === 'HEAD');
  const stored = { url, selecting: [], status, reason, fields, octets, requestTime: now, responseTime: now };
  const replied = storedReply({ method, url, fields: isConditional ? asked : [] }, stored, 0, boundary());
  if (replied.kind === 'forward') return preconditionFailed();
  const response = { status: replied.status, reason: replied.reason, fields: fieldsWithout(replied.fields, notStored) };
  const { content } = replied;
  if (content.kind === 'none' || hasNoContent(replied.status)) {
    const kept = hasNoContent(replied.status) ? fieldsWithout(response.fields, length) : response.fields;
    return { kind: 'response', response: { ...response, fields: kept, content: { kind: 'none' } } };
  }
  const some: UpstreamResponse['content'] = { kind: 'some', octets: content.octets, ...contentOf(content.pieces) };
  return { kind: 'response', response: { ...response, content: some } };
}

const notStored = new FieldNames(['age']);
const length = new FieldNames(['content-length']);

/** RFC 9110 6.4.1 and 15.3.6. */
function hasNoContent(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** Those of the rule come before those of our own with the same name. */
function merged(own: Fields, given: Fields): Fields {
  const names = new FieldNames(given.map(([name]) => name.toLowerCase()));
  return [...fieldsWithout(own, names), ...given];
}

function heldContent(held: Buffer): Content {
  let isCancelled = false;
  return {
    flow: (sink) => {
      if (held.length > 0) sink.write(held);
      if (!isCancelled) sink.end([]);
    },
    resume: () => undefined,
    cancel: () => {
      isCancelled = true;
    },
  };
}

function preconditionFailed(): Outcome {
  const error = new ProxyError(
    'http_request_denied',
    'What answers here is not what If-Match or If-Unmodified-Since ask for.',
    { status: 412 },
  );
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
