// What the agent says when a parent proxy cannot be used: which one, where it was named, and what to do about it.
import { ProxyError } from '../../http/proxy-error.ts';
import type { ErrorType } from '../../schemas/error.ts';
import type { Parent } from './parent.ts';

/** The ways in which a parent fails, apart from those of its connection. */
export type ParentFault = keyof typeof faults;

/** An error in the conversation with a parent. `status` is the parent's own, where it is told. */
export function parentError(parent: Parent, fault: ParentFault, cause?: unknown, status?: number): ProxyError {
  const { type, answered, says, advice } = faults[fault];
  const told = status === undefined ? '' : ` (status ${status})`;
  return new ProxyError(type, `The parent proxy ${parent.name} ${says}${told}.`, {
    status: answered,
    advice: advice.replace('SOURCE', parent.source),
    cause,
  });
}

/** An error of the connection to a parent, said of the parent. That the client has left is nobody's error. */
export function parentUnreachable(parent: Parent, error: ProxyError): ProxyError {
  if (error.type === 'http_request_error') return error;
  const says = unreachable[error.type] ?? 'cannot be reached';
  return new ProxyError(error.type, `The parent proxy ${parent.name} ${says}.`, {
    status: error.status,
    advice: `Check ${parent.source}, or name the destination in NO_PROXY.`,
    cause: error,
  });
}

const unreachable: Partial<Record<ErrorType, string>> = {
  dns_error: 'has a name that cannot be resolved',
  dns_timeout: 'has a name that could not be resolved in time',
  connection_refused: 'refuses the connection',
  connection_terminated: 'closed the connection',
  connection_timeout: 'did not open the way in time',
  connection_limit_reached: 'cannot be connected to, for this machine has no free file descriptors',
  destination_ip_unroutable: 'is where no route leads',
  proxy_loop_detected: 'is edgehop itself',
  tls_certificate_error: 'has a certificate that is not trusted',
  tls_protocol_error: 'does not speak TLS as it should',
};

interface Fault {
  readonly type: ErrorType;
  /** What the client is answered. Never 407: it would take it for edgehop's own. */
  readonly answered: number;
  readonly says: string;
  readonly advice: string;
}

const checkSource = 'Check SOURCE, or name the destination in NO_PROXY.';
const askOwner = 'Ask whoever runs the parent proxy, or name the destination in NO_PROXY.';
const laterOrElse = 'Check the host, or try again later.';

const faults = {
  closed: {
    type: 'connection_terminated',
    answered: 502,
    says: 'closed the connection without opening the way',
    advice: checkSource,
  },
  endless: {
    type: 'http_response_header_section_size',
    answered: 502,
    says: 'sent more than an answer should have',
    advice: checkSource,
  },
  'not-http': {
    type: 'proxy_configuration_error',
    answered: 502,
    says: 'does not answer in HTTP',
    advice: 'Check scheme and port in SOURCE: it may speak https or socks5.',
  },
  'not-socks': {
    type: 'proxy_configuration_error',
    answered: 502,
    says: 'does not speak SOCKS5',
    advice: 'Check scheme and port in SOURCE: it may speak http.',
  },
  malformed: { type: 'http_protocol_error', answered: 502, says: 'sent a malformed head', advice: checkSource },
  'credentials-missing': {
    type: 'proxy_configuration_error',
    answered: 502,
    says: 'asks for credentials',
    advice: 'Add them to SOURCE: http://user:password@host:port, with special characters percent-encoded.',
  },
  'credentials-refused': {
    type: 'proxy_configuration_error',
    answered: 502,
    says: 'does not take the credentials',
    advice: 'Correct them in SOURCE; special characters are percent-encoded there.',
  },
  denied: { type: 'http_request_denied', answered: 403, says: 'does not go to this destination', advice: askOwner },
  'login-page': {
    type: 'destination_unavailable',
    answered: 502,
    says: 'answered with something else than a tunnel, as login pages do',
    advice: 'Open any http:// page in a browser without proxy: the network may want you to log in.',
  },
  unavailable: {
    type: 'destination_unavailable',
    answered: 502,
    says: 'could not reach the destination',
    advice: laterOrElse,
  },
  'timed-out': {
    type: 'connection_timeout',
    answered: 504,
    says: 'could not reach the destination in time',
    advice: laterOrElse,
  },
  'no-route': {
    type: 'destination_ip_unroutable',
    answered: 502,
    says: 'found no way to the destination',
    advice: laterOrElse,
  },
  refusing: {
    type: 'connection_refused',
    answered: 502,
    says: 'was refused the connection by the destination',
    advice: laterOrElse,
  },
} as const satisfies Record<string, Fault>;
