// Writes the proxy auto-config file (PAC): what goes through the proxy, and what a browser asks directly.
import type { Config } from '../schemas/config.ts';
import { type DestinationException, parseException, privateTops } from './destination.ts';
import { ownName } from './own-name.ts';
import { canonicalHost } from './plan/host-pattern.ts';

/** The type by which browsers and systems know such a file. */
export const pacType = 'application/x-ns-proxy-autoconfig';

export interface PacOptions extends Pick<Config, 'pac' | 'reverse'> {
  /** Where the proxy listens, as host:port, IPv6 in brackets. */
  readonly proxy: string;
  readonly destinations: Pick<Config['admit']['destinations'], 'allow'>;
}

/**
 * The text, in the oldest JavaScript that is still run (ES3, JScript). It has no secret, asks no DNS and calls no function
 * of its engine, for those look names up: what it cannot see by the text of a URL goes through the proxy.
 */
export function pacFile({ proxy, pac, reverse, destinations }: PacOptions): string {
  const wanted = [...placesOf(destinations.allow), ...routePlaces(reverse)];
  const names = pac.privateDestinations === 'direct' ? [...localNames, ...intranetNames] : localNames;
  return `// Which requests go through edgehop. Made anew for each request of this file.
var throughProxy = ${JSON.stringify(`PROXY ${proxy}; DIRECT`)};
var ownName = ${JSON.stringify(ownName)};

// pac.direct in edgehop.jsonc. Each is a name, "*." and a name for all below it, or a range, and a port or 0 for all.
var exempted = ${written(placesOf(pac.direct))};

// admit.destinations.allow and the hosts of reverse routes.
var wanted = ${written(wanted)};

// What belongs to this machine and to the network that it is in.
var local = ${written([...names, ...localRanges].map(everyPort))};

// Where systems and browsers find out whether a network asks to log in first: through a proxy they would never see it.
var probes = ${written(probeHosts.map(everyPort))};
var probePaths = [
  ${probeUrls.map((url) => JSON.stringify(url)).join(',\n  ')}
];
${script}`;
}

/** A host, name pattern or range, and a port; 0 stands for all. */
interface Place {
  readonly at: string;
  readonly port: number;
}

/** What is no destination is left out: who reads the configuration has said so. */
function placesOf(texts: readonly string[]): Place[] {
  return texts.flatMap((text) => {
    const parsed = parseException(text);
    return parsed.kind === 'malformed' ? [] : [{ at: placeOf(parsed), port: parsed.port ?? 0 }];
  });
}

function placeOf(exception: DestinationException): string {
  return exception.kind === 'range' ? exception.range : exception.name;
}

/** A route answers for its host on the port of plain HTTP; other ports there are other servers. `*` is no host. */
function routePlaces(routes: PacOptions['reverse']): Place[] {
  return routes.flatMap(({ host }) => {
    const at = canonicalHost(host);
    return at === undefined || at === '*' ? [] : [{ at: at.replace(/^\[|\]$/g, ''), port: httpPort }];
  });
}

const httpPort = 80;

function everyPort(at: string): Place {
  return { at, port: 0 };
}

/** An array of arrays, without the last comma that JScript would take for one more. */
function written(places: readonly Place[]): string {
  if (places.length === 0) return '[]';
  return `[\n  ${places.map(({ at, port }) => JSON.stringify([at, port])).join(',\n  ')}\n]`;
}

/** RFC 6761 6.3, RFC 6762 3, RFC 8375. Names without a dot are judged by that. */
const localNames = ['*.localhost', '*.local', 'home.arpa', '*.home.arpa'];

/** Names that the proxy refuses by their text: nobody owns them in the public DNS. */
const intranetNames = [...privateTops].filter((top) => top !== 'local').map((top) => `*.${top}`);

/** Loopback, link-local, private and shared addresses; the unspecified one is this machine, too. See `address.ts`. */
export const localRanges: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
];

/** Hosts that do nothing else. */
const probeHosts = [
  'captive.apple.com', // Apple, all systems of today
  'www.appleiphonecell.com', // Apple, older ones, and the next four
  'www.airport.us',
  'www.ibook.info',
  'www.itools.info',
  'www.thinkdifferent.us',
  'connectivitycheck.gstatic.com', // Android
  'connectivitycheck.android.com',
  'connectivitycheck.grapheneos.network', // GrapheneOS
  'msftconnecttest.com', // Windows 10 and later
  '*.msftconnecttest.com',
  'msftncsi.com', // Windows before
  '*.msftncsi.com',
  'detectportal.firefox.com', // Firefox
  'detectportal.brave-http-only.com', // Brave
  'connectivity-check.ubuntu.com', // Ubuntu
  'nmcheck.gnome.org', // GNOME
  'networkcheck.kde.org', // KDE
  'network-test.debian.org', // Debian
  'ping.archlinux.org', // Arch Linux
  'conncheck.opensuse.org', // openSUSE
  'cp.cloudflare.com', // Cloudflare's client, and many routers
  'fireoscaptiveportal.com', // Amazon
];

