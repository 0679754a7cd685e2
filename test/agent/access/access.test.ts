// Connections and requests of each client are counted within their bounds, also over a change of the configuration.
import { describe, expect, test } from 'vitest';
import { type Access, createAccess } from '../../../agent/access/access.ts';
import { hashOf } from '../../../agent/access/password-hash.ts';
import { config } from '../../../schemas/config.ts';
import { stillClock } from '../../support/walk.ts';

const clock = stillClock();
const credentials = [{ name: 'anna', hash: await hashOf('secret', { cost: 2, parallelism: 1 }) }];

function access(given: { readonly admit?: object; readonly limits?: object }, previous?: Access): Access {
  const { admit, limits } = config.parse(given);
  return createAccess({ admit, limits, clock }, previous);
}

describe('connections', () => {
  test('of one client are bounded, and each that leaves makes room for one', () => {
    const { enters, leaves, counts, memory } = access({ limits: { maxConnectionsPerClient: 2 } });
    expect([enters('192.0.2.7'), enters('::ffff:192.0.2.7'), enters('192.0.2.7')]).toEqual([true, true, false]);
    expect(enters('192.0.2.8')).toBe(true);
    leaves('192.0.2.7');
    expect([enters('192.0.2.7'), enters('192.0.2.7')]).toEqual([true, false]);
    for (const address of ['192.0.2.7', '192.0.2.7', '192.0.2.8']) leaves(address);
    expect(memory.connections.size).toBe(0);
    expect(counts().tooManyConnections).toBe(2);
  });

  test('of clients that are denied do not enter', () => {
    const { enters, counts } = access({ admit: { clients: { deny: ['192.0.2.0/24'] } } });
    expect([enters('192.0.2.7'), enters('127.0.0.1')]).toEqual([false, true]);
    expect(counts().denied).toBe(1);
  });

  test('go on counting over a change of the configuration, and lists change at once', () => {
    const limits = { maxConnectionsPerClient: 2 };
    const before = access({ limits });
    before.enters('192.0.2.7');
    const after = access({ limits, admit: { clients: { deny: ['192.0.2.8'] } } }, before);
    expect([after.enters('192.0.2.7'), after.enters('192.0.2.7')]).toEqual([true, false]);
    expect(after.enters('192.0.2.8')).toBe(false);
    before.leaves('192.0.2.7');
    expect(after.enters('192.0.2.7')).toBe(true);
    expect(after.counts()).toMatchObject({ tooManyConnections: 1, denied: 1 });
  });
});

describe('requests', () => {
  test('have no bound unless one is set', () => {
    const { mayAsk, memory } = access({});
    for (let i = 0; i < 10_000; i++) expect(mayAsk('192.0.2.7')).toBe(true);
    expect(memory.requests).toBeUndefined();
  });

  test('of one client are as many in a second as it has in reserve', () => {
    const { mayAsk, counts } = access({ limits: { maxRequestsPerSecondPerClient: 3 } });
    const asked = () => Array.from({ length: 4 }, () => mayAsk('2001:db8::1'));
    expect(asked()).toEqual([true, true, true, false]);
    expect(mayAsk('2001:db8::ffff')).toBe(false); // the same network
    expect(mayAsk('2001:db8:0:1::1')).toBe(true);
    clock.at += 1_000;
    expect(asked()).toEqual([true, true, true, false]);
    expect(counts().tooManyRequests).toBe(3);
  });
});

test('is trusted without credentials: this machine, and whom the list names', () => {
  const { isTrusted } = access({ admit: { clients: { allow: ['192.0.2.0/24'] } } });
  expect(['127.0.0.1', '::1', '192.0.2.7', '198.51.100.1'].map(isTrusted)).toEqual([true, true, true, false]);
  expect(access({}).isTrusted('192.0.2.7')).toBe(false);
});

test('credentials are asked for where there are any, and wrong ones are counted', async () => {
  expect(access({}).verify).toBeUndefined();
  const { verify, counts } = access({ admit: { credentials } });
  expect(await verify?.('192.0.2.7', 'anna', 'secret')).toBe('right');
  expect(await verify?.('192.0.2.7', 'anna', 'wrong')).toBe('wrong');
  expect(counts().wrongCredentials).toBe(1);
});

test('credentials that are taken away are good no more, although they were known', async () => {
  const before = access({ admit: { credentials } });
  await before.verify?.('192.0.2.7', 'anna', 'secret');
  const other = [{ ...credentials[0], name: 'bob' }];
  const after = access({ admit: { credentials: other } }, before);
  expect(await after.verify?.('192.0.2.7', 'anna', 'secret')).toBe('wrong');
  expect(await after.verify?.('192.0.2.7', 'bob', 'secret')).toBe('right');
});
