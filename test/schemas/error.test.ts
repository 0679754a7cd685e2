// The error types are those of RFC 9209 2.3, all of them and in its order, with its recommended statuses.
import { expect, test } from 'vitest';
import { errorTypes, proxyErrorShape, recommendedStatus } from '../../schemas/error.ts';

/** Where the RFC leaves the status to the case, it is ours. */
const standard = [
  ['2.3.1', 'dns_timeout', 504],
  ['2.3.2', 'dns_error', 502],
  ['2.3.3', 'destination_not_found', 500],
  ['2.3.4', 'destination_unavailable', 503],
  ['2.3.5', 'destination_ip_prohibited', 502],
  ['2.3.6', 'destination_ip_unroutable', 502],
  ['2.3.7', 'connection_refused', 502],
  ['2.3.8', 'connection_terminated', 502],
  ['2.3.9', 'connection_timeout', 504],
  ['2.3.10', 'connection_read_timeout', 504],
  ['2.3.11', 'connection_write_timeout', 504],
  ['2.3.12', 'connection_limit_reached', 503],
  ['2.3.13', 'tls_protocol_error', 502],
  ['2.3.14', 'tls_certificate_error', 502],
  ['2.3.15', 'tls_alert_received', 502],
  ['2.3.16: the applicable 4xx', 'http_request_error', 400],
  ['2.3.17', 'http_request_denied', 403],
  ['2.3.18', 'http_response_incomplete', 502],
  ['2.3.19', 'http_response_header_section_size', 502],
  ['2.3.20', 'http_response_header_size', 502],
  ['2.3.21', 'http_response_body_size', 502],
  ['2.3.22', 'http_response_trailer_section_size', 502],
  ['2.3.23', 'http_response_trailer_size', 502],
  ['2.3.24', 'http_response_transfer_coding', 502],
  ['2.3.25', 'http_response_content_coding', 502],
  ['2.3.26', 'http_response_timeout', 504],
  ['2.3.27', 'http_upgrade_failed', 502],
  ['2.3.28', 'http_protocol_error', 502],
  ['2.3.29: the most appropriate one', 'proxy_internal_response', 500],
  ['2.3.30', 'proxy_internal_error', 500],
  ['2.3.31', 'proxy_configuration_error', 500],
  ['2.3.32', 'proxy_loop_detected', 502],
] as const;

test('the types and their order are the standard’s', () => {
  expect(errorTypes).toEqual(standard.map(([, type]) => type));
});

test.each(standard)('RFC 9209 %s: %s is answered with %i', (_, type, status) => {
  expect(recommendedStatus[type]).toBe(status);
});

test.each([
  ['an unknown type', { type: 'dns_failure', status: 502, message: '' }],
  ['a status that is no error', { type: 'dns_error', status: 200, message: '' }],
  ['a status that is none', { type: 'dns_error', status: 600, message: '' }],
  ['a sentence without end', { type: 'dns_error', status: 502, message: 'x'.repeat(1001) }],
  ['an unknown key', { type: 'dns_error', status: 502, message: '', cause: 'x' }],
])('%s is not taken', (_, shape) => {
  expect(proxyErrorShape.safeParse(shape).success).toBe(false);
});
