// The `fetch` that the suite's client is given: each request on a connection of its own, in absolute-form to the proxy.
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

/** What the suite asks for; both of its editions stay within this. */
export interface Init {
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly dispatcher?: Collector;
}

/** What the suite reads of a response. */
export interface Reply {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  text(): Promise<string>;
}

/** The newer edition collects interim responses by wrapping undici's dispatch. */
export interface Collector {
  readonly collect: Interceptor;
}

type Dispatch = (options: object, handler: InterimHandler) => boolean;
type Interceptor = (dispatch: Dispatch) => Dispatch;

interface InterimHandler {
  onResponseStart(controller: object, status: number, fields: IncomingHttpHeaders): void;
}

/** By the proxy on this port of 127.0.0.1, or without one. Fields go as given, redirects are not followed. */
export const fetchBy =
  (proxyPort: number | undefined) =>
  (url: string, init: Init = {}): Promise<Reply> => {
    const { method = 'GET', body, signal } = init;
    const { hostname, port, host, pathname, search } = new URL(url);
    const onInterim = interimListener(init.dispatcher);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          ...(proxyPort === undefined
            ? { host: hostname, port, path: pathname + search }
            : { host: '127.0.0.1', port: proxyPort, path: url }),
          method,
          agent: false,
          headers: { host, ...fieldsOf(init, method) },
          ...(signal !== undefined && { signal }),
        },
        (response) => resolve(replyOf(response)),
      );
      sent.on('information', ({ statusCode, headers }) => onInterim(statusCode, headers));
      sent.on('error', reject);
      sent.end(body);
    });
  };

/** Joins lines of one name as fetch does, and adds what fetch always sends. */
function fieldsOf({ headers = [], body }: Init, method: string): Record<string, string> {
  const joined = new Headers({ accept: '*/*', 'user-agent': 'edgehop-conformance' });
  for (const [name, value] of headers) joined.append(name, value);
  if (body !== undefined) joined.set('content-length', String(Buffer.byteLength(body)));
  else if (method === 'POST' || method === 'PUT') joined.set('content-length', '0');
  return Object.fromEntries(joined);
}

function replyOf(response: IncomingMessage): Reply {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(response.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers,
    text: async () => Buffer.concat(await response.toArray()).toString(),
  };
}

/** Tells interim responses to the handler that the suite has wrapped around ours. */
function interimListener(dispatcher: Collector | undefined): (status: number, fields: IncomingHttpHeaders) => void {
  if (dispatcher === undefined) return () => undefined;
  const wrapped: InterimHandler[] = [];
  const dispatch = dispatcher.collect((_options, handler) => {
    wrapped.push(handler);
    return true;
  });
  dispatch({}, { onResponseStart: () => undefined });
  return (status, fields) => {
    for (const handler of wrapped) handler.onResponseStart({}, status, fields);
  };
}
