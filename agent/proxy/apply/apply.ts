// Makes a request what it will be upstream: end-to-end fields only, this hop in Via, one forward less to go.
import { type Field, FieldNames, fieldsWithout } from '../../../http/fields.ts';
import { endToEndRequestFields } from '../../../http/hop-by-hop.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { forwardLimit, withVia } from '../../../http/via.ts';
import type { AdmittedRequest, Plan } from '../ports.ts';

/** Plans how a request goes on. One that may go no further is answered here. */
export function createApply(pseudonym: string): (request: AdmittedRequest) => Plan {
  return (request) => {
    const limit = forwardLimit(request.method, request.fields);
    if (limit.kind === 'final-recipient') return finalRecipient(request);
    if (limit.kind === 'malformed') return failed(400, 'Max-Forwards is not a number.');
    let fields: Field[] = fieldsWithout(endToEndRequestFields(request.fields), rewrittenNames);
    if (limit.kind === 'forward') {
      fields = [...fieldsWithout(fields, maxForwards), ['Max-Forwards', String(limit.left)]];
    }
    const forwardFields = withVia(fields, request.httpVersion, pseudonym);
    return { kind: 'forward', request: { ...request, forwardFields } };
  };
}

/** Written anew from the target and the content. */
const rewrittenNames = new FieldNames(['host', 'content-length']);
const maxForwards = new FieldNames(['max-forwards']);

/** RFC 9110 7.6.2: with no forward left this hop answers OPTIONS. TRACE would only repeat fields that are nobody's business. */
function finalRecipient({ method }: AdmittedRequest): Plan {
  if (method === 'TRACE') return failed(405, 'This hop does not answer TRACE.');
  return {
    kind: 'answer',
    outcome: {
      kind: 'response',
      response: {
        status: 204,
        reason: 'No Content',
        fields: [['Allow', 'GET, HEAD, POST, PUT, DELETE, OPTIONS, CONNECT']],
        content: { kind: 'none' },
      },
    },
  };
}

function failed(status: number, message: string): Plan {
  const error = new ProxyError('http_request_error', message, { status });
  return { kind: 'answer', outcome: { kind: 'failed', error, source: 'agent', mayRetry: false } };
}
