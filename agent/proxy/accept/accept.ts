// Understands a request's head before anything of it is used: target, Host, framing. RFC 9112 3 and 6, RFC 9110 7.2.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { authorityAt, parseHostField } from '../../../http/authority.ts';
import {
  FieldNames,
  type Fields,
  fieldsFromFlat,
  fieldsWithout,
  fieldValues,
  flatFromFields,
} from '../../../http/fields.ts';
import { requestFraming } from '../../../http/framing.ts';
import { endToEndResponseFields, endToEndTrailers } from '../../../http/hop-by-hop.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { type AbsoluteTarget, parseRequestTarget, type RequestTarget } from '../../../http/request-target.ts';
import { reverseRouteOf } from '../../../http/reverse-route.ts';
import type { ReverseRoute } from '../../../schemas/pool.ts';
import type { Accepted, Arrival } from '../ports.ts';
import { RequestContent } from './request-content.ts';

/**
 * Accepts a request in absolute-form, or one for a reverse route, or says why not. What is ambiguous is refused before an
 * octet is forwarded.
 */
export function accept({ trace, message, reply }: Arrival, routes: readonly ReverseRoute[] = []): Accepted {
  const method = message.method ?? '';
  trace.method = method;
  trace.httpVersion = message.httpVersion;
  if (message.httpVersionMajor !== 1 || message.httpVersionMinor > 1) {
    return refused('Only HTTP/1.0 and HTTP/1.1 are spoken here.', { status: 505 });
  }
  const asked = parseRequestTarget(method, message.url ?? '');
  if (asked.kind === 'malformed') return refused(`The request-target is not acceptable: ${asked.because}.`);
  const fields = fieldsFromFlat(message.rawHeaders);
  const found = routes.length === 0 ? undefined : reverseTarget(routes, message, asked, fields);
  const target = found?.target ?? asked;
  if (target.kind !== 'absolute') {
    return refused('This is a proxy: it takes requests in absolute-form, such as `GET http://example.com/`.', {
      advice: 'Set this address as the HTTP proxy of your program, or use `curl -x`.',
    });
  }
  trace.url = target.url;
  trace.host = target.host;
  trace.port = target.port;
  const wrongHost = judgeHost(message.httpVersion, fields);
  if (wrongHost !== undefined) return refused(wrongHost);
  // Node's parser stops behind a request that asks for another protocol, and drops what came with it: nobody may wait for it.
  if (fieldValues(fields, 'upgrade').length > 0) reply.shouldKeepAlive = false;
  const framing = requestFraming(message.httpVersion, fields);
  if (framing.kind === 'ambiguous') return refused(`The length of the request is ambiguous: ${framing.because}.`);
  const { scheme, host, port, path, url } = target;
  const hasContent = framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets > 0);
  return {
    kind: 'accepted',
    request: {
      trace,
      method,
      url,
      scheme,
      host,
      port,
      path,
      httpVersion: message.httpVersion,
      fields,
      framing,
      reverse: found?.route,
      content: hasContent ? new RequestContent(message, trace) : undefined,
      trailers: () => endToEndTrailers(fieldsFromFlat(message.rawTrailers)),
      interim: (status, interimFields) => passOnInterim(message, reply, status, interimFields),
      continue: continuation(message.httpVersion, fields, reply),
      onLeave: (listener) => {
        if (reply.destroyed) listener();
        else
          reply.on('close', () => {
            if (!reply.writableFinished) listener();
          });
      },
    },
  };
}

interface ReverseTarget {
  readonly target: AbsoluteTarget;
  readonly route: ReverseRoute;
}

/** What a request asks of a reverse route, if it asks one: then no proxy is meant. */
function reverseTarget(
  routes: readonly ReverseRoute[],
  message: IncomingMessage,
  asked: RequestTarget,
  fields: Fields,
): ReverseTarget | undefined {
  if (asked.kind === 'absolute') {
    // A program that uses us as its proxy asks us for our own hosts in this way. Other ports there are other servers.
    if (asked.scheme !== 'http' || (asked.port !== 80 && asked.port !== message.socket.localPort)) return undefined;
    return routed(
      routes.filter(({ host }) => host !== '*'), // all that a proxy is asked for would be meant
      asked,
    );
  }
  if (asked.kind !== 'origin') return undefined;
  const hosts = fieldValues(fields, 'host');
  const host = hosts[0] ?? (message.httpVersion === '1.0' ? ownHost(message) : '');
  if (hosts.length > 1 || parseHostField(host).kind === 'malformed') return undefined;
  const target = parseRequestTarget(message.method ?? '', `http://${host}${asked.path}`);
  return target.kind === 'absolute' ? routed(routes, target) : undefined;
}

function routed(routes: readonly ReverseRoute[], target: AbsoluteTarget): ReverseTarget | undefined {
  const route = reverseRouteOf(routes, target.host, target.path);
  return route === undefined ? undefined : { target, route };
}

/** RFC 9112 3.3: where nothing else is said, the address that was connected to. */
function ownHost({ socket: { localAddress = '', localPort = 0 } }: IncomingMessage): string {
  return authorityAt(localAddress.replace(/^::ffff:(?=\d+\.)/, ''), localPort);
}

/** Sends 100 Continue once, to a client that waits for it and knows it. RFC 9110 10.1.1. */
function continuation(httpVersion: string, fields: Fields, reply: ServerResponse): () => void {
  let isWaiting = httpVersion === '1.1' && fieldValues(fields, 'expect')[0]?.toLowerCase() === '100-continue';
  return () => {
    if (isWaiting) reply.writeContinue();
    isWaiting = false;
  };
}

/** RFC 9110 8.6: a response of status 1xx has no content to speak of. */
const noContentNames = new FieldNames(['content-length']);

/** RFC 9110 15.2: never to HTTP/1.0. A 100 is this hop's own to send, and `continue` has seen to it. */
function passOnInterim({ httpVersion }: IncomingMessage, reply: ServerResponse, status: number, fields: Fields): void {
  if (httpVersion !== '1.1' || status === 100 || reply.headersSent || reply.destroyed) return;
  const flat = flatFromFields(fieldsWithout(endToEndResponseFields(fields), noContentNames));
  reply.writeInformation(status, flat);
}

/** What is wrong with the Host field, if anything. One that differs from the target is ignored. RFC 9112 3.2.2. */
function judgeHost(httpVersion: string, fields: Fields): string | undefined {
  const hosts = fieldValues(fields, 'host');
  if (hosts.length > 1) return 'The request has more than one Host field.';
  if (hosts.length === 0) return httpVersion === '1.0' ? undefined : 'The request has no Host field.';
  const parsed = parseHostField(hosts[0] as string);
  return parsed.kind === 'malformed' ? `The Host field is malformed: ${parsed.because}.` : undefined;
}

function refused(message: string, details: { readonly status?: number; readonly advice?: string } = {}): Accepted {
  return { kind: 'refused', error: new ProxyError('http_request_error', message, { status: 400, ...details }) };
}
