// ATTACKS.md H01 to H06: servers whose certificates or TLS a browser refuses, by both routes. Nothing of their content passes.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, getCACertificates, setDefaultCACertificates, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openAuthority } from '../../agent/trust/authority.ts';
import { authorityFiles } from '../../agent/trust/authority-files.ts';
import { leafCertificate } from '../../agent/trust/certificate.ts';
import { believe } from '../../agent/trust/trusted.ts';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { clientAuth, type LeafWish, startAuthority, type TestAuthority } from '../support/authority.ts';
import { getOnce } from '../support/client.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgehop-tls-'));
const before = getCACertificates('default');
let root: TestAuthority;
/** A root that lets no authority stand below it. */
let shallow: TestAuthority;

beforeAll(async () => {
  [root, shallow] = [await startAuthority(), await startAuthority({ pathLength: 0 })];
  writeFileSync(join(folder, 'roots.pem'), root.cert + shallow.cert);
  believe(['roots.pem'], folder, undefined);
});

afterAll(() => {
  setDefaultCACertificates(before);
  rmSync(folder, { recursive: true });
});

async function startServer(options: TlsOptions): Promise<number> {
  const server = createServer({ ciphers: 'DEFAULT@SECLEVEL=0', ...options }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret'));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const leaves: readonly (readonly [string, LeafWish])[] = [
  ['H01 has expired', { from: -10, until: -1 }],
  ['H01 H20 is not valid yet', { from: 1 }],
  ['H01 is for another host', { names: ['other.test'] }],
  ['H02 has its host in the CN only', { names: [], commonName: 'localhost' }],
  ['H03 has an RSA key of 1024 bits', { rsaBits: 1024 }],
  ['H05 is for clients', { purposes: [clientAuth] }],
  ['H05 is signed with SHA-1', { hash: 'SHA-1' }],
  ['H05 has part of a label as a wildcard', { names: ['loc*.a.localhost', 'loc*'] }],
  ['H05 is for one label only', { names: ['*.localhost', '*'] }],
];

describe.each(routes)('H18: by %s, a certificate that', (edge) => {
  let agent: TestAgent;
  beforeAll(async () => {
    const answers = { 'local.a.localhost': ['127.0.0.1'] };
    agent = await startTestAgent({ edge, answers, config: { trust: { authorities: ['roots.pem'] } } });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  const asked = async (options: TlsOptions, host = 'localhost') => {
    const response = await getOnce(agent.port, `https://${host}:${await startServer(options)}/`);
    return {
      status: response.status,
      status209: response.field('proxy-status') ?? '',
      content: response.content.toString(),
    };
  };
  const expectRefused = async (options: TlsOptions, host?: string) => {
    const { status, status209, content } = await asked(options, host);
    expect(content).not.toContain('secret');
    expect([status, status209]).toEqual([502, expect.stringContaining('tls_certificate_error')]);
  };

  test('is right is taken', async () => {
    expect(await asked(await root.leaf())).toMatchObject({ status: 200, content: 'secret' });
    expect(await asked(await root.leaf(), '127.0.0.1')).toMatchObject({ status: 200, content: 'secret' });
    expect(await asked(await (await root.below()).leaf())).toMatchObject({ status: 200 });
  });

  test.each(leaves)('%s is refused', async (name, wish) => {
    // The edge looks names up itself, and no other one leads to this machine: there another name is refused all the same.
    const host = name.includes('label') && edge === 'none' ? 'local.a.localhost' : 'localhost';
    await expectRefused(await root.leaf(wish), host);
  });

  test('H01 is signed by itself, or by nobody who is trusted, is refused', async () => {
    const stranger = await startAuthority();
    await expectRefused(await stranger.leaf());
    await expectRefused(await stranger.leaf({ isAuthority: true }));
  });

  test('H01 comes without an intermediate one is refused', async () => {
    await expectRefused(await (await root.below()).leaf({ withoutChain: true }));
  });

  test('H05 is issued by who may issue none, or not that far down, or not for this host, is refused', async () => {
    await expectRefused(await (await root.below({ isAuthority: false })).leaf());
    await expectRefused(await (await root.below({ permittedNames: ['other.test'] })).leaf());
    await expectRefused(await (await shallow.below()).leaf());
  });

  test('H05 has an address as if it were a name is refused', async () => {
    await expectRefused(await root.leaf({ names: [], addressAsName: '127.0.0.1' }), '127.0.0.1');
  });

  test('H04 our own CA has signed is refused, though it is named as one to trust', async () => {
    const own = await openAuthority(authorityFiles(folder), Date.now());
    believe(['roots.pem', own.certificatePath], folder, own.certificatePem);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const now = Date.now();
    const leaf = await leafCertificate(own, 'localhost', publicKey, { from: now - 1000, until: now + 86_400_000 });
    const cert = new X509Certificate(Buffer.from(leaf)).toString() + own.certificatePem;
    await expectRefused({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert });
  });

  test('H06 TLS below 1.2 is refused', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { status, content } = await asked({ ...(await root.leaf()), ...old });
    expect([status, content.includes('secret')]).toEqual([502, false]);
  });
});
