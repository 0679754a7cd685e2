// Makes a request what it will be upstream: as rules plan it, end-to-end fields only, this hop told, to a judged destination.
import { type Field, FieldNames, fieldsWithout } from '../../../http/fields.ts';
import { endToEndRequestFields } from '../../../http/hop-by-hop.ts';
import { editedFields } from '../../../http/plan/edit-fields.ts';
import type { RequestPlan } from '../../../http/plan/plan.ts';
import { type PassingHop, passedOnFields } from '../../../http/privacy.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { parseRequestTarget } from '../../../http/request-target.ts';
import { reverseRouteOf } from '../../../http/reverse-route.ts';
import { forwardLimit } from '../../../http/via.ts';
import type { ReverseRoute } from '../../../schemas/pool.ts';
import type { AcceptedRequest, Destination, DestinationAdmission, Ending, Judge, Plan, PlanOf } from '../ports.ts';
import { drained } from './drained.ts';
import { noteAfter, noteBefore } from './noted.ts';
import type { OwnAnswer } from './own-answer.ts';
import type { RulePorts } from './rule-ports.ts';

export interface ApplyPorts {
  /** What requests may become: an upgrade always goes the way of a tunnel. */
  readonly purpose: 'exchange' | 'upgrade';
  readonly judge: Judge;
  /** Answers who asks edgehop itself. */
  readonly own: OwnAnswer;
  /** What origins are told of this hop. */
  readonly hop: PassingHop;
  /** Absent where there are no rules. */
  readonly rules?: RulePorts | undefined;
  /** The reverse routes, of which a rewritten URL may have another one. */
  readonly routes?: readonly ReverseRoute[];
}

/** Plans how a request goes on: at once, unless a name has to be looked up. What goes no further is answered here. */
export function createApply(ports: ApplyPorts): (request: AcceptedRequest) => Plan | Promise<Plan> {
  const { judge, own, purpose, rules, hop, routes = [] } = ports;
  // A pool tells its targets itself, behind the cache, which stores nothing of what speaks of one client.
  const hopToPool = { ...hop, privacy: { ...hop.privacy, forwarded: 'off' } } as const;
  return (asked) => {
    if (asked.reachedAt !== undefined) return own(asked, asked.reachedAt);
    const limit = forwardLimit(asked.method, asked.fields);
    if (limit.kind === 'final-recipient') return finalRecipient(asked);
    if (limit.kind === 'malformed') return failed(new ProxyError('http_request_error', noNumber, { status: 400 }));
    const plan = rules?.planOf(ruleRequestOf(asked));
    if (plan !== undefined) noteBefore(asked.trace, plan);
    if (rules !== undefined && plan?.answer !== undefined) return answered(rules, asked, plan, plan.answer);
    const request = plan?.rewrite === undefined ? asked : rewritten(asked, plan.rewrite.action, routes);
    let fields: Field[] = fieldsWithout(endToEndRequestFields(request.fields), rewrittenNames);
    if (limit.kind === 'forward') {
      fields = [...fieldsWithout(fields, maxForwards), ['Max-Forwards', String(limit.left)]];
    }
    if (plan?.requestEdits !== undefined) fields = editedFields(fields, plan.requestEdits);
    const forwardFields = passedOnFields(fields, passingOf(request), request.reverse === undefined ? hop : hopToPool);
    const judged = (admission: DestinationAdmission): Plan => {
      if (admission.kind === 'refused') return failed(admission.error);
      const { addresses, directOnly, parent } = admission;
      return { kind: 'forward', request: { ...request, addresses, directOnly, parent, forwardFields, plan } };
    };
    if (request.reverse !== undefined) return judged(ofPool);
    const admission = judge(destinationOf(purpose, request), request.trace, plan);
    return admission instanceof Promise ? admission.then(judged) : judged(admission);
  };
}

const noNumber = 'Max-Forwards is not a number.';

/** Written anew from the target and the content. */
const rewrittenNames = new FieldNames(['host', 'content-length']);
const maxForwards = new FieldNames(['max-forwards']);

/** The targets of a pool are configured, and judged where they are dialled. */
const ofPool: DestinationAdmission = { kind: 'admitted', addresses: [], directOnly: true, parent: undefined };

function ruleRequestOf(request: AcceptedRequest): Parameters<PlanOf>[0] {
  const { method, url, scheme, host, port, path, fields, trace } = request;
  return { kind: 'exchange', method, url, scheme, host, port, path, fields, client: trace.connection.address };
}

/** What little content the client still sends is read first, so that it hears the answer. */
function answered(
  { answer }: RulePorts,
  request: AcceptedRequest,
  plan: RequestPlan,
  chosen: NonNullable<RequestPlan['answer']>,
): Plan {
  const { trace, content } = request;
  const noted = (ending: Ending): Ending => {
    noteAfter(trace, plan, ending);
    return ending;
  };
  const isDropped = chosen.action.kind === 'block' && chosen.action.block === 'drop';
  const ending =
    content === undefined || isDropped ? answer(chosen, request) : drained(request).then(() => answer(chosen, request));
  return { kind: 'answer', ending: ending instanceof Promise ? ending.then(noted) : noted(ending) };
}

/** The request with the URL that a rule puts in the place of its own: that one is judged and sent, and has its own route. */
function rewritten(request: AcceptedRequest, rewrittenUrl: string, routes: readonly ReverseRoute[]): AcceptedRequest {
  const target = parseRequestTarget(request.method, rewrittenUrl);
  if (target.kind !== 'absolute') throw new TypeError(`a rule has made no URL: ${rewrittenUrl}`);
  const { url, scheme, host, port, path } = target;
  const { trace } = request;
  trace.rewrittenUrl = url;
  trace.host = host;
  trace.port = port;
  const isSameOrigin = scheme === request.scheme && host === request.host && port === request.port;
  const isOurs = request.reverse !== undefined && isSameOrigin;
  return {
    ...request,
    url,
    scheme,
    host,
    port,
    path,
    reverse: isOurs ? reverseRouteOf(routes, host, path) : undefined,
  };
}

function passingOf({ trace, httpVersion, scheme }: AcceptedRequest): Parameters<typeof passedOnFields>[1] {
  return { httpVersion, scheme, client: trace.connection.address };
}

function destinationOf(purpose: ApplyPorts['purpose'], { scheme, host, port }: AcceptedRequest): Destination {
  return purpose === 'upgrade' ? { host, port, purpose } : { host, port, purpose, scheme };
}

/** RFC 9110 7.6.2: with no forward left this hop answers OPTIONS. TRACE would only repeat fields that are nobody's business. */
function finalRecipient({ method }: AcceptedRequest): Plan {
  if (method === 'TRACE') {
    return failed(new ProxyError('http_request_error', 'This hop does not answer TRACE.', { status: 405 }));
  }
  return {
    kind: 'answer',
    ending: {
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

function failed(error: ProxyError): Plan {
  return { kind: 'answer', ending: { kind: 'failed', error, source: 'agent', mayRetry: false } };
}
