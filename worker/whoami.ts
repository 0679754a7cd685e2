// What this edge sees of who has called it, so that nobody has to guess.
import type { Context } from 'hono';
import type { Field } from '../http/fields.ts';
import type { EdgeWhoami } from '../schemas/api.ts';
import type { Env } from './env.ts';
import type { Walk } from './walk.ts';

/** `GET /v1/whoami`. */
export function whoami(c: Context<{ Bindings: Env; Variables: Walk }>): Response {
  const { headers } = c.req.raw;
  const cf = (c.req.raw.cf ?? {}) as Partial<Connection>;
  const address = headers.get('cf-connecting-ip') ?? undefined;
  const answer: EdgeWhoami = {
    ...(address !== undefined && { address }),
    ...(cf.httpProtocol && { httpVersion: cf.httpProtocol }),
    ...(cf.tlsVersion && { tls: { version: cf.tlsVersion, ...(cf.tlsCipher && { cipher: cf.tlsCipher }) } }),
    ...(cf.colo && { colo: cf.colo }),
    ...(cf.country && { country: cf.country }),
    ...(cf.asn && { asn: cf.asn }),
    fields: [...headers].map(withoutCredential),
  };
  return c.json(answer, 200, { 'cache-control': 'no-store' });
}

/** Of `request.cf` what is told. Texts are empty where the platform has nothing to say, such as without TLS. */
interface Connection {
  readonly httpProtocol: string;
  readonly tlsVersion: string;
  readonly tlsCipher: string;
  readonly colo: string;
  readonly country: string | null;
  readonly asn: number;
}

/** The scheme stays, for it is no secret. */
function withoutCredential([name, value]: Field): Field {
  return name === 'authorization' ? [name, `${value.split(' ', 1)[0]} (redacted)`] : [name, value];
}
