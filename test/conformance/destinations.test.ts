// C01, C10: what must not be reached is not reached, in a network where every address would lead to a canary.
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

const denied = (destinationCases() ?? own).filter((each) => each.expect === 'deny');

/** Reached in the end, so that the canaries are known to sing. */
const control: DestinationCase = {
  url: 'http://control.example/',
  expect: 'allow',
  why: 'public',
  dns: ['93.184.216.34'],
};

const flags = ['-nm', '-rnm'].find(isPermitted);
if (flags === undefined) process.stderr.write('skipped: `unshare -nm` is not permitted here\n');

describe.skipIf(flags === undefined)('in a network that is all loopback', () => {
  let verdicts: readonly Verdict[] = [];

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgehop-hosts-'));
    const hosts = join(folder, 'hosts');
    // The edge asks the system, which answers otherwise than the agent's DNS: rebinding, for every name.
    const names = denied.flatMap(({ url }) => (URL.canParse(url) ? [new URL(url).hostname] : []));
    const lines = names.filter((name) => /^[a-z][a-z0-9.-]*$/.test(name)).map((name) => `127.0.0.1 ${name}\n`);
    writeFileSync(hosts, `127.0.0.1 localhost\n93.184.216.34 control.example\n${lines.join('')}`);
    const network =
      'ip link set lo up && ip route add local 0.0.0.0/0 dev lo && (ip -6 route add local ::/0 dev lo || true)';
    const command = `${network} && mount --bind "$1" /etc/hosts && exec "$2" "$3"`;
    const child = spawn('unshare', [flags ?? '', 'sh', '-c', command, 'sh', hosts, process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(JSON.stringify([...denied, control]));
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
    const asked = verdicts.filter((each) => each.url !== control.url && each.way === way);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((each) => isWrong(each))).toEqual([]);
  });
});

/** The public one of several answers may be reached, and a public address that was spelled as nobody does. */
function isWrong({ url, way, answer, reached }: Verdict): boolean {
  const { dns = [] } = denied.find((each) => each.url === url) ?? {};
  const isWorker = way.startsWith('worker');
  const allowed = dns.flat().filter((address) => address === '93.184.216.34' || address.startsWith('2606:'));
  const places = isWorker ? [...allowed, '8.8.8.8'] : allowed;
  if (reached.some((place) => !places.some((address) => place.includes(address)))) return true;
  return reached.length === 0 && allowed.length === 0 && !(isWorker ? isError : isRefusal)(answer);
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
