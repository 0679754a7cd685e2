// Understands a request's head before anything of it is used: target, Host, framing. RFC 9112 3 and 6, RFC 9110 7.2.
import { authorityAt, hostFieldOf, parseHostField } from '../../../http/authority.ts';
import {
  FieldNames,
  type Fields,
  fieldsFromFlat,
  fieldsWithout,
  fieldValues,
  flatFromFields,
} from '../../../http/fields.ts';
import { type Framing, requestFraming } from '../../../http/framing.ts';
import { endToEndResponseFields, endToEndTrailers } from '../../../http/hop-by-hop.ts';
import { ownName } from '../../../http/own-name.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { remembered } from '../../../http/remembered.ts';
import { type AbsoluteTarget, parseRequestTarget, type RequestTarget } from '../../../http/request-target.ts';
import { reverseRouteOf } from '../../../http/reverse-route.ts';
import type { ReverseRoute } from '../../../schemas/pool.ts';
import type { Accepted, Arrival, Connection, RequestHead } from '../ports.ts';
import { RequestContent } from './request-content.ts';

/**
 * Accepts a request in absolute-form, or one for a reverse route, or says why not. What is ambiguous is refused before an
 * octet is forwarded.
 */
export function accept(arrival: Arrival, routes: readonly ReverseRoute[] = []): Accepted {
  const { trace, head } = arrival;
  const method = head.method ?? '';
  trace.method = method;
  trace.httpVersion = head.httpVersion;
  const { intercepted } = trace.connection;
  if (head.httpVersionMajor === 1 ? head.httpVersionMinor > 1 : intercepted === undefined) {
    return refused('Only HTTP/1.0 and HTTP/1.1 are spoken here.', {
      status: 505,
    });
  }
  const url = intercepted === undefined ? (head.url ?? '') : urlInside(intercepted, head.url ?? '');
  const asked = method === 'GET' ? askedOfGet(url) : parseRequestTarget(method, url);
  if (asked.kind === 'malformed') return refused(`The request-target is not acceptable: ${asked.because}.`);
  const fields = fieldsFromFlat(head.rawHeaders);
  if (intercepted !== undefined && !isFor(intercepted, asked, fields)) return misdirected();
  const isOurs = asked.kind === 'absolute' && asked.host === ownName; // before any route that a pattern makes fit
  const mayBeRouted = routes.length > 0 && intercepted === undefined && !isOurs;
  const found = mayBeRouted ? reverseTarget(routes, head, asked, fields) : undefined;
  const target = found?.target ?? asked;
  if (target.kind !== 'absolute') {
    return refused('This is a proxy: it takes requests in absolute-form, such as `GET http://example.com/`.', {
      advice: 'Set this address as the HTTP proxy of your program, or use `curl -x`.',
    });
  }
  trace.url = target.url;
  trace.host = target.host;
  trace.port = target.port;
  const wrongHost = judgeHost(head.httpVersion, fields);
  if (wrongHost !== undefined) return refused(wrongHost);
  // Node's parser stops behind a request that asks for another protocol, and drops what came with it: nobody may wait for it.
  if (fieldValues(fields, 'upgrade').length > 0) arrival.reply.shouldKeepAlive = false;
  const framing = framingOf(head, fields);
  if (framing.kind === 'ambiguous') return refused(`The length of the request is ambiguous: ${framing.because}.`);
  const { scheme, host, port, path } = target;
  const hasContent = framing.kind === 'chunked' || (framing.kind === 'length' && framing.octets > 0);
  return {
    kind: 'accepted',
    request: {
      trace,
      method,
      url: target.url,
      scheme,
      host,
      port,
      path,
      httpVersion: head.httpVersion,
      fields,
      framing,
      reverse: found?.route,
      reachedAt: isOurs ? ownAuthority(head) : undefined,
      content: hasContent ? new RequestContent(arrival.message, trace) : undefined,
      trailers: () => endToEndTrailers(fieldsFromFlat(arrival.message.rawTrailers)),
      interim: (status, interimFields) => passOnInterim(arrival, status, interimFields),
      continue: continuation(arrival, fields),
      onLeave: (listener) => {
        const { reply } = arrival;
        if (reply.destroyed) listener();
        else
          reply.on('close', () => {
            if (!reply.writableFinished) listener();
          });
      },
    },
  };
}

const maxRememberedTargets = 1024;

type Authority = NonNullable<Connection['intercepted']>;

