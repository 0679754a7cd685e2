// Hands a request to the edge and takes the origin's response out of the edge's reply. Wire contract, version 1.
import { canonicalAddress } from '../../../http/address.ts';
import { packEnvelope, unpackEnvelope } from '../../../http/envelope.ts';
import { isValidField, onlyValue } from '../../../http/fields.ts';
import { takesTrailers } from '../../../http/hop-by-hop.ts';
import { isIdempotent } from '../../../http/methods.ts';
import { errorFromShape, ProxyError } from '../../../http/proxy-error.ts';
import type { Config } from '../../../schemas/config.ts';
import type { ErrorType } from '../../../schemas/error.ts';
import type { Route } from '../../../schemas/exchange.ts';
import { maxAddresses, type RequestEnvelope, type ResponseEnvelope, responseEnvelope } from '../../../schemas/relay.ts';
import type {
  Clock,
  EdgeFault,
  EdgeLink,
  Exchange,
  Observer,
  Outcome,
  PlannedRequest,
  UpstreamAnswer,
  WalkLimits,
} from '../ports.ts';
import { counted, discard } from './counted-content.ts';
import { edgeCacheOf, edgePlanOf, markedContent } from './edge-plan.ts';
import { judgeResponse } from './judge-response.ts';

export interface EdgePorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: WalkLimits;
  readonly edge: EdgeLink;
  /** How the edge is to reach origins: by `edge.upstream`. */
  readonly upstream: Config['edge']['upstream'];
  /** Whether the agent trusts issuers of certificates that edges do not. */
  readonly trustsMore: boolean;
  /** The generations that apply to a URL, for the key in the edge's cache; absent where that is off. */
  readonly generation?: ((url: string) => string) | undefined;
}

/** What a POST without content says. RFC 9110 8.6. */
const noContent = { kind: 'length', octets: 0 } as const;

/** The edge keeps the deadlines itself; the agent waits this much longer for the edge to say so. */
const edgeGraceMs = 10_000;

/** Exchanges by way of the edge. */
export function createEdgeExchange(ports: EdgePorts): Exchange {
  const { clock, observer, limits, edge } = ports;
  return async (request, route) => {
    const { trace } = request;
    const addresses = edge.embedded ? pinned(request.addresses) : [];
    const asked = envelopeOf(request, addresses, ports);
    const packed = packEnvelope(sealed(asked));
    if (packed.kind === 'too-large') return failed(tooLarge(asked));
    const link = await edge.ready();
    if (link.kind === 'unavailable') return failed(link.error, 'agent', { because: 'edge-down', isHarmless: true });
    request.continue();
    const sentAt = clock.now();
    trace.stamps['request-relayed'] = sentAt;
    observer.requestRelayed(trace);
    const answer = await link.client.send({
      origin: link.origin,
      method: 'POST',
      path: '/v1/exchange',
      fields: [['host', link.host], ['authorization', `Bearer ${link.token}`], ...packed.fields],
      framing: request.content === undefined ? noContent : request.framing,
      content: request.content,
      headDeadlineMs: limits.connectTimeoutMs + limits.headDeadlineMs + edgeGraceMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      maxOctetsHeld: limits.maxHeadBytes,
      onLeave: request.onLeave,
    });
    if (answer.kind === 'failed') return lost(edge, request, answer);
    const receivedAt = clock.now();
    const envelope = unsealed(answer);
    if (envelope.kind === 'invalid') {
      answer.content.cancel();
      return failed(envelope.error, 'agent', envelope.fault);
    }
    const { stages, upstream: socket, cache, transform, colo } = envelope.envelope;
    trace.stamps['response-received'] = receivedAt;
    trace.edge = {
      stages,
      ...(socket !== undefined && { upstream: socket }),
      ...edge.timed(sentAt, stages, receivedAt),
    };
    if (socket?.address !== undefined) {
      trace.address = socket.address;
      trace.addressKnownBy = 'socket';
    }
    if (cache !== undefined) trace.cache = { ...trace.cache, edge: cache };
    trace.transform = transform;
    if (colo !== undefined) trace.route = { ...(route as Extract<Route, { kind: 'edge' }>), colo };
    observer.responseReceived(trace);
    return outcomeOf(ports, request, envelope.envelope, answer);
  };
}

