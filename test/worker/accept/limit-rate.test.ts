// The platform's rate limit, counted for each token by miniflare.
import { expect, test } from 'vitest';
import { problem } from '../../../schemas/api.ts';
import { call, startDeployedEdge, testToken } from '../../support/edge.ts';

const other = 'another-token-for-tests-0123';
const bindings = { EDGEHOP_TOKENS: `one=${testToken},two=${other}` };
const as = (token: string) => ({ fields: { authorization: `Bearer ${token}` } });

test('one token may ask so often, then 429 with a time; the other is not touched, nor is hello', async () => {
  await using edge = await startDeployedEdge({ bindings, requestsPerMinute: 3 });
  const ask = async (token: string) => call(`${edge.direct}/v1/whoami`, as(token));
  for (let i = 0; i < 3; i++) expect((await ask(testToken)).status).toBe(200);
  const refused = await ask(testToken);
  expect(refused.status).toBe(429);
  expect(refused.field('retry-after')).toBe('60');
  expect(refused.field('content-type')).toBe('application/problem+json');
  expect(problem.parse(JSON.parse(refused.content.toString())).detail).not.toContain(testToken);
  expect((await ask(other)).status).toBe(200);
  expect((await call(`${edge.direct}/v1/hello`, as(testToken))).status).toBe(200);
});

test('who has no token is not counted', async () => {
  await using edge = await startDeployedEdge({ bindings, requestsPerMinute: 1 });
  for (let i = 0; i < 3; i++) expect((await call(`${edge.direct}/v1/whoami`)).status).toBe(401);
  expect((await call(`${edge.direct}/v1/whoami`, as(testToken))).status).toBe(200);
});

test('without the binding nothing is counted', async () => {
  await using edge = await startDeployedEdge({ bindings });
  for (let i = 0; i < 10; i++) expect((await call(`${edge.direct}/v1/whoami`, as(testToken))).status).toBe(200);
});
