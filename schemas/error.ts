// The error types of RFC 9209 2.3 with their recommended statuses: the only names an error has in edgehop.
import * as z from 'zod';

/**
 * Type to recommended status. RFC 9209 2.3.1 to 2.3.32.
 * `proxy_internal_response` and `http_request_error` leave the status to the case: here 500 and 400, unless the error says otherwise.
 */
export const recommendedStatus = {
  dns_timeout: 504,
  dns_error: 502,
  destination_not_found: 500,
  destination_unavailable: 503,
  destination_ip_prohibited: 502,
  destination_ip_unroutable: 502,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_read_timeout: 504,
  connection_write_timeout: 504,
  connection_limit_reached: 503,
  tls_protocol_error: 502,
  tls_certificate_error: 502,
  tls_alert_received: 502,
  http_request_error: 400,
  http_request_denied: 403,
  http_response_incomplete: 502,
  http_response_header_section_size: 502,
  http_response_header_size: 502,
  http_response_body_size: 502,
  http_response_trailer_section_size: 502,
  http_response_trailer_size: 502,
  http_response_transfer_coding: 502,
  http_response_content_coding: 502,
  http_response_timeout: 504,
  http_upgrade_failed: 502,
  http_protocol_error: 502,
  proxy_internal_response: 500,
  proxy_internal_error: 500,
  proxy_configuration_error: 500,
  proxy_loop_detected: 502,
} as const;

export type ErrorType = keyof typeof recommendedStatus;

export const errorTypes = Object.keys(recommendedStatus) as [ErrorType, ...ErrorType[]];

/** Which half of edgehop says the error. */
export const errorSources = ['agent', 'edge'] as const;

/**
 * An error as it crosses a boundary: its type, the status it is answered with, one sentence of what happened and one of what to do next.
 * Neither sentence ever holds a field of the request, for pages and logs show them.
 */
export const proxyErrorShape = z.strictObject({
  type: z.enum(errorTypes),
  status: z.int().min(400).max(599),
  message: z.string().max(1000),
  advice: z.string().max(1000).optional(),
});

export type ProxyErrorShape = z.infer<typeof proxyErrorShape>;
