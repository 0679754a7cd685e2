// C01, C02, C10: what must not be reached is not, and what may be is, in a network where every address leads to a canary.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type DestinationCase, destinationCases } from '../support/cases.ts';
import type { Verdict } from '../support/denied-destinations.ts';

const script = fileURLToPath(new URL('../support/denied-destinations.ts', import.meta.url));

/** A few of each kind, for who has not the whole table. */
const own: readonly DestinationCase[] = [
  { url: 'http://private.example/', expect: 'deny', why: 'resolves to loopback', dns: ['127.0.0.1'] },
  ...[
    ...['127.0.0.1', '0x7f.1', '10.0.0.1', '169.254.169.254', '168.63.129.16', '[::1]', '[::ffff:7f00:1]'],
    ...[
      '[64:ff9b::7f00:1]',
      '[fe80::1]',
      '[::]',
      'localhost',
      'a.localhost.',
      'nas.home.arpa',
      'router',
      '127。0。0。1',
    ],
  ].map((host) => ({ url: `http://${host}/`, expect: 'deny', why: 'private' }) as const),
];

/** Reached in the end, so that the canaries are known to sing. */
const control: DestinationCase = {
  url: 'http://control.example/',
  expect: 'allow',
  why: 'public',
  dns: ['93.184.216.34'],
};

const cases = [...(destinationCases() ?? own), control];
const denied = cases.filter(({ expect }) => expect === 'deny');
const allowed = cases.filter(({ expect }) => expect === 'allow');

const flags = ['-nm', '-rnm'].find(isPermitted);
if (flags === undefined) process.stderr.write('skipped: `unshare -nm` is not permitted here\n');

describe.skipIf(flags === undefined)('in a network that is all loopback', () => {
  let verdicts: readonly Verdict[] = [];

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgehop-hosts-'));
    const hosts = join(folder, 'hosts');
    // The edge asks the system, which answers otherwise than the agent's DNS for what is denied: rebinding, for every name.
    const names = (some: readonly DestinationCase[]) =>
      some.flatMap(({ url, dns }) => {
        const name = URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : '';
        return /^(?=.*[a-z])[a-z0-9_][a-z0-9._-]*$/.test(name)
          ? [[name, dns?.flat()[0] ?? '93.184.216.34'] as const]
          : [];
      });
    const addresses = new Map([...names(denied).map(([name]) => [name, '127.0.0.1'] as const), ...names(allowed)]);
    writeFileSync(hosts, [...addresses].map(([name, address]) => `${address} ${name} ${name}.\n`).join(''));
    const network =
      'ip link set lo up && ip route add local 0.0.0.0/0 dev lo && (ip -6 route add local ::/0 dev lo || true)';
    const command = `${network} && mount --bind "$1" /etc/hosts && exec "$2" "$3"`;
    const child = spawn('unshare', [flags ?? '', 'sh', '-c', command, 'sh', hosts, process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(JSON.stringify(cases));
    verdicts = JSON.parse(await text(child.stdout));
    rmSync(folder, { recursive: true });
  }, 120_000);

  const ways = ['GET', 'CONNECT', 'SOCKS5'].flatMap((form) =>
    ['none', 'embedded'].map((edge) => `${form}, edge ${edge}`),
  );

  test.each([...ways, 'worker, embedded'])('%s reaches what is public: the canaries are heard', (way) => {
    const found = verdicts.find((each) => each.url === control.url && each.way === way);
    expect(found?.reached).toEqual(['93.184.216.34:80']);
  });

  test.each([...ways, 'worker, embedded', 'worker, deployed'])('C01 C10 %s reaches nothing that is denied', (way) => {
    const asked = verdicts.filter((each) => each.way === way && denied.some(({ url }) => url === each.url));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((each) => isWrong(each))).toEqual([]);
  });

  test.each(['none', 'embedded'])('C02 by edge %s everything that is allowed is reached', (edge) => {
    const ways = [`GET, edge ${edge}`, `CONNECT, edge ${edge}`];
    const missed = allowed.filter(
      ({ url, form }) =>
        !verdicts.some(
          (each) => each.url === url && each.way === ways[form === 'connect' ? 1 : 0] && each.reached.length > 0,
        ),
    );
    expect(missed).toEqual([]);
  });
});

/** The public one of several answers may be reached, and a public address that was spelled as nobody does. */
function isWrong({ url, way, answer, reached }: Verdict): boolean {
  const { dns = [] } = denied.find((each) => each.url === url) ?? {};
  const isWorker = way.startsWith('worker');
  const open = dns.flat().filter((address) => address === '93.184.216.34' || address.startsWith('2606:'));
  const places = isWorker ? [...open, '8.8.8.8'] : open;
  if (reached.some((place) => !places.some((address) => place.includes(address)))) return true;
  return reached.length === 0 && open.length === 0 && !(isWorker ? isError : isRefusal)(answer);
}

/** By policy or by syntax: RFC 9110 15.5, RFC 1928 6. A line break in the request line leaves it without a version. */
function isRefusal(answer: string): boolean {
  return /^(?:400|403|505|closed|reply [1-9])$/.test(answer);
}

/** Of the edge by itself, or of the network policy that it runs under. */
function isError(answer: string): boolean {
  return /^[a-z_]+$/.test(answer);
}

function isPermitted(unshareFlags: string): boolean {
  try {
    execFileSync('unshare', [unshareFlags, 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
