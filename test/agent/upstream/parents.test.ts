// Which parent carries what: environment and configuration as tables, and what never goes through one.
import { describe, expect, test } from 'vitest';
import {
  noParents,
  type ParentTarget,
  parentOf,
  parentRules,
  unlessLeftToParent,
} from '../../../agent/upstream/parents.ts';
import { type Config, config } from '../../../schemas/config.ts';

const none = {};

describe('the environment', () => {
  test.each<readonly [environment: Record<string, string>, http: string | undefined, https: string | undefined]>([
    [{}, undefined, undefined],
    [{ http_proxy: 'a:1' }, 'http://a:1', undefined],
    [{ HTTP_PROXY: 'a:1' }, 'http://a:1', undefined],
    [{ HTTP_PROXY: 'a:1', http_proxy: 'b:2' }, 'http://b:2', undefined],
    [{ HTTP_PROXY: 'a:1', http_proxy: '' }, 'http://a:1', undefined],
    [{ https_proxy: 'a:1' }, undefined, 'http://a:1'],
    [{ HTTPS_PROXY: 'https://a:1', https_proxy: 'socks5://b:2' }, undefined, 'socks5://b:2'],
    [{ ALL_PROXY: 'socks5h://a:1' }, 'socks5h://a:1', 'socks5h://a:1'],
    [{ ALL_PROXY: 'socks5h://a:1', http_proxy: 'b:2' }, 'http://b:2', 'socks5h://a:1'],
    [{ ALL_PROXY: 'a:1', all_proxy: 'b:2', HTTPS_PROXY: 'c:3' }, 'http://b:2', 'http://c:3'],
    [{ http_proxy: '', HTTPS_PROXY: '', all_proxy: '' }, undefined, undefined],
    [{ NO_PROXY: 'example.com' }, undefined, undefined],
    [{ ftp_proxy: 'a:1' }, undefined, undefined],
  ])('%j gives http %s and https %s', (environment, http, https) => {
    const rules = parentRules(settings({}), environment);
    expect([rules.http?.name, rules.https?.name]).toEqual([http, https]);
  });

  test('names the variable that was read', () => {
    const { http, https } = parentRules(settings({}), { http_proxy: 'a:1', ALL_PROXY: 'b:2' });
    expect([http?.source, https?.source]).toEqual(['http_proxy', 'ALL_PROXY']);
  });

  test('that cannot be read stops the start, and says which variable', () => {
    expect(() => parentRules(settings({}), { HTTPS_PROXY: 'socks4://a' })).toThrow(/^HTTPS_PROXY does not name/);
  });

  test.each([
    [{ no_proxy: 'a.example', NO_PROXY: 'b.example' }, 'a.example', undefined],
    [{ no_proxy: 'a.example', NO_PROXY: 'b.example' }, 'b.example', 'http://p:1'],
    [{ NO_PROXY: 'b.example' }, 'b.example', undefined],
    [{ NO_PROXY: '*' }, 'c.example', undefined],
  ])('%j: %s goes by %s', (environment, host, name) => {
    expect(parentOf(parentRules(settings({}), { http_proxy: 'p:1', ...environment }), http(host))?.name).toBe(name);
  });
});

describe('the configuration', () => {
  const environment = { http_proxy: 'e:1', https_proxy: 'e:2', all_proxy: 'e:3', no_proxy: 'env.example' };

  test.each<readonly [parents: Partial<Config['parents']>, http: string | undefined, https: string | undefined]>([
    [{}, 'http://e:1', 'http://e:2'],
    [{ use: 'none' }, undefined, undefined],
    [{ use: 'none', all: 'c:1' }, undefined, undefined],
    [{ all: 'c:1' }, 'http://c:1', 'http://c:1'],
    [{ https: 'c:1' }, undefined, 'http://c:1'],
    [{ http: 'c:1', https: 'https://c:2', all: 'socks5://c:3' }, 'http://c:1', 'https://c:2'],
    [{ no: ['a.example'] }, 'http://e:1', 'http://e:2'],
  ])('%j wins over the environment as a whole: http %s, https %s', (parents, http, https) => {
    const rules = parentRules(settings(parents), environment);
    expect([rules.http?.name, rules.https?.name]).toEqual([http, https]);
  });

  test.each<readonly [parents: Partial<Config['parents']>, host: string, name: string | undefined]>([
    [{ all: 'c:1' }, 'env.example', 'http://c:1'],
    [{ all: 'c:1', no: ['a.example', '10.0.0.0/8'] }, 'a.example', undefined],
    [{ all: 'c:1', no: ['a.example', '10.0.0.0/8'] }, '10.1.2.3', undefined],
    [{ no: ['a.example'] }, 'a.example', undefined],
    [{ no: ['a.example'] }, 'env.example', 'http://e:1'],
    [{ no: [] }, 'env.example', 'http://e:1'],
  ])('%j: %s goes by %s', (parents, host, name) => {
    expect(parentOf(parentRules(settings(parents), environment), http(host))?.name).toBe(name);
  });

  test('names the key that was read', () => {
    expect(parentRules(settings({ all: 'c:1' }), none).https?.source).toBe('parents.all');
    expect(() => parentRules(settings({ http: 'http://c:0' }), none)).toThrow(/^parents\.http does not name/);
  });
});

