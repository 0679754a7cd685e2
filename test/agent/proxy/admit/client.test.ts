// A client is let in by its address, how often it asks and its credentials; each refusal says what is asked of it.
import { describe, expect, test } from 'vitest';
import {
  basicCredentials,
  type ClientAccess,
  createClientAdmit,
  createSocksClients,
} from '../../../../agent/proxy/admit/client.ts';
import type { Fields } from '../../../../http/fields.ts';
import { connection, testTrace } from '../../../support/walk.ts';

const open: ClientAccess = {
  isAllowed: () => true,
  isTrusted: () => true,
  mayAsk: () => true,
  verify: undefined,
};

const asking: ClientAccess = {
  ...open,
  verify: (_address, name, password) => {
    if (name === 'slow') return Promise.resolve(password === 'right' ? 'right' : 'wrong');
    return password === 'right' ? 'right' : password === 'often' ? 'too-many' : 'wrong';
  },
};

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const shown = (value: string): Fields => [['Proxy-Authorization', value]];
const reverse = { host: '*', path: '/', pool: 'app', stripPath: false } as const;

/** What a client is told: a status, or nothing. */
async function told(access: ClientAccess, fields: Fields = [], isReverse = false): Promise<number | undefined> {
  const asker = { trace: testTrace(), fields, ...(isReverse && { reverse }) };
  const admission = await createClientAdmit(access)(asker);
  if (admission.kind === 'admitted') return undefined;
  expect(admission.error.type).toBe('http_request_denied');
  return admission.error.status;
}

describe('a client', () => {
  test('is judged by the address of its connection', () => {
    const asked: string[] = [];
    const isAllowed = (address: string) => asked.push(address) > 0;
    createClientAdmit({ ...open, isAllowed })({ trace: testTrace(), fields: [] });
    expect(asked).toEqual([connection.address]);
  });

  test('is let in at once where nothing is asked of it', () => {
    expect(createClientAdmit(open)({ trace: testTrace(), fields: [] })).toEqual({ kind: 'admitted' });
  });

  test('that the lists do not let in is 403, whatever it shows', async () => {
    expect(await told({ ...asking, isAllowed: () => false }, shown(basic('a:right')))).toBe(403);
  });

  test('that asks too often is 429, before its credentials are looked at', async () => {
    const verify = () => {
      throw new Error('not to be asked');
    };
    expect(await told({ ...asking, mayAsk: () => false, verify }, shown(basic('a:right')))).toBe(429);
  });

  test('D01: that shows credentials where none are asked for is let in', async () => {
    expect(await told(open, shown(basic('a:whatever')))).toBeUndefined();
  });
});

describe('credentials', () => {
  test.each([
    ['right ones', basic('a:right'), undefined],
    ['right ones that have to be verified', basic('slow:right'), undefined],
    ['wrong ones', basic('a:wrong'), 407],
    ['wrong ones that have to be verified', basic('slow:wrong'), 407],
    ['one guess too many', basic('a:often'), 429],
    ['another scheme', 'Bearer abc', 407],
    ['no scheme', Buffer.from('a:right').toString('base64'), 407],
    ['nothing behind the scheme', 'Basic ', 407],
  ])('D01: %s', async (_, value, status) => {
    expect(await told(asking, shown(value))).toBe(status);
  });

  test('none, and several, are 407', async () => {
    expect(await told(asking)).toBe(407);
    expect(await told(asking, [...shown(basic('a:right')), ...shown(basic('a:right'))])).toBe(407);
  });

  test('for an origin are not those for the proxy', async () => {
    expect(await told(asking, [['Authorization', basic('a:right')]])).toBe(407);
  });
});

describe('a reverse route', () => {
  test('asks for no credentials, but counts and heeds the lists', async () => {
    expect(await told(asking, [], true)).toBeUndefined();
    expect(await told({ ...asking, isAllowed: () => false }, [], true)).toBe(403);
    expect(await told({ ...asking, mayAsk: () => false }, [], true)).toBe(429);
  });

  test('is closed to strangers on the network, unless they show credentials all the same', async () => {
    const stranger = { ...asking, isTrusted: () => false };
    expect(await told(stranger, [], true)).toBe(403);
    expect(await told(stranger, shown(basic('a:wrong')), true)).toBe(407);
    expect(await told(stranger, shown(basic('a:right')), true)).toBeUndefined();
    expect(await told({ ...open, isTrusted: () => false }, shown(basic('a:right')), true)).toBe(403);
  });
});

describe('the value of Proxy-Authorization', () => {
  test.each([
    ['a:b', 'a', 'b'],
    ['a:', 'a', ''],
    [':b', '', 'b'],
    ['a:b:c', 'a', 'b:c'],
    ['änn:wörd', 'änn', 'wörd'],
    ['a:wo\u0308rd', 'a', 'wörd'],
  ])('of %j is understood (RFC 7617 2)', (text, name, password) => {
    expect(basicCredentials([basic(text)])).toEqual({ name, password });
  });

  test.each([
    ['no colon', basic('ab')],
    ['no UTF-8', `Basic ${Buffer.from('a:\xfc', 'latin1').toString('base64')}`],
    ['no base64', 'Basic a:b'],
    ['more than base64', `${basic('a:b')} x`],
  ])('with %s is none', (_, value) => {
    expect(basicCredentials([value])).toBeUndefined();
  });

  test('names its scheme in any case', () => {
    expect(basicCredentials([basic('a:b').replace('Basic', 'bASIC ')])).toEqual({ name: 'a', password: 'b' });
  });
});

describe('SOCKS5', () => {
  test('asks for credentials where there are any, and judges the rest when the request has come', async () => {
    expect(createSocksClients(open).asksCredentials).toBe(false);
    const clients = createSocksClients({ ...asking, mayAsk: () => false });
    expect(clients.asksCredentials).toBe(true);
    expect(await clients.verify('192.0.2.7', 'a', 'right')).toBeUndefined();
    expect((await clients.verify('192.0.2.7', 'a', 'wrong'))?.status).toBe(407);
    expect((await clients.verify('192.0.2.7', 'a', 'often'))?.status).toBe(429);
    expect(clients.admit('192.0.2.7')?.status).toBe(429);
  });
});
