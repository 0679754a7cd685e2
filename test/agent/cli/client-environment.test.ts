import { describe, expect, test } from 'vitest';
import { clientEnvironment, noProxyList } from '../../../agent/cli/client-environment.ts';

const proxy = { url: 'http://127.0.0.1:8080', host: '127.0.0.1', port: 8080 };
const trust = {
  certificate: '/ca.pem',
  bundles: { over: (path: string | undefined) => `over ${path ?? 'the system'}` },
};

describe('the list of those that need no proxy', () => {
  test.each([
    ['', 'localhost,127.0.0.1,::1,[::1]'],
    ['.firm.test, 10.0.0.0/8', 'localhost,127.0.0.1,::1,[::1],.firm.test,10.0.0.0/8'],
    ['localhost  firm.test', 'localhost,127.0.0.1,::1,[::1],firm.test'],
    ['*', 'localhost,127.0.0.1,::1,[::1]'],
  ])('%j becomes %s', (inherited, list) => {
    expect(noProxyList(inherited)).toBe(list);
  });

  test('what stands in either case is kept, and both say the same', () => {
    const upper = clientEnvironment({ proxy, inherited: { NO_PROXY: 'a.test' } });
    expect([upper['no_proxy'], upper['NO_PROXY']]).toEqual(Array(2).fill('localhost,127.0.0.1,::1,[::1],a.test'));
  });
});

test('inside CGI, HTTP_PROXY is left to the request field that it comes from', () => {
  const names = Object.keys(clientEnvironment({ proxy, inherited: { GATEWAY_INTERFACE: 'CGI/1.1' } }));
  expect(names).not.toContain('HTTP_PROXY');
  expect(names).toContain('http_proxy');
});

describe('certificates', () => {
  test('what adds is given our certificate, what replaces a bundle over what it would trust', () => {
    const set = clientEnvironment({ proxy, inherited: {}, trust });
    expect([set['NODE_EXTRA_CA_CERTS'], set['DENO_CERT']]).toEqual(['/ca.pem', '/ca.pem']);
    expect([set['CURL_CA_BUNDLE'], set['npm_config_cafile']]).toEqual(['over the system', 'over the system']);
  });

  test('a bundle that is named already is what the new one is made of', () => {
    const inherited = { SSL_CERT_FILE: '/firm.pem', GIT_SSL_CAINFO: '/git.pem', NODE_EXTRA_CA_CERTS: '/node.pem' };
    const set = clientEnvironment({ proxy, inherited, trust });
    expect(set).toMatchObject({
      SSL_CERT_FILE: 'over /firm.pem',
      CURL_CA_BUNDLE: 'over /firm.pem',
      GIT_SSL_CAINFO: 'over /git.pem',
      NODE_EXTRA_CA_CERTS: 'over /node.pem',
    });
  });
});

describe('JAVA_TOOL_OPTIONS', () => {
  const optionsOf = (inherited: string, javaStore?: string) =>
    clientEnvironment({
      proxy,
      inherited: { JAVA_TOOL_OPTIONS: inherited },
      trust: { ...trust, ...(javaStore !== undefined && { javaStore }) },
    })['JAVA_TOOL_OPTIONS'] ?? '';

  test('keeps what is there, and comes after it', () => {
    expect(optionsOf('-Xmx1g')).toMatch(/^-Xmx1g -Dhttp\.proxyHost=127\.0\.0\.1 -Dhttp\.proxyPort=8080 /);
    expect(optionsOf(optionsOf('-Xmx1g'))).toBe(optionsOf('-Xmx1g'));
  });

  test('a port that begins as ours does is another', () => {
    expect(optionsOf('-Dhttp.proxyPort=80801')).toContain(' -Dhttp.proxyPort=8080 ');
  });

  test('names the store, in quotes where its path has blanks, unless another is named', () => {
    expect(optionsOf('', '/a b/java.p12')).toContain('"-Djavax.net.ssl.trustStore=/a b/java.p12"');
    expect(optionsOf('-Djavax.net.ssl.trustStore=/own', '/java.p12')).not.toContain('/java.p12');
  });
});
