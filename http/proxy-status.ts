// The Proxy-Status field: what this hop has to say of a response. RFC 9209 2.
import { serializeList, Token } from 'structured-headers';
import type { ErrorType } from '../schemas/error.ts';

export interface HopReport {
  /** `edgehop` for the agent, `edgehop-edge` for the worker. */
  readonly hop: string;
  readonly error?: ErrorType;
  /** One sentence; what is not printable ASCII is replaced, for a structured string holds nothing else. */
  readonly details?: string;
  readonly nextHop?: string;
  readonly receivedStatus?: number;
}

/** One member of Proxy-Status. RFC 9209 2.1. */
export function proxyStatus(report: HopReport): string {
  const parameters = new Map<string, Token | string | number>();
  if (report.error !== undefined) parameters.set('error', new Token(report.error));
  if (report.nextHop !== undefined) parameters.set('next-hop', printable(report.nextHop));
  if (report.receivedStatus !== undefined) parameters.set('received-status', report.receivedStatus);
  if (report.details !== undefined) parameters.set('details', printable(report.details));
  return serializeList([[new Token(report.hop), parameters]]);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
