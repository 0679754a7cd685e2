// An error as a client gets it: a short page for a person's browser, problem details for everything else.

import type { Socket } from 'node:net';
import type { Field } from '../../../http/fields.ts';
import type { ProxyError } from '../../../http/proxy-error.ts';
import { proxyStatus } from '../../../http/proxy-status.ts';
import { reasonPhrase } from '../../../http/reason-phrase.ts';
import { serverTiming } from '../../../http/server-timing.ts';
import type { Problem } from '../../../schemas/api.ts';
import { errorTypes } from '../../../schemas/error.ts';

export interface ErrorReply {
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

/** The reply to a client. Nothing of the request is echoed. RFC 9457, RFC 9209 2.3. */
export function errorReply(
  error: ProxyError,
  source: 'agent' | 'edge',
  exchange: string,
  accept: string | undefined,
): ErrorReply {
  const isPage = accept?.includes('text/html') === true;
  const title = reasonPhrase(error.status);
  const body = Buffer.from(
    isPage ? page(error, title, exchange) : `${JSON.stringify(problemOf(error, title, exchange))}\n`,
  );
  return {
    body,
    fields: [
      ['Content-Type', isPage ? 'text/html; charset=utf-8' : 'application/problem+json'],
      ['Content-Length', String(body.length)],
      ['Cache-Control', 'no-store'],
      [
        'Proxy-Status',
        proxyStatus({ hop: source === 'edge' ? 'edgehop-edge' : 'edgehop', error: error.type, details: error.message }),
      ],
      ['Server-Timing', serverTiming([{ name: 'edgehop', description: exchange }])],
      ...askedOfClient(error),
      ...(isPage ? pageGuards : []),
    ],
  };
}

/** What a client has to do so that it is not refused again. RFC 9110 11.7.1 and 10.2.3, RFC 7617 2.1. */
function askedOfClient({ type, status }: ProxyError): readonly Field[] {
  if (status === 407) return [['Proxy-Authenticate', 'Basic realm="edgehop", charset="UTF-8"']];
  return status === 429 && type === 'http_request_denied' ? [['Retry-After', '1']] : [];
}

/** Writes a whole error response to a socket that no HTTP parser answers for any more, and closes it. */
export function refuseSocket(socket: Socket, error: ProxyError, exchange = '-'): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { fields, body } = errorReply(error, 'agent', exchange, undefined);
  const head = [
    `HTTP/1.1 ${error.status} ${reasonPhrase(error.status)}`,
    'Connection: close',
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]));
  // A client that goes on sending must not keep the connection for ever.
  const deadline = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(deadline));
  socket.resume();
}

const lingerMs = 2_000;

const pageGuards: readonly Field[] = [
  ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"],
  ['X-Content-Type-Options', 'nosniff'],
];

function problemOf(error: ProxyError, title: string, exchange: string): Problem {
  return {
    type: `https://www.rfc-editor.org/rfc/rfc9209#section-2.3.${errorTypes.indexOf(error.type) + 1}`,
    title,
    status: error.status,
    detail: error.message,
    ...(error.advice !== undefined && { advice: error.advice }),
    exchange,
  };
}

function page(error: ProxyError, title: string, exchange: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${error.status} ${escaped(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:38em;margin:4em auto;padding:0 1em}small{color:#666}</style>
<h1>${error.status} ${escaped(title)}</h1>
<p>${escaped(error.message)}</p>
${error.advice === undefined ? '' : `<p>${escaped(error.advice)}</p>`}
<p><small>edgehop · ${error.type} · exchange ${escaped(exchange)}</small></p>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
