// The page at http://edgehop.internal/: what state edgehop is in, and how a machine is set up for it.
import { createHash } from 'node:crypto';
import { ownName } from '../../http/own-name.ts';
import type { OwnStatus } from '../../schemas/api.ts';

export interface Welcome {
  readonly status: OwnStatus;
  /** Where the client has reached the proxy, as host:port. */
  readonly reachedAt: string;
  /** Where this machine's browsers find the PAC file. */
  readonly pacUrl: string;
  /** Of the certificate of the local CA; absent where there is none. */
  readonly fingerprint: string | undefined;
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em}code{overflow-wrap:anywhere}dt{font-weight:600;margin-top:.6em}';

/** What a content security policy calls the only style of the page. */
export const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** The page as HTML. Nothing of the request is in it. */
export function welcomePage({ status, reachedAt, pacUrl, fingerprint }: Welcome): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>edgehop</title>
<style>${style}</style>
<h1>edgehop</h1>
<p>You are asking through edgehop ${escaped(status.version)}, at ${code(reachedAt)}. ${edgeInWords(status)}</p>
<h2>Proxy</h2>
${isThisMachine(reachedAt) ? bySetupFile(pacUrl, reachedAt) : byHand(reachedAt)}
<h2>Certificate</h2>
${fingerprint === undefined ? noCertificate : certificate(fingerprint, reachedAt)}
</html>
`;
}

function edgeInWords({ edge, agent }: OwnStatus): string {
  if (agent === 'draining') return 'It is stopping.';
  if (edge.kind === 'none') return 'It has no edge: every request goes directly.';
  const where = edge.kind === 'embedded' ? 'Its edge is embedded' : 'Its edge is deployed';
  return `${where} and ${{ ready: 'ready', starting: 'starting', unavailable: 'not available', none: 'off' }[edge.state]}.`;
}

/** Who comes from elsewhere cannot fetch the file before it has the proxy. */
function isThisMachine(reachedAt: string): boolean {
  return /^(?:127\.|\[::1\])/.test(reachedAt);
}

function bySetupFile(pacUrl: string, reachedAt: string): string {
  const url = code(pacUrl);
  return `<p>Browsers and systems are set up by a file that says what goes through edgehop, and what goes directly: ${url}.</p>
${list([
  [
    'Chromium, Chrome, Edge',
    `They use the setting of the system, or ${code(`--proxy-pac-url=${pacUrl}`)} when they start.`,
  ],
  ['Firefox', `Settings, General, Network Settings: “Automatic proxy configuration URL” is ${url}.`],
  ['macOS', `System Settings, Network, your network, Details, Proxies: “Automatic proxy configuration” is ${url}.`],
  ['Windows', `Settings, Network &amp; internet, Proxy: “Use setup script” is ${url}.`],
  ['GNOME, KDE', `Settings, Network, Proxy: automatic, with ${url}.`],
  ['curl', `It knows no such file: ${code(`curl -x http://${reachedAt} http://example.com/`)}.`],
])}`;
}

function byHand(reachedAt: string): string {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(reachedAt) ?? [];
  const both = `server ${code(host)}, port ${code(port)}`;
  return list([
    ['iOS, iPadOS', `Settings, Wi-Fi, your network, Configure Proxy, Manual: ${both}.`],
    ['Android', `Settings, Wi-Fi, your network, edit, Advanced, Proxy, Manual: ${both}.`],
    ['Everything else', `An HTTP proxy, for HTTP and HTTPS: ${both}.`],
  ]);
}

const noCertificate =
  '<p>There is none to install: no local CA has been made on this machine, and edgehop does not look into HTTPS.</p>';

function certificate(fingerprint: string, reachedAt: string): string {
  return `<p>edgehop makes certificates for the hosts of <code>intercept.hosts</code> by a CA of its own. Who trusts it trusts all that it makes: install it only on machines of yours.</p>
<p>Download it: <a href="/ca.crt">ca.crt</a> (DER), <a href="/ca.pem">ca.pem</a> (PEM). Compare its fingerprint with that of <code>edgehop ca status</code> before you trust it. SHA-256: ${code(fingerprint)}.</p>
${list([
  ['This machine', 'The command <code>edgehop ca install</code> does all of it.'],
  [
    'Chromium, Chrome, Edge',
    'On Linux: <code>chrome://certificate-manager</code>, Custom, Trusted Certificates, Import. Elsewhere they use the store of the system.',
  ],
  ['Firefox', 'Settings, Privacy &amp; Security, View Certificates, Authorities, Import: trust it for websites.'],
  ['curl', code(`curl --cacert edgehop-ca.pem -x http://${reachedAt} https://example.com/`)],
  ['macOS', code('security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db edgehop-ca.pem')],
  ['Windows', code('certutil -user -addstore Root edgehop-ca.crt')],
  [
    'iOS, iPadOS',
    `Open <code>http://${ownName}/ca.crt</code> in Safari and allow the profile. Install it in Settings, General, VPN &amp; Device Management; then trust it in Settings, General, About, Certificate Trust Settings.`,
  ],
  [
    'Android',
    'Settings, Security, Encryption &amp; credentials, Install a certificate, CA certificate. Browsers heed it; most other apps do not.',
  ],
])}`;
}

/** The second of each pair is HTML. */
function list(entries: readonly (readonly [term: string, html: string])[]): string {
  return `<dl>\n${entries.map(([term, html]) => `<dt>${escaped(term)}<dd>${html}`).join('\n')}\n</dl>`;
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
