// Asks one target of a reverse route, and makes of its response the client's.
import type { Field, Fields } from '../../http/fields.ts';
import { hasNoContent } from '../../http/framing.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Network } from '../dial/network.ts';
import { timedFetch } from '../exchange/timed-fetch.ts';

export interface TargetRequest {
  readonly url: string;
  readonly method: string;
  readonly fields: Fields;
  /** The client's, whose content is sent on. It is read by one asking only. */
  readonly request: Request;
}

export type TargetAnswer =
  | { readonly kind: 'response'; readonly response: Response }
  /** `isOfClient`: the client has broken its content off, or sent what cannot be sent on. Then it is not the target's failure. */
  | { readonly kind: 'failed'; readonly error: ProxyError; readonly isOfClient: boolean };

/** How long a target may take to answer with its head, from the end of the request's content on. */
const headDeadlineMs = 60_000;

/** Asks, and waits for the head no longer than the deadline. */
export async function askTarget(
  network: Network,
  { url, method, fields, request }: TargetRequest,
): Promise<TargetAnswer> {
  const fetched = await timedFetch(network, { url, method, fields, content: request, headDeadlineMs });
  if (fetched.kind === 'response') return judged(fetched.response);
  const { error, isCutOff } = fetched;
  return { kind: 'failed', error, isOfClient: isCutOff || error.type === 'http_request_error' };
}

/** Fetch takes an interim response for the final one, and the real one for its content. */
function judged(response: Response): TargetAnswer {
  const { status } = response;
  if (status === 101 && response.webSocket !== null) return { kind: 'response', response };
  if (status >= 200 && status <= 599) return { kind: 'response', response };
  void response.body?.cancel();
  const error = new ProxyError('http_protocol_error', 'The target sent a status that is none.');
  return { kind: 'failed', error, isOfClient: false };
}

/** The response for the client: its fields are given, its content is octet for octet the target's. */
export function clientResponse(
  method: string,
  response: Response,
  fields: readonly Field[],
  inBackground: (work: Promise<unknown>) => void,
): Response {
  const { status, statusText, webSocket } = response;
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  const head = { status, statusText, headers };
  if (webSocket) return new Response(null, { ...head, webSocket });
  if (hasNoContent(method, status)) {
    void response.body?.cancel();
    return new Response(null, head);
  }
  const body = response.body;
  // Of a length that is known, the platform sees by itself that content was cut short.
  if (body === null || headers.has('content-length')) return new Response(body, { ...head, encodeBody: 'manual' });
  // Content that breaks off is told to the platform as an error: passed through natively it would end as if it were whole.
  // (workerd itself ends it so all the same; there is no way to tell it otherwise.)
  const through = new IdentityTransformStream();
  inBackground(body.pipeTo(through.writable).catch(() => undefined));
  return new Response(through.readable, { ...head, encodeBody: 'manual' });
}

/** The fields of a response as they came, with each Set-Cookie on a line of its own. */
export function fieldsOf(headers: Headers): Field[] {
  const fields: Field[] = [...headers].filter(([name]) => name !== 'set-cookie');
  for (const value of headers.getSetCookie()) fields.push(['set-cookie', value]);
  return fields;
}
