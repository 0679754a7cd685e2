// What comes out of the look-up of a dial is what the policy allows, and nothing else.
import type { LookupAddress, LookupOptions } from 'node:dns';
import { expect, test } from 'vitest';
import type { Resolution } from '../../../agent/proxy/ports.ts';
import { checkedLookup } from '../../../agent/upstream/checked-lookup.ts';
import { type DestinationException, type DestinationPolicy, parseException } from '../../../http/destination.ts';
import { ProxyError } from '../../../http/proxy-error.ts';

const strict: DestinationPolicy = { allowPrivate: false, exceptions: [] };

test('all addresses, or the first, in the order of the resolver', async () => {
  const addresses = ['2606:2800:21f::1', '93.184.215.14'];
  expect(await lookedUp(addresses, { all: true })).toEqual([
    { address: '2606:2800:21f::1', family: 6 },
    { address: '93.184.215.14', family: 4 },
  ]);
  expect(await lookedUp(addresses, {})).toEqual([{ address: '2606:2800:21f::1', family: 6 }]);
});

test('C03, C04: one private address refuses them all', async () => {
  await expect(lookedUp(['93.184.215.14', '::1'], { all: true })).rejects.toMatchObject({
    type: 'destination_ip_prohibited',
    status: 403,
  });
});

test('an exception for one port holds, for the port was judged before', async () => {
  const exceptions = [parseException('o.example:8443') as DestinationException];
  expect(await lookedUp(['10.0.0.7'], {}, { allowPrivate: false, exceptions })).toEqual([
    { address: '10.0.0.7', family: 4 },
  ]);
});

test('the policy is read anew at each dial', async () => {
  let policy: DestinationPolicy = { allowPrivate: true, exceptions: [] };
  const lookup = checkedLookup(
    async () => ({ kind: 'resolved', addresses: ['10.0.0.7'] }),
    () => policy,
  );
  const ask = () => new Promise((resolve) => lookup('o.example', {}, (error) => resolve(error)));
  expect(await ask()).toBeNull();
  policy = strict;
  expect(await ask()).toBeInstanceOf(ProxyError);
});

test('a failure to resolve is told as it is', async () => {
  const error = new ProxyError('dns_timeout', 'Silent.');
  await expect(lookedUp(error, {})).rejects.toBe(error);
});

function lookedUp(
  answer: readonly string[] | ProxyError,
  options: LookupOptions,
  policy = strict,
): Promise<readonly LookupAddress[]> {
  const resolution: Resolution =
    answer instanceof ProxyError ? { kind: 'failed', error: answer } : { kind: 'resolved', addresses: answer };
  return new Promise((resolve, reject) => {
    checkedLookup(
      async () => resolution,
      () => policy,
    )('o.example', options, (error, address, family) => {
      if (error !== null) reject(error);
      else resolve(typeof address === 'string' ? [{ address, family: family ?? 0 }] : address);
    });
  });
}