/** What the edge may dial, as it takes it. */
function pinned(addresses: readonly string[]): readonly string[] {
  return addresses.flatMap((address) => canonicalAddress(address) ?? []).slice(0, maxAddresses);
}

function envelopeOf(
  request: PlannedRequest,
  addresses: readonly string[],
  { limits, upstream, generation }: EdgePorts,
): RequestEnvelope {
  const { trace, method, url, fields, forwardFields, content, plan } = request;
  const edgeCache = edgeCacheOf(request);
  const edgePlan = edgePlanOf(request);
  const { connectTimeoutMs, idleTimeoutMs, maxHeadBytes, maxFields, maxInterimResponses, headDeadlineMs } = limits;
  return {
    id: trace.id,
    method,
    url,
    fields: takesTrailers(fields) ? [...forwardFields, ['TE', 'trailers']] : forwardFields,
    content: content !== undefined,
    upstream: plan?.upstream?.action ?? upstream,
    ...(addresses.length > 0 && { addresses }),
    limits: { connectTimeoutMs, idleTimeoutMs, maxHeadBytes, maxFields, maxInterimResponses },
    ...(generation !== undefined && edgeCache !== 'off' && { cache: { mode: edgeCache, generation: generation(url) } }),
    ...(edgePlan !== undefined && { plan: edgePlan }),
    headDeadlineMs,
  };
}

function sealed(envelope: RequestEnvelope): string {
  return Buffer.from(JSON.stringify(envelope), 'utf8').toString('base64url');
}

type Unsealed =
  | { readonly kind: 'valid'; readonly envelope: ResponseEnvelope }
  | { readonly kind: 'invalid'; readonly error: ProxyError; readonly fault?: EdgeFault };

/** A reply without a valid envelope is not the edge's word, whatever its status: captive portals answer 200. */
function unsealed(answer: Extract<UpstreamAnswer, { kind: 'response' }>): Unsealed {
  if (answer.status === 401)
    return invalid('The edge does not know the token.', 'Check the token: `--token`, or edge.edges in edgehop.jsonc.');
  if (answer.status === 503)
    return invalid(
      'The edge has no token configured, or is overloaded.',
      'Set one: `npx wrangler secret put EDGEHOP_TOKENS`.',
    );
  if (answer.status === 413)
    return invalid('The edge does not take content of this size.', 'Start the agent with `--edge none`.', {
      because: 'edge-upload-limit',
      isHarmless: true,
    });
  if (answer.status === 429)
    return invalid("The edge's quota of requests is used up.", 'Wait, or raise the plan of the account.', {
      because: 'edge-quota',
      isHarmless: true,
    });
  const unpacked = unpackEnvelope((name) => onlyValue(answer.fields, name));
  if (answer.status !== 200 || unpacked.kind !== 'unpacked') {
    return invalid(
      'What answered for the edge is not an edgehop worker.',
      'Check the URL of the edge, and whether a login page stands between.',
      { because: 'edge-replaced', isHarmless: false },
    );
  }
  const parsed = responseEnvelope.safeParse(parsedJson(unpacked.text));
  if (!parsed.success)
    return invalid("The edge's reply is not of version 1.", 'Update agent and worker to the same version.');
  return { kind: 'valid', envelope: parsed.data };
}

