// Who is let in and where it may go, as phases and tunnels ask for it. They have it by way of `ports.ts`.
import type { DestinationPolicy } from '../../http/destination.ts';
import type { RequestPlan, RuleRequest } from '../../http/plan/plan.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { AcceptedRequest, Trace } from './ports.ts';

/** Who asks, in an exchange, an upgrade or a CONNECT. The client's address is that of the trace's connection. */
export type Asker = Pick<AcceptedRequest, 'trace' | 'fields' | 'reverse'>;

export type Admission = { readonly kind: 'admitted' } | { readonly kind: 'refused'; readonly error: ProxyError };

/** Whether this one may ask at all, wherever it wants to go. */
export type Admit = (asker: Asker) => Admission | Promise<Admission>;

export type Destination = { readonly host: string; readonly port: number } & (
  | { readonly purpose: 'exchange'; readonly scheme: 'http' | 'https' }
  | { readonly purpose: 'tunnel' }
  /** An exchange that may become a tunnel: the ports of an exchange, and always the way of a tunnel. */
  | { readonly purpose: 'upgrade' }
);

export type DestinationAdmission =
  | {
      readonly kind: 'admitted';
      readonly addresses: readonly string[];
      readonly directOnly: boolean;
      readonly parent: string | undefined;
    }
  | { readonly kind: 'refused'; readonly error: ProxyError };

/** Judges where something goes, as rules have planned it: at once, unless a name has to be looked up. */
export type Judge = (
  destination: Destination,
  trace: Trace,
  plan: RequestPlan | undefined,
) => DestinationAdmission | Promise<DestinationAdmission>;

/** What the rules say of a request or tunnel; nothing where there is nothing to do. */
export type PlanOf = (request: RuleRequest) => RequestPlan | undefined;

/** Looks a name up. Every answer, in the resolver's order; at once where it is remembered. */
export type Resolve = (host: string) => Resolution | Promise<Resolution>;

export type Resolution =
  | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** The policy on destinations, read anew for each request. */
export type Policy = () => DestinationPolicy;
