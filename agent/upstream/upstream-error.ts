// What the agent says of each way in which a destination fails: one sentence a type, whoever found it out.
import { ProxyError } from '../../http/proxy-error.ts';
import type { ErrorType } from '../../schemas/error.ts';

/** The error of this type, in its own words. `because` follows them. */
export function upstreamError(type: UpstreamErrorType, cause: unknown, status?: number, because?: string): ProxyError {
  const message = because === undefined ? sentences[type] : `${sentences[type].slice(0, -1)}: ${because}.`;
  return new ProxyError(type, message, { ...(status !== undefined && { status }), cause });
}

export type UpstreamErrorType = keyof typeof sentences;

const sentences = {
  dns_error: "The destination's name cannot be resolved.",
  destination_unavailable: 'The destination cannot be reached.',
  destination_ip_prohibited: 'The name leads to a private address, which is not dialled.',
  destination_ip_unroutable: 'There is no route to the destination.',
  connection_refused: 'The destination refuses the connection.',
  connection_terminated: 'The destination closed the connection without an answer.',
  connection_timeout: 'The destination did not accept a connection in time.',
  connection_read_timeout: 'The destination stopped sending for too long.',
  connection_write_timeout: 'The destination took no more of the content for too long.',
  connection_limit_reached: 'This machine has no free file descriptors.',
  tls_protocol_error: 'The destination does not speak TLS as it should.',
  tls_certificate_error: "The destination's certificate is not trusted.",
  http_request_error: 'The content is not as long as the request announced.',
  http_response_incomplete: 'The content stopped before its end.',
  http_response_header_section_size: "The destination's head is larger than what is relayed.",
  http_response_transfer_coding: 'The destination sent an unknown transfer coding.',
  http_response_timeout: 'The destination did not answer in time.',
  http_protocol_error: 'The destination did not answer in HTTP as it should.',
} as const satisfies Partial<Record<ErrorType, string>>;

/** Whoever wanted the content has gone, or has had enough. Nobody hears of it. */
export function notWanted(): ProxyError {
  return new ProxyError('http_request_error', 'The content is not wanted.');
}

/** What goes on when the agent stops ends with this. */
export function stopping(): ProxyError {
  return new ProxyError('proxy_internal_response', 'edgehop is stopping.', { status: 503 });
}