function parsedJson(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

async function outcomeOf(
  { edge, limits, trustsMore }: EdgePorts,
  { trace, method, scheme, host, port, interim }: PlannedRequest,
  envelope: ResponseEnvelope,
  { content }: Extract<UpstreamAnswer, { kind: 'response' }>,
): Promise<Outcome> {
  if (envelope.kind === 'failed') {
    discard(content);
    const error = await edge.explain(errorFromShape(envelope.error), envelope.reference, {
      scheme,
      host,
      port,
      address: trace.address,
    });
    return failed(error, 'edge', faultOf(error, edge.embedded, trustsMore));
  }
  if (envelope.fields.length > limits.maxFields) {
    content.cancel();
    return failed(
      new ProxyError('http_response_header_section_size', 'The origin sent more fields than are relayed.'),
      'edge',
    );
  }
  if (!envelope.fields.every(isValidField)) {
    // Of a response that came as HTTP/1.1 the parser has seen to this; out of an envelope nobody has.
    content.cancel();
    return failed(
      new ProxyError('http_protocol_error', 'The origin sent a field with octets that are not allowed.'),
      'edge',
    );
  }
  const judged = judgeResponse(method, envelope.status, envelope.fields);
  if (judged.kind === 'refused') {
    content.cancel();
    return failed(judged.error, 'edge');
  }
  for (const { status, fields } of envelope.interim ?? []) if (fields.every(isValidField)) interim(status, fields);
  const { status: code, reason, transform } = envelope;
  const head = { status: code, reason, fields: judged.fields, ...(transform !== undefined && { transform }) };
  const ending = envelope.content;
  if (ending.kind === 'none' || judged.content.kind === 'none') {
    discard(content);
    return { kind: 'response', response: { ...head, content: { kind: 'none' } } };
  }
  if (ending.kind === 'length') {
    return {
      kind: 'response',
      response: { ...head, content: { kind: 'some', octets: ending.octets, source: counted(content, ending.octets) } },
    };
  }
  const source = markedContent(content, ending.nonce, trace, envelope);
  return { kind: 'response', response: { ...head, content: { kind: 'some', octets: undefined, source } } };
}

/** The edge has not answered. The request may be sent again when it was never sent, or may be sent twice. RFC 9110 9.2.2. */
function lost(
  edge: EdgeLink,
  request: PlannedRequest,
  { error, progress }: Extract<UpstreamAnswer, { kind: 'failed' }>,
): Outcome {
  if (error.type === 'http_request_error') return failed(error); // the client's own content broke off
  edge.lost(error);
  const isReplayable = request.content === undefined && (progress === 'unsent' || isIdempotent(request.method));
  const message = lateness[error.type] ?? 'The edge broke off before it answered.';
  const edgeError = new ProxyError(error.type, message, {
    status: error.status,
    advice: 'Try again; if it stays so, look at the log of the agent.',
    cause: error,
  });
  // After all this time nobody waits for a second attempt.
  if (error.type in lateness) return failed(edgeError);
  return {
    kind: 'failed',
    error: edgeError,
    source: 'agent',
    mayRetry: isReplayable,
    edgeFault: { because: 'edge-down', isHarmless: progress === 'unsent' },
  };
}

/** What took the edge too long, in words. It may be the origin behind it that holds it up. */
const lateness: Readonly<Partial<Record<ErrorType, string>>> = {
  http_response_timeout: 'The edge did not answer in time.',
  connection_write_timeout: 'The edge took no more of the content for too long.',
};

/** Whose fault it is: that of the client, unless it would fit without what rules ask for. */
function tooLarge({ plan, ...asked }: RequestEnvelope): ProxyError {
  if (plan !== undefined && packEnvelope(sealed(asked)).kind === 'packed') {
    const message = 'What the rules for this request ask of the edge is larger than the edge takes.';
    const advice = 'Shorten the texts of their transforms, or let fewer of them hold for one request.';
    return new ProxyError('proxy_configuration_error', message, { status: 502, advice });
  }
  return new ProxyError('http_request_error', 'The head of the request is larger than the edge takes.', {
    status: 431,
  });
}

function invalid(message: string, advice: string, fault?: EdgeFault): Unsealed {
  const error = new ProxyError('proxy_configuration_error', message, { status: 502, advice });
  return { kind: 'invalid', error, ...(fault !== undefined && { fault }) };
}

/** What a failure that the edge reports says of the edge: most say something of the origin only. */
function faultOf({ type, status }: ProxyError, isEmbedded: boolean, trustsMore: boolean): EdgeFault | undefined {
  if (type === 'http_request_error' && status === 501) return { because: 'edge-cannot-carry', isHarmless: true };
  if (type === 'tls_certificate_error' && trustsMore) return { because: 'edge-cannot-reach', isHarmless: true };
  // An embedded edge reaches what the agent reaches. For a deployed one there are names and hosts out of its reach.
  return !isEmbedded && unreachable.has(type) ? { because: 'edge-cannot-reach', isHarmless: true } : undefined;
}

const unreachable: ReadonlySet<ErrorType> = new Set<ErrorType>([
  'dns_error',
  'dns_timeout',
  'destination_unavailable',
  'destination_ip_unroutable',
  'connection_refused',
  'connection_timeout',
]);

function failed(error: ProxyError, source: 'agent' | 'edge' = 'agent', edgeFault?: EdgeFault): Outcome {
  return { kind: 'failed', error, source, mayRetry: false, ...(edgeFault !== undefined && { edgeFault }) };
}
