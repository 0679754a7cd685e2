// The parents of a running agent: where they are dialled, and that edgehop never takes itself for one.
import { describe, expect, test } from 'vitest';
import type { Resolution } from '../../../agent/proxy/ports.ts';
import { parentRules } from '../../../agent/upstream/parents.ts';
import { createParents } from '../../../agent/upstream/parents-in-use.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { config } from '../../../schemas/config.ts';

const destination = { scheme: 'https', host: 'o.example', port: 443 } as const;

describe('a parent that is edgehop itself', () => {
  test.each([
    ['http://127.0.0.1:8080'],
    ['http://localhost:8080'],
    ['http://[::1]:8080'],
    ['socks5://127.0.0.1:8080'],
    ['http://[::ffff:127.0.0.1]:8080'],
    ['http://127.0.0.1:8081'],
    ['http://192.0.2.7:8080'],
  ])('C05: %s is let go of once edgehop listens, and that is said once', (text) => {
    const { parents, said } = inUse({ HTTPS_PROXY: text, HTTP_PROXY: text });
    parents.listening();
    expect(parents.of(destination)).toBe(undefined);
    expect(parents.of({ ...destination, scheme: 'http' })).toBe(undefined);
    expect(said).toEqual(['HTTP_PROXY and HTTPS_PROXY name edgehop itself, so it is no parent proxy']);
  });

  test('C05: by name is let go of when the name is resolved, and is not dialled before', async () => {
    const { parents, said } = inUse({ ALL_PROXY: 'http://me.example:8080' });
    const parent = parents.of(destination);
    if (parent === undefined) throw new Error('no parent');
    expect(await parents.addressesOf(parent)).toMatchObject({ kind: 'failed', error: { type: 'proxy_loop_detected' } });
    expect(parents.of(destination)).toBe(undefined);
    expect(said).toEqual(['ALL_PROXY names edgehop itself, so it is no parent proxy']);
    await parents.addressesOf(parent);
    expect(said.length).toBe(1);
  });

  test('leaves the other in use', () => {
    const { parents, said } = inUse({ HTTPS_PROXY: 'http://127.0.0.1:8080', http_proxy: 'http://192.0.2.1:3128' });
    parents.listening();
    expect(parents.of(destination)).toBe(undefined);
    expect(parents.of({ ...destination, scheme: 'http' })?.name).toBe('http://192.0.2.1:3128');
    expect(said).toEqual([
      'HTTPS_PROXY names edgehop itself, so it is no parent proxy',
      'http goes through the parent proxy http://192.0.2.1:3128 (http_proxy)',
    ]);
  });

  test.each(['http://127.0.0.1:3128', 'http://192.0.2.8:8080'])('is not %s', (text) => {
    const { parents } = inUse({ HTTPS_PROXY: text });
    parents.listening();
    expect(parents.of(destination)?.name).toBe(text);
  });
});

describe('the addresses of a parent', () => {
  test.each<readonly [text: string, resolution: Resolution]>([
    ['http://192.0.2.1:3128', { kind: 'resolved', addresses: ['192.0.2.1'] }],
    ['http://[2001:db8::1]:3128', { kind: 'resolved', addresses: ['2001:db8::1'] }],
    ['http://localhost:3128', { kind: 'resolved', addresses: ['127.0.0.1', '::1'] }],
    ['http://proxy.example:3128', { kind: 'resolved', addresses: ['10.0.0.1', '10.0.0.2'] }],
  ])('of %s are %j', async (text, resolution) => {
    const { parents } = inUse({ HTTPS_PROXY: text });
    const parent = parents.of(destination);
    expect(parent && (await parents.addressesOf(parent))).toEqual(resolution);
  });

  test('may not be found', async () => {
    const { parents } = inUse({ HTTPS_PROXY: 'http://nowhere.example:3128' });
    const parent = parents.of(destination);
    expect(parent && (await parents.addressesOf(parent))).toMatchObject({
      kind: 'failed',
      error: { type: 'dns_error' },
    });
    expect(parents.of(destination)).toBe(parent); // the network may come back
  });
});

test('what goes where is said once edgehop listens, without credentials', () => {
  const both = inUse({ ALL_PROXY: 'socks5h://me:secret@192.0.2.1' });
  both.parents.listening();
  expect(both.said).toEqual([
    'http, https and tunnels go through the parent proxy socks5h://192.0.2.1:1080 (ALL_PROXY)',
  ]);
  const none = inUse({});
  none.parents.listening();
  expect(none.said).toEqual([]);
});

function inUse(environment: Readonly<Record<string, string>>) {
  const said: string[] = [];
  const zone: Readonly<Record<string, readonly string[]>> = {
    'me.example': ['192.0.2.7'],
    'proxy.example': ['10.0.0.1', '10.0.0.2'],
  };
  const parents = createParents({
    rules: parentRules(config.parse({}).parents, environment),
    resolve: async (host) => {
      const addresses = zone[host];
      return addresses === undefined
        ? { kind: 'failed', error: new ProxyError('dns_error', 'No such name.') }
        : { kind: 'resolved', addresses };
    },
    isOwn: (address, port) => ['127.0.0.1', '::1', '192.0.2.7'].includes(address) && (port === 8080 || port === 8081),
    pseudonym: 'edgehop-1a2b',
    say: (sentence) => void said.push(sentence),
  });
  return { parents, said };
}
