// An origin server that speaks TLS, with a certificate of an authority made for it: it answers 1 KiB to every request.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { openAuthority } from '../agent/trust/authority.ts';
import { authorityFiles } from '../agent/trust/authority-files.ts';
import { leafCertificate } from '../agent/trust/certificate.ts';

/** What it tells once it listens. */
export interface InterceptOrigin {
  readonly port: number;
  /** The file with the certificate (PEM) that proxies have to trust. */
  readonly authority: string;
}

const dayMs = 86_400_000;
const content = 'x'.repeat(1024);

const now = Date.now();
const authority = await openAuthority(authorityFiles(process.cwd()), now);
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const leaf = await leafCertificate(authority, 'localhost', publicKey, { from: now - dayMs, until: now + dayMs });
const server = createServer(
  {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: new X509Certificate(Buffer.from(leaf)).toString(),
  },
  (_, response) => void response.writeHead(200, ['Content-Type', 'text/plain', 'Content-Length', '1024']).end(content),
);
server.listen(0, '127.0.0.1', () => {
  const path = 'bench-authority.pem';
  writeFileSync(path, authority.certificatePem);
  const told: InterceptOrigin = { port: (server.address() as AddressInfo).port, authority: `${process.cwd()}/${path}` };
  process.send?.(told);
});
process.on('disconnect', () => process.exit());
