// The variables by which programs take a proxy, and trust what it signs.
import type { Bundles } from '../trust/bundles.ts';
import { javaStorePassword } from '../trust/java-store.ts';

export interface ClientEnvironment {
  readonly proxy: { readonly url: string; readonly host: string; readonly port: number };
  /** What is set already. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** Absent: nothing is said of certificates. */
  readonly trust?: TrustPorts;
}

export interface TrustPorts {
  /** The file of the authority's certificate. */
  readonly certificate: string;
  readonly bundles: Bundles;
  /** A store for Java, where one could be made. */
  readonly javaStore?: string;
}

/** The variables to set. */
export function clientEnvironment({ proxy, inherited, trust }: ClientEnvironment): Readonly<Record<string, string>> {
  return {
    ...proxyVariables(proxy.url, inherited),
    ...(trust !== undefined && trustVariables(trust, inherited)),
    JAVA_TOOL_OPTIONS: javaOptions(proxy, inherited, trust?.javaStore),
  };
}

/** Variables whose file a program adds to what it trusts. */
const adding = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT'];

/** Variables whose file a program takes in the place of what it trusts: OpenSSL (Python, Ruby, PHP and Go too), and so on. */
const replacing = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
  'AWS_CA_BUNDLE',
  'PIP_CERT',
  'npm_config_cafile',
  'PERL_LWP_SSL_CA_FILE',
  'NIX_SSL_CERT_FILE',
];

function proxyVariables(url: string, inherited: ClientEnvironment['inherited']): Record<string, string> {
  const noProxy = noProxyList(inherited['no_proxy'] ?? inherited['NO_PROXY'] ?? '');
  // A CGI program is told the request's `Proxy` field in HTTP_PROXY, so there the name is no proxy's.
  const isCgi = inherited['GATEWAY_INTERFACE'] !== undefined || inherited['REQUEST_METHOD'] !== undefined;
  return {
    ...(!isCgi && { HTTP_PROXY: url }),
    http_proxy: url,
    HTTPS_PROXY: url,
    https_proxy: url,
    ALL_PROXY: url,
    all_proxy: url,
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    NODE_USE_ENV_PROXY: '1',
    // npm's own settings come before the variables above, and these before its settings.
    npm_config_proxy: url,
    npm_config_https_proxy: url,
    npm_config_noproxy: noProxy,
  };
}

/** curl, Go and Python compare `::1` with what stands between brackets; Python's urllib leaves the brackets there. */
const loopback = ['localhost', '127.0.0.1', '::1', '[::1]'];

/**
 * Loopback and what is there already, parted by commas alone, which all programs understand. `*` is left out: whoever asks
 * for a proxy does not mean it.
 */
export function noProxyList(inherited: string): string {
  const entries = inherited.split(/[\s,]+/).filter((entry) => entry !== '' && entry !== '*');
  return [...new Set([...loopback, ...entries])].join(',');
}

function trustVariables(
  { certificate, bundles }: TrustPorts,
  inherited: ClientEnvironment['inherited'],
): Record<string, string> {
  const given = (name: string) => (inherited[name] === '' ? undefined : inherited[name]);
  const added = adding.map((name) => [name, given(name) === undefined ? certificate : bundles.over(given(name))]);
  const replaced = replacing.map((name) => [name, bundles.over(given(name) ?? general(inherited))]);
  return Object.fromEntries([...added, ...replaced]);
}

/** Whoever has named a bundle for OpenSSL, a firm's perhaps, means it for what has no bundle of its own, too. */
function general(inherited: ClientEnvironment['inherited']): string | undefined {
  return inherited['SSL_CERT_FILE'] === '' ? undefined : inherited['SSL_CERT_FILE'];
}

/** What is there stays, but a store that it names is the person's choice. Of two options of one name Java takes the last. */
function javaOptions(
  { host, port }: ClientEnvironment['proxy'],
  inherited: ClientEnvironment['inherited'],
  javaStore: string | undefined,
): string {
  const there = (inherited['JAVA_TOOL_OPTIONS'] ?? '').trim();
  const own = [
    `-Dhttp.proxyHost=${host}`,
    `-Dhttp.proxyPort=${port}`,
    `-Dhttps.proxyHost=${host}`,
    `-Dhttps.proxyPort=${port}`,
    '-Dhttp.nonProxyHosts=localhost|127.*|[::1]',
  ];
  const namesStore = there.includes('-Djavax.net.ssl.trustStore=');
  const store =
    javaStore === undefined || namesStore
      ? []
      : [
          `-Djavax.net.ssl.trustStore=${javaStore}`,
          '-Djavax.net.ssl.trustStoreType=PKCS12',
          `-Djavax.net.ssl.trustStorePassword=${javaStorePassword}`,
        ];
  const options = there.split(/\s+/);
  const added = [...own, ...store].map(quotedForJava).filter((option) => !options.includes(option));
  return [...(there === '' ? [] : [there]), ...added].join(' ');
}

/** Java parts this variable at white space outside of quotes. */
function quotedForJava(option: string): string {
  return /\s/.test(option) ? `"${option}"` : option;
}