/** Hosts that serve much else, by how the URL begins. An engine that is not told paths sends them through the proxy. */
const probeUrls = [
  'http://www.gstatic.com/generate_204', // Chrome
  'http://clients3.google.com/generate_204', // Android before 7, ChromeOS
  'http://play.googleapis.com/generate_204', // Android
  'http://www.google.com/gen_204', // Android
  'http://edge-http.microsoft.com/captiveportal/generate_204', // Edge
  'http://www.apple.com/library/test/success.html', // Apple
  'http://fedoraproject.org/static/hotspot.txt', // Fedora
  'http://static.redhat.com/test/rhel-networkmanager.txt', // Red Hat Enterprise Linux
];

/** Engines differ in whether the host has brackets, a zone, a root dot or capital letters. */
const script = String.raw`
function FindProxyForURL(url, host) {
  var asked = /^(https?|wss?):\/\/([^\/?#]*)/i.exec(url);
  if (!asked) return "DIRECT";
  var name = String(host).toLowerCase().replace(/[%].*$/, "").replace(/^[[]/, "").replace(/[\]]$/, "").replace(/[.]$/, "");
  if (name === ownName) return throughProxy;
  var words = wordsOf(name);
  var port = portOf(asked[1].toLowerCase(), asked[2]);
  if (isAmong(exempted, name, words, port)) return "DIRECT";
  if (isAmong(wanted, name, words, port)) return throughProxy;
  if (!words && name.indexOf(".") < 0) return "DIRECT";
  if (isAmong(local, name, words, port) || isAmong(probes, name, words, port) || isProbe(url)) return "DIRECT";
  return throughProxy;
}

function portOf(scheme, authority) {
  var given = /:([0-9]+)$/.exec(authority);
  if (given) return Number(given[1]);
  return scheme === "https" || scheme === "wss" ? 443 : 80;
}

function isAmong(places, name, words, port) {
  for (var i = 0; i < places.length; i++) {
    if (places[i][1] && places[i][1] !== port) continue;
    if (words ? isWithin(words, places[i][0]) : isNamed(name, places[i][0])) return true;
  }
  return false;
}

function isNamed(name, place) {
  if (place.charAt(0) !== "*") return name === place;
  var above = place.substring(1);
  return name.length > above.length && name.substring(name.length - above.length) === above;
}

function isProbe(url) {
  for (var i = 0; i < probePaths.length; i++) {
    if (url.substring(0, probePaths[i].length).toLowerCase() === probePaths[i]) return true;
  }
  return false;
}

function isWithin(words, range) {
  var parts = range.split("/");
  var base = wordsOf(parts[0]);
  if (!base) return false;
  var bits = parts.length < 2 ? 128 : Number(parts[1]) + (parts[0].indexOf(":") < 0 ? 96 : 0);
  for (var i = 0; i < 8 && bits > 0; i++, bits -= 16) {
    var shift = bits < 16 ? 16 - bits : 0;
    if (words[i] >> shift !== base[i] >> shift) return false;
  }
  return true;
}

// An address as eight numbers of 16 bits, one of IPv4 as the one of IPv6 that stands for it. Nothing where it is none.
function wordsOf(text) {
  var dotted = /^(.*:)?([0-9]+)[.]([0-9]+)[.]([0-9]+)[.]([0-9]+)$/.exec(text);
  if (dotted) {
    for (var n = 2; n < 6; n++) if (!/^(0|[1-9][0-9]{0,2})$/.test(dotted[n]) || dotted[n] > 255) return null;
    text = (dotted[1] || "::ffff:") + hex(dotted[2], dotted[3]) + ":" + hex(dotted[4], dotted[5]);
  }
  if (text.indexOf(":") < 0) return null;
  var gap = text.indexOf("::");
  var head = gap < 0 ? text.split(":") : listOf(text.substring(0, gap));
  var tail = gap < 0 ? [] : listOf(text.substring(gap + 2));
  var missing = 8 - head.length - tail.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return null;
  while (missing-- > 0) head[head.length] = "0";
  var all = head.concat(tail);
  for (var i = 0; i < 8; i++) {
    if (!/^[0-9a-f]{1,4}$/.test(all[i])) return null;
    all[i] = parseInt(all[i], 16);
  }
  return all;
}

function listOf(text) {
  return text === "" ? [] : text.split(":");
}

function hex(high, low) {
  return (Number(high) * 256 + Number(low)).toString(16);
}
`;
