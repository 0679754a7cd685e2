// What comes out of the look-up of a dial is what the policy allows, and nothing else.
import { expect, test } from 'vitest';
import type { Resolution } from '../../../agent/proxy/ports.ts';
import { checkedAddresses } from '../../../agent/upstream/checked-lookup.ts';
import { type DestinationException, type DestinationPolicy, parseException } from '../../../http/destination.ts';
import { ProxyError } from '../../../http/proxy-error.ts';

const strict: DestinationPolicy = { allowPrivate: false, exceptions: [] };

test('all addresses, in the order of the resolver', async () => {
  const addresses = ['2606:2800:21f::1', '93.184.215.14'];
  expect(await lookedUp(addresses)).toEqual({ kind: 'resolved', addresses });
});

test('C03, C04: one private address refuses them all', async () => {
  expect(await lookedUp(['93.184.215.14', '::1'])).toMatchObject({
    kind: 'failed',
    error: { type: 'destination_ip_prohibited', status: 403 },
  });
});

test('an exception for one port holds for that port alone', async () => {
  const exceptions = [parseException('o.example:8443') as DestinationException];
  const policy = { allowPrivate: false, exceptions };
  expect((await lookedUp(['10.0.0.7'], policy, 8443)).kind).toBe('resolved');
  expect((await lookedUp(['10.0.0.7'], policy, 80)).kind).toBe('failed');
});

test('an address is judged without looking anything up', async () => {
  const never = () => Promise.reject(new Error('looked up'));
  const addresses = checkedAddresses(never, () => strict);
  expect(await addresses('93.184.215.14', 80)).toEqual({ kind: 'resolved', addresses: ['93.184.215.14'] });
  expect((await addresses('10.0.0.7', 80)).kind).toBe('failed');
});

test('the policy is read anew at each dial', async () => {
  let policy: DestinationPolicy = { allowPrivate: true, exceptions: [] };
  const addresses = checkedAddresses(
    async () => ({ kind: 'resolved', addresses: ['10.0.0.7'] }),
    () => policy,
  );
  expect((await addresses('o.example', 80)).kind).toBe('resolved');
  policy = strict;
  expect((await addresses('o.example', 80)).kind).toBe('failed');
});

test('a failure to resolve is told as it is', async () => {
  const error = new ProxyError('dns_timeout', 'Silent.');
  expect(await lookedUp(error)).toEqual({ kind: 'failed', error });
});

function lookedUp(answer: readonly string[] | ProxyError, policy = strict, port = 80): Promise<Resolution> {
  const resolution: Resolution =
    answer instanceof ProxyError ? { kind: 'failed', error: answer } : { kind: 'resolved', addresses: answer };
  return checkedAddresses(
    async () => resolution,
    () => policy,
  )('o.example', port);
}
