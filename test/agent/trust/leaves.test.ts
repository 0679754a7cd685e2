// Leaves: minted once, kept within their bound, renewed in time, and each host with a context of its own.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Authority, openAuthority } from '../../../agent/trust/authority.ts';
import { authorityFiles } from '../../../agent/trust/authority-files.ts';
import { leafCertificate } from '../../../agent/trust/certificate.ts';
import { createLeaves } from '../../../agent/trust/leaves.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgehop-leaves-'));
const dayMs = 86_400_000;
let authority: Authority;

beforeAll(async () => {
  authority = await openAuthority(authorityFiles(folder), Date.now());
});

afterAll(() => rmSync(folder, { recursive: true }));

function leavesAt(clock: { now: number }, maxLeaves = 10) {
  let opened = 0;
  const leaves = createLeaves({
    authority: async () => {
      opened++;
      return authority;
    },
    wallTime: () => clock.now,
    maxLeaves,
  });
  return { leaves, minted: () => opened };
}

test('a host has one context as long as its leaf is good, also for those who ask at once', async () => {
  const clock = { now: Date.now() };
  const { leaves, minted } = leavesAt(clock);
  const both = await Promise.all([leaves.contextFor('a.test'), leaves.contextFor('a.test')]);
  expect(both[0]).toBe(both[1]);
  clock.now += 87 * dayMs;
  expect(await leaves.contextFor('a.test')).toBe(both[0]);
  clock.now += 2 * dayMs;
  expect(await leaves.contextFor('a.test')).not.toBe(both[0]);
  expect(minted()).toBe(2);
});

test('maxLeafCertificates are kept, those asked for last', async () => {
  const { leaves, minted } = leavesAt({ now: Date.now() }, 2);
  const first = await leaves.contextFor('a.test');
  await leaves.contextFor('b.test');
  await leaves.contextFor('a.test');
  await leaves.contextFor('c.test');
  expect(await leaves.contextFor('a.test')).toBe(first);
  expect(minted()).toBe(3);
  await leaves.contextFor('b.test');
  expect(minted()).toBe(4);
});

test('H10: hundreds of new names at once leave others their turn, and few of them in memory', async () => {
  const { leaves, minted } = leavesAt({ now: Date.now() }, 10);
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const names = Array.from({ length: 300 }, (_, i) => `${i}.test`);
  await Promise.all(names.map((name) => leaves.contextFor(name)));
  isOver = true;
  expect(turns).toBeGreaterThan(10);
  const before = minted();
  await leaves.contextFor('299.test');
  await leaves.contextFor('0.test');
  expect(minted() - before).toBe(1);
});

test('an authority that cannot be used fails those who ask, and is asked again', async () => {
  let works = false;
  const leaves = createLeaves({
    authority: async () => {
      if (!works) throw new Error('no authority');
      return authority;
    },
    wallTime: () => Date.now(),
    maxLeaves: 10,
  });
  await expect(leaves.contextFor('a.test')).rejects.toThrow('no authority');
  works = true;
  await expect(leaves.contextFor('a.test')).resolves.toBeDefined();
});

test.each(['a.test', 'xn--bcher-kva.example', '127.0.0.1', '::1', `${'a.'.repeat(100)}test`, 'a_b.test'])(
  'H09: %s is data in a certificate that a client takes',
  async (host) => {
    const { leaves } = leavesAt({ now: Date.now() });
    const secureContext = await leaves.contextFor(host);
    const [client, server] = duplexPair();
    new TLSSocket(server as never, { isServer: true, secureContext }).on('error', () => undefined);
    const name = /[:]|^\d/.test(host) ? { host } : { host, servername: host };
    const socket = connect({ socket: client, ca: authority.certificatePem, ...name });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    expect(socket.authorized).toBe(true);
    socket.destroy();
  },
);

test.each(['../../etc/x', '*', 'a\0b.test', ''])('H09: %j does no harm', async (host) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = await leafCertificate(authority, host, publicKey, { from: 0, until: dayMs });
  expect(new X509Certificate(Buffer.from(der)).issuer).toBe(new X509Certificate(authority.certificatePem).subject);
});

test('H11: a leaf is for servers, its serial is random, its keys are those that it says', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const mint = async () =>
    new X509Certificate(
      Buffer.from(await leafCertificate(authority, 'a.test', publicKey, { from: 1e12, until: 1e12 + dayMs })),
    );
  const [one, other] = [await mint(), await mint()];
  expect(one.serialNumber).not.toBe(other.serialNumber);
  expect(Number.parseInt(one.serialNumber.slice(0, 1), 16)).toBeLessThan(8); // positive
  expect(one.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
  expect(one.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
  expect([one.ca, one.keyUsage, one.subjectAltName]).toEqual([false, ['1.3.6.1.5.5.7.3.1'], 'DNS:a.test']);
});
