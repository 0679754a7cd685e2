// Who may use this edge: bearers of a configured token, and nobody while none is configured. RFC 6750.
import type { MiddlewareHandler } from 'hono';
import type { Env } from '../env.ts';
import { problem } from '../finish/problem.ts';
import type { Walk } from '../walk.ts';

/** Lets a request pass whose bearer token is configured, and notes the token's name. 503 without tokens, 401 otherwise. */
export const authenticate: MiddlewareHandler<{ Bindings: Env; Variables: Walk }> = async (c, next) => {
  const configured = await configuredTokens(c.env.EDGEHOP_TOKENS ?? '');
  if (configured.length === 0) {
    return problem(503, 'No token is configured, so this edge serves nobody.', {
      advice:
        'Set one with `npx wrangler secret put EDGEHOP_TOKENS`; its value is name=token, at least 16 characters a token, several separated by commas.',
    });
  }
  const name = await bearerIn(c.req.header('authorization'), configured);
  if (name === undefined) {
    return problem(401, 'The token is missing or wrong.', {
      advice: 'Send one of the tokens of EDGEHOP_TOKENS as `Authorization: Bearer`.',
      fields: { 'www-authenticate': 'Bearer realm="edgehop"' },
    });
  }
  c.set('token', name);
  return next();
};

/** Whether a value of Authorization holds a token of this edge, so that it may be shown to nobody else. */
export async function bearsToken(authorization: string | null, { EDGEHOP_TOKENS = '' }: Env): Promise<boolean> {
  if (authorization === null) return false;
  return (await bearerIn(authorization, await configuredTokens(EDGEHOP_TOKENS))) !== undefined;
}

/** The name of the token in a value of Authorization, if it is one of these. */
async function bearerIn(authorization: string | undefined, tokens: readonly Token[]): Promise<string | undefined> {
  const presented = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  return presented === undefined ? undefined : nameOf(presented, tokens);
}

interface Token {
  readonly name: string;
  readonly digest: ArrayBuffer;
}

const minTokenCharacters = 16;
let known: { readonly text: string; readonly tokens: Promise<readonly Token[]> } | undefined;

/** Digests are kept for the isolate, as long as the secret is the same. Plain data, so it may cross requests. */
function configuredTokens(text: string): Promise<readonly Token[]> {
  if (known?.text !== text) known = { text, tokens: parseTokens(text) };
  return known.tokens;
}

function parseTokens(text: string): Promise<readonly Token[]> {
  const pairs = text.split(/[\s,]+/).flatMap((pair) => {
    const separator = pair.indexOf('=');
    const [name, token] = [pair.slice(0, separator), pair.slice(separator + 1)];
    return separator > 0 && token.length >= minTokenCharacters ? [{ name, token }] : [];
  });
  return Promise.all(pairs.map(async ({ name, token }) => ({ name, digest: await digestOf(token) })));
}

/** Compares with every token, each in constant time, so that neither timing nor order tells anything. */
async function nameOf(presented: string, tokens: readonly Token[]): Promise<string | undefined> {
  const digest = await digestOf(presented);
  let name: string | undefined;
  for (const token of tokens) if (crypto.subtle.timingSafeEqual(digest, token.digest)) name = token.name;
  return name;
}

const encoder = new TextEncoder();

function digestOf(token: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', encoder.encode(token));
}
