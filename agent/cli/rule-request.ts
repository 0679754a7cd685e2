// What a person asks rules about, made into the request or tunnel that rules see.
import { parseAuthority } from '../../http/authority.ts';
import type { Field, Fields } from '../../http/fields.ts';
import type { ResponseHead } from '../../http/plan/on-response.ts';
import type { RuleRequest } from '../../http/plan/plan.ts';
import { parseRequestTarget } from '../../http/request-target.ts';

export interface Asked {
  readonly method: string;
  readonly fields: Fields;
  readonly client: string;
}

export type Understood =
  /** `tunnel`: what a client asks first for an https URL, and all that an agent sees where it does not intercept. */
  | { readonly kind: 'exchange'; readonly exchange: RuleRequest; readonly tunnel: RuleRequest | undefined }
  | { readonly kind: 'tunnel'; readonly tunnel: RuleRequest }
  /** A sentence. */
  | { readonly kind: 'wrong'; readonly because: string };

/** A URL, a bare host (of http), or `host:port` as CONNECT has it: a tunnel. */
export function understood(text: string, { method, fields, client }: Asked): Understood {
  const given = text.trim();
  const authority = given.includes('/') ? undefined : parseAuthority(given);
  if (authority?.kind === 'authority')
    return { kind: 'tunnel', tunnel: { kind: 'tunnel', host: authority.host, port: authority.port, client } };
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const href = URL.canParse(url) ? new URL(url).href.replace(/#.*$/s, '') : url;
  const target = parseRequestTarget('GET', href);
  if (target.kind !== 'absolute') {
    const because = target.kind === 'malformed' ? target.because : 'only http and https URLs are relayed';
    return { kind: 'wrong', because: `"${given}" is no URL that rules are asked about: ${because}.` };
  }
  const { scheme, host, port, path } = target;
  const exchange: RuleRequest = { kind: 'exchange', method, url: target.url, scheme, host, port, path, fields, client };
  return {
    kind: 'exchange',
    exchange,
    tunnel: scheme === 'https' ? { kind: 'tunnel', host, port, client } : undefined,
  };
}

export interface SupposedResponse {
  readonly status?: number | undefined;
  readonly type?: string | undefined;
  readonly size?: number | undefined;
  readonly fields?: Fields | undefined;
}

/** The head of a response of which this is known; nothing where nothing is. The status is 200 where none is given. */
export function supposedHead({ status, type, size, fields }: SupposedResponse): ResponseHead | undefined {
  if (status === undefined && type === undefined && size === undefined && fields === undefined) return undefined;
  const said: Field[] = [
    ...(type === undefined ? [] : [['Content-Type', type] as const]),
    ...(size === undefined ? [] : [['Content-Length', String(size)] as const]),
  ];
  return { status: status ?? 200, fields: [...said, ...(fields ?? [])] };
}

/** Minutes from midnight of HH:MM; nothing where it is no such time. */
export function minuteOf(time: string): number | undefined {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time);
  return parts === null ? undefined : Number(parts[1]) * 60 + Number(parts[2]);
}
