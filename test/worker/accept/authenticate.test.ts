// Who may use the edge: nobody without a configured token, and of tokens those that are configured and long enough.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, startDeployedEdge, type TestEdge } from '../../support/edge.ts';

const laptop = 'laptop-token-0123456789';
const phone = 'phone-token-0123456789=='; // base64 ends in =
const short = '123456789012345';
const problem = 'application/problem+json';

describe('without a configured token', () => {
  test.each([
    ['no secret', undefined],
    ['an empty one', ''],
    ['only separators', ' ,\n, '],
    ['a token without a name', laptop],
    ['a token with an empty name', `=${laptop}`],
    ['a token of 15 characters', `laptop=${short}`],
  ])('%s: every /v1 path is 503 and says how to set one', async (_, tokens) => {
    await using edge = await startDeployedEdge({ bindings: tokens === undefined ? {} : { EDGEHOP_TOKENS: tokens } });
    for (const path of ['/v1/hello', '/v1/exchange', '/v1/nothing']) {
      for (const authorization of [undefined, `Bearer ${laptop}`, 'Bearer', `Bearer ${short}`]) {
        const fields = authorization === undefined ? {} : { authorization };
        const reply = await call(edge.direct + path, { method: 'POST', fields });
        expect(reply.status).toBe(503);
        expect(reply.field('content-type')).toBe(problem);
        expect(JSON.parse(reply.content.toString()).advice).toContain('npx wrangler secret put EDGEHOP_TOKENS');
      }
    }
    expect((await call(`${edge.direct}/`)).status).toBe(404);
  });
});

describe('with tokens of two names, one of them in rotation', () => {
  let edge: TestEdge;
  const rotated = 'laptop-token-9876543210';
  beforeAll(async () => {
    edge = await startDeployedEdge({
      bindings: { EDGEHOP_TOKENS: `laptop=${laptop}, laptop=${rotated}\nphone=${phone},short=${short}` },
    });
  });
  afterAll(() => edge[Symbol.asyncDispose]());

  test.each([
    ['the first', `Bearer ${laptop}`],
    ['its successor', `Bearer ${rotated}`],
    ['the last', `Bearer ${phone}`],
    ['the scheme in another case, RFC 9110 11.1', `bearer ${laptop}`],
  ])('%s is let in', async (_, authorization) => {
    expect((await call(`${edge.direct}/v1/hello`, { fields: { authorization } })).status).toBe(200);
  });

  test.each([
    ['no field', undefined],
    ['an empty field', ''],
    ['no token', 'Bearer '],
    ['a wrong token', 'Bearer wrong-token-0123456789'],
    ['a token less its last character', `Bearer ${laptop.slice(0, -1)}`],
    ['a token and one more character', `Bearer ${laptop}x`],
    ['a token in another case', `Bearer ${laptop.toUpperCase()}`],
    ['a configured token that is too short', `Bearer ${short}`],
    ['a name', 'Bearer laptop'],
    ['a whole pair', `Bearer laptop=${laptop}`],
    ['the whole secret', `Bearer laptop=${laptop},laptop=${rotated}`],
    ['two tokens', `Bearer ${laptop} ${laptop}`],
    ['two fields', [`Bearer ${laptop}`, `Bearer ${laptop}`]],
    ['another scheme', `Basic ${laptop}`],
    ['no scheme', laptop],
    ['more than 512 characters', `Bearer ${laptop.repeat(40)}`],
  ])('%s is 401, and what was sent is not told', async (_, authorization) => {
    const fields = authorization === undefined ? {} : { authorization };
    for (const path of ['/v1/hello', '/v1/exchange', '/v1/nothing']) {
      const reply = await call(edge.direct + path, { method: 'POST', fields });
      expect(reply.status).toBe(401);
      expect(reply.field('content-type')).toBe(problem);
      expect(reply.field('www-authenticate')).toBe('Bearer realm="edgehop"');
      expect(reply.content.toString()).not.toContain('0123456789');
    }
  });
});