describe('a destination', () => {
  const rules = parentRules(settings({ http: 'h:1', https: 's:1', no: ['excluded.example:8443'] }), none);

  test.each<readonly [ParentTarget, string | undefined]>([
    [{ scheme: 'http', host: 'o.example', port: 80 }, 'http://h:1'],
    [{ scheme: 'https', host: 'o.example', port: 443 }, 'http://s:1'],
    [{ scheme: 'tunnel', host: 'o.example', port: 443 }, 'http://s:1'],
    [{ scheme: 'tunnel', host: 'o.example', port: 80 }, 'http://s:1'],
    [{ scheme: 'https', host: 'excluded.example', port: 8443 }, undefined],
    [{ scheme: 'https', host: 'excluded.example', port: 443 }, 'http://s:1'],
    [{ scheme: 'http', host: '192.0.2.1', port: 80, addresses: ['192.0.2.1'] }, 'http://h:1'],
    [{ scheme: 'http', host: '[2001:db8::1]', port: 80 }, 'http://h:1'],
    [{ scheme: 'http', host: 'o.example', port: 80, addresses: [] }, 'http://h:1'],
    // Private networks as curl: NO_PROXY is for them.
    [{ scheme: 'http', host: '10.0.0.1', port: 80 }, 'http://h:1'],
    [{ scheme: 'http', host: 'nas.home.arpa', port: 80, addresses: ['192.168.1.5'] }, 'http://h:1'],
    // This machine, which the parent would look for at itself.
    [{ scheme: 'http', host: 'localhost', port: 3000 }, undefined],
    [{ scheme: 'tunnel', host: 'app.localhost', port: 443 }, undefined],
    [{ scheme: 'http', host: 'LOCALHOST.', port: 3000 }, undefined],
    [{ scheme: 'http', host: 'ip6-loopback', port: 3000 }, undefined],
    [{ scheme: 'http', host: 'notlocalhost.example', port: 80 }, 'http://h:1'],
    [{ scheme: 'http', host: 'localhost.example', port: 80 }, 'http://h:1'],
    [{ scheme: 'http', host: '127.0.0.1', port: 3000 }, undefined],
    [{ scheme: 'http', host: '127.9.9.9', port: 3000 }, undefined],
    [{ scheme: 'http', host: '[::1]', port: 3000 }, undefined],
    [{ scheme: 'http', host: '::1', port: 3000 }, undefined],
    [{ scheme: 'http', host: '[::ffff:127.0.0.1]', port: 3000 }, undefined],
    [{ scheme: 'http', host: '0.0.0.0', port: 3000 }, undefined],
    [{ scheme: 'http', host: '169.254.169.254', port: 80 }, undefined],
    [{ scheme: 'http', host: '[fe80::1]', port: 80 }, undefined],
    [{ scheme: 'http', host: 'o.example', port: 80, addresses: ['127.0.0.1'] }, undefined],
  ])('%j goes by %s', (target, name) => {
    expect(parentOf(rules, target)?.name).toBe(name);
  });
});

test('addresses are looked up, but where a parent resolves the name', async () => {
  const asked: unknown[] = [];
  const look = async (host: string, port: number) => {
    asked.push([host, port]);
    return { kind: 'resolved' as const, addresses: ['192.0.2.1'] };
  };
  const rules = parentRules(settings({ http: 'h:1', https: 'socks5://s:1' }), none);
  const addresses = unlessLeftToParent({ ...noParents, of: (target) => parentOf(rules, target) }, look);
  expect(await addresses('o.example', 80, 'http')).toEqual({ kind: 'resolved', addresses: [] });
  expect(asked).toEqual([]);
  for (const [host, scheme] of [
    ['o.example', 'https'],
    ['localhost', 'http'],
    ['192.0.2.1', 'http'],
  ] as const) {
    expect(await addresses(host, 80, scheme)).toEqual({ kind: 'resolved', addresses: ['192.0.2.1'] });
    expect(asked.pop()).toEqual([host, 80]);
  }
});

function http(host: string): ParentTarget {
  return { scheme: 'http', host, port: 80 };
}

function settings(parents: Partial<Config['parents']>): Config['parents'] {
  return config.parse({ parents }).parents;
}
