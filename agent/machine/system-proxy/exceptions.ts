// What programs shall ask without the proxy where they are given host and port instead of a PAC, in the words of each system.
import type { DesktopName } from '../../../schemas/system-proxy.ts';

/** Names and addresses of this machine and its network, and the hosts by which a network's log-in page is found (DESIGN 10). */
export function exceptions(desktop: DesktopName): readonly string[] {
  if (desktop === 'windows') return ['<local>', ...names.map((name) => `*.${name}`), ...prefixes, '[::1]', ...probes];
  if (desktop === 'kde') return [...names.flatMap((name) => [name, `.${name}`]), ...ranges, '::1', ...probes];
  return [...names.flatMap((name) => [name, `*.${name}`]), ...ranges, '::1', 'fc00::/7', 'fe80::/10', ...probes];
}

/** RFC 6761 6.3, RFC 6762 3, RFC 8375. Names without a dot only Windows has a word for. */
const names = ['localhost', 'local', 'home.arpa'];

const ranges = ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'];

/** The same ranges for Windows, which compares text. */
const prefixes = [
  '127.*',
  '10.*',
  ...Array.from({ length: 16 }, (_, index) => `172.${index + 16}.*`),
  '192.168.*',
  '169.254.*',
];

const probes = [
  'captive.apple.com',
  'connectivitycheck.gstatic.com',
  'connectivitycheck.android.com',
  'www.msftconnecttest.com',
  'www.msftncsi.com',
  'detectportal.firefox.com',
  'connectivity-check.ubuntu.com',
  'nmcheck.gnome.org',
  'networkcheck.kde.org',
];
