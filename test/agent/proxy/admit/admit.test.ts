// Who may ask: the client is judged first, then whether the request has come through here before.
import { expect, test } from 'vitest';
import { createAdmit } from '../../../../agent/proxy/admit/admit.ts';
import type { Admission } from '../../../../agent/proxy/ports.ts';
import type { Fields } from '../../../../http/fields.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { plannedRequest } from '../../../support/walk.ts';

const pseudonym = 'edgehop-1a2b';
const looping: Fields = [['Via', '1.1 other, 1.1 edgehop-1a2b']];
const stranger: Admission = { kind: 'refused', error: new ProxyError('http_request_denied', 'No.', { status: 407 }) };

test('C12: a request that came through this agent is a loop', () => {
  expect(createAdmit({ pseudonym })(plannedRequest({ fields: looping }))).toMatchObject({
    kind: 'refused',
    error: { type: 'proxy_loop_detected', status: 502 },
  });
});

test('another agent in Via is no loop', () => {
  const fields = [['Via', '1.1 edgehop-ffff']] as const;
  expect(createAdmit({ pseudonym })(plannedRequest({ fields }))).toEqual({ kind: 'admitted' });
});

test.each([
  ['at once', stranger],
  ['later', Promise.resolve(stranger)],
])('a client that is refused %s learns nothing else', async (_, admission) => {
  const admit = createAdmit({ pseudonym, client: () => admission });
  expect(await admit(plannedRequest({ fields: looping }))).toBe(stranger);
});

test.each<[string, Admission | Promise<Admission>]>([
  ['at once', { kind: 'admitted' }],
  ['later', Promise.resolve({ kind: 'admitted' })],
])('a client that is let in %s may not loop either', async (_, admission) => {
  const admit = createAdmit({ pseudonym, client: () => admission });
  expect(await admit(plannedRequest({ fields: [] }))).toEqual({ kind: 'admitted' });
  expect(await admit(plannedRequest({ fields: looping }))).toMatchObject({ error: { type: 'proxy_loop_detected' } });
});
