// What this edge fetches for its owner, judged here whatever the agent has judged: destination and loop.
import type { MiddlewareHandler } from 'hono';
import { canonicalAddress } from '../../http/address.ts';
import { authorityAt } from '../../http/authority.ts';
import {
  type AddressesVerdict,
  type DestinationPolicy,
  judgeAddresses,
  judgeDestination,
} from '../../http/destination.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { type AbsoluteTarget, parseRequestTarget } from '../../http/request-target.ts';
import { hasPassedEdge } from '../../http/via.ts';
import type { RequestEnvelope } from '../../schemas/relay.ts';
import { type Env, embeddedPolicy } from '../env.ts';
import { failed } from '../finish/reply.ts';
import type { Walk } from '../walk.ts';

/** Lets an exchange pass whose destination is allowed and which has not been here before; else answers a failed envelope. */
export const admit: MiddlewareHandler<{ Bindings: Env; Variables: Walk }> = async (c, next) => {
  const verdict = judgeExchange(c.get('envelope'), new URL(c.req.url).host, policyOf(c.env.EDGEHOP_EMBEDDED));
  if (verdict.kind === 'refused') return failed(c, verdict.error);
  c.set('target', verdict.target);
  return next();
};

export type ExchangeVerdict =
  | { readonly kind: 'admitted'; readonly target: AbsoluteTarget }
  | { readonly kind: 'refused'; readonly error: ProxyError };

/** Whether the edge carries this exchange. `ownHost` is the host, with port, by which the worker was called. */
export function judgeExchange(
  envelope: Pick<RequestEnvelope, 'method' | 'url' | 'fields' | 'addresses'>,
  ownHost: string,
  policy: DestinationPolicy,
): ExchangeVerdict {
  const target = parseRequestTarget(envelope.method === 'OPTIONS' ? 'OPTIONS' : 'GET', envelope.url);
  if (target.kind !== 'absolute') {
    const because = target.kind === 'malformed' ? target.because : 'it is not an absolute http or https URL';
    return malformed(`The edge does not fetch this URL: ${because}.`);
  }
  // What is judged must be what is fetched, so only the canonical text is taken, which has no userinfo.
  if (target.url !== envelope.url) return malformed('The edge takes only canonical URLs without userinfo.');
  const { addresses = [] } = envelope;
  if (addresses.some((address) => canonicalAddress(address) !== address)) {
    return malformed('The edge takes only canonical addresses.');
  }
  const authorities = [authorityOf(target.url), ...addresses.map((address) => authorityAt(address, target.port))];
  if (authorities.some((each) => withoutRootDot(each) === withoutRootDot(ownHost)) || hasPassedEdge(envelope.fields)) {
    return refused('proxy_loop_detected', 'The request has come back to the edge that is to fetch it.', {
      advice: 'Do not set edgehop as a proxy of itself, and do not ask it for its own edge.',
    });
  }
  const { host, port } = target;
  const verdict = judgeDestination({ host, port, purpose: 'exchange' }, policy);
  if (verdict.kind === 'refused') return prohibited(verdict);
  const addressed = addresses.length === 0 ? undefined : judgeAddresses({ host, port }, addresses, policy);
  return addressed?.kind === 'refused' ? prohibited(addressed) : { kind: 'admitted', target };
}

function malformed(message: string): ExchangeVerdict {
  return refused('http_request_denied', message, { status: 400 });
}

function prohibited({ type, because }: Extract<AddressesVerdict, { kind: 'refused' }>): ExchangeVerdict {
  return refused(type, `The edge refuses this destination: ${because}.`, {
    status: 403,
    advice: 'Private destinations are reached only through the embedded edge, when its agent allows them.',
  });
}

function refused(...error: ConstructorParameters<typeof ProxyError>): ExchangeVerdict {
  return { kind: 'refused', error: new ProxyError(...error) };
}

/** Host and port of a canonical URL without userinfo, which has been parsed often enough. */
function authorityOf(canonicalUrl: string): string {
  return canonicalUrl.split('/', 3)[2] ?? '';
}

function withoutRootDot(host: string): string {
  return host.replace(/\.(?=:|$)/, '');
}

const publicOnly: DestinationPolicy = { allowPrivate: false, exceptions: [] };
let known: { readonly text: string; readonly policy: DestinationPolicy } | undefined;

/** The policy on destinations: that of the embedded edge, by its setting; else public ones only. */
export function policyOf(embedded: string | undefined): DestinationPolicy {
  if (embedded === undefined) return publicOnly;
  if (known?.text !== embedded) {
    const { allowPrivate, exceptions } = embeddedPolicy.parse(JSON.parse(embedded));
    const withPorts = exceptions.map((exception) => ({ ...exception, port: exception.port }));
    known = { text: embedded, policy: { allowPrivate, exceptions: withPorts } };
  }
  return known.policy;
}