/** Much is asked for again soon. */
const askedOfGet = remembered(maxRememberedTargets, (target) => parseRequestTarget('GET', target));

/** The URL that is asked of a server of this host and port: what is absolute already is judged as it stands. */
function urlInside({ host, port }: Authority, target: string): string {
  if (target !== '*' && !target.startsWith('/')) return target;
  const origin = `https://${hostFieldOf('https', host, port)}`;
  return target === '*' ? origin : `${origin}${target}`;
}

/** Whether target and Host name the server that the client has taken us for. RFC 9110 7.4. */
function isFor({ host, port }: Authority, asked: RequestTarget, fields: Fields): boolean {
  if (asked.kind !== 'absolute' || asked.scheme !== 'https' || asked.host !== host || asked.port !== port) return false;
  return fieldValues(fields, 'host').every((value) => {
    const named = parseHostField(value);
    // What is malformed is refused as such.
    return named.kind === 'malformed' || (named.host === host && (named.port ?? 443) === port);
  });
}

/** RFC 9110 15.5.20. The client may ask again over a connection of its own. */
function misdirected(): Accepted {
  return refused('The request is for another host than its connection.', {
    status: 421,
  });
}

/** HTTP/2 has lengths as well, and where there is none the frames tell where content ends. RFC 9113 8.1.1. */
function framingOf({ httpVersion, httpVersionMajor, hasContent }: RequestHead, fields: Fields): Framing {
  const framing = requestFraming(httpVersionMajor === 2 ? '1.1' : httpVersion, fields);
  if (httpVersionMajor !== 2 || framing.kind === 'ambiguous') return framing;
  if (hasContent !== true) return { kind: 'none' };
  return framing.kind === 'none' ? { kind: 'chunked' } : framing;
}

interface ReverseTarget {
  readonly target: AbsoluteTarget;
  readonly route: ReverseRoute;
}

/** What a request asks of a reverse route, if it asks one: then no proxy is meant. */
function reverseTarget(
  routes: readonly ReverseRoute[],
  head: RequestHead,
  asked: RequestTarget,
  fields: Fields,
): ReverseTarget | undefined {
  if (asked.kind === 'absolute') {
    // A program that uses us as its proxy asks us for our own hosts in this way. Other ports there are other servers.
    if (asked.scheme !== 'http' || (asked.port !== 80 && asked.port !== head.socket.localPort)) return undefined;
    return routed(
      routes.filter(({ host }) => host !== '*'), // all that a proxy is asked for would be meant
      asked,
    );
  }
  if (asked.kind !== 'origin') return undefined;
  const hosts = fieldValues(fields, 'host');
  const host = hosts[0] ?? (head.httpVersion === '1.0' ? ownAuthority(head) : '');
  if (hosts.length > 1 || parseHostField(host).kind === 'malformed') return undefined;
  const target = parseRequestTarget(head.method ?? '', `http://${host}${asked.path}`);
  return target.kind === 'absolute' ? routed(routes, target) : undefined;
}

function routed(routes: readonly ReverseRoute[], target: AbsoluteTarget): ReverseTarget | undefined {
  const route = reverseRouteOf(routes, target.host, target.path);
  return route === undefined ? undefined : { target, route };
}

/** The address that was connected to. RFC 9112 3.3: it is the host where nothing else is said. */
function ownAuthority({ socket: { localAddress = '', localPort = 0 } }: RequestHead): string {
  return authorityAt(localAddress.replace(/^::ffff:(?=\d+\.)/, ''), localPort);
}

/** Sends 100 Continue once, to a client that waits for it and knows it. RFC 9110 10.1.1. */
function continuation(arrival: Arrival, fields: Fields): () => void {
  let isWaiting =
    arrival.head.httpVersion !== '1.0' && fieldValues(fields, 'expect')[0]?.toLowerCase() === '100-continue';
  return () => {
    if (isWaiting) arrival.reply.writeContinue();
    isWaiting = false;
  };
}

/** RFC 9110 8.6: a response of status 1xx has no content to speak of. */
const noContentNames = new FieldNames(['content-length']);

/** RFC 9110 15.2: never to HTTP/1.0. A 100 is this hop's own to send, and `continue` has seen to it. */
function passOnInterim({ head, reply }: Arrival, status: number, fields: Fields): void {
  if (head.httpVersion === '1.0' || status === 100 || reply.headersSent || reply.destroyed) return;
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
