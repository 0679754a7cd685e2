// What there is at edgehop.internal: which path gives what, and that no page of another site can use any of it (G07).
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createOwnPages, type OwnPagesPorts } from '../../../agent/own-pages/own-pages.ts';
import type { OwnPage } from '../../../agent/proxy/apply/own-answer.ts';
import { type OwnStatus, ownStatus } from '../../../schemas/api.ts';
import { config } from '../../../schemas/config.ts';
import { selfSigned } from '../../support/certificate.ts';

const reachedAt = '127.0.0.1:8080';
const { cert } = selfSigned('a.example');
const status: OwnStatus = {
  version: '1.2.3',
  ready: true,
  agent: 'listening',
  edge: { kind: 'none', state: 'none' },
};

describe('what is there', () => {
  test.each([
    ['/', 200, 'text/html; charset=utf-8', '<title>edgehop</title>'],
    ['/status', 200, 'application/json', '"version":"1.2.3"'],
    ['/proxy.pac', 200, 'application/x-ns-proxy-autoconfig', '"PROXY 127.0.0.1:8080; DIRECT"'],
    ['/ca.pem', 200, 'application/x-pem-file', '-----BEGIN CERTIFICATE-----'],
    ['/ca.crt', 200, 'application/x-x509-ca-cert', 'edgehop test'],
    ['', 404, 'text/plain; charset=utf-8', 'There is nothing here'],
    ['/CA.PEM', 404, 'text/plain; charset=utf-8', 'There is nothing here'],
    ['/proxy.pac/', 404, 'text/plain; charset=utf-8', 'There is nothing here'],
    ['//ca.pem', 404, 'text/plain; charset=utf-8', 'There is nothing here'],
    ['/constructor', 404, 'text/plain; charset=utf-8', 'There is nothing here'],
  ])('%j is %i %s', (path, code, type, text) => {
    const page = ask(path);
    expect([page.status, value(page, 'Content-Type')]).toEqual([code, type]);
    expect(page.octets.toString('latin1')).toContain(text);
  });

  test('the state is as its schema has it', () => {
    expect(ownStatus.parse(JSON.parse(ask('/status').octets.toString()))).toEqual(status);
  });

  test('without a CA its certificate is not found, in a sentence', () => {
    for (const path of ['/ca.pem', '/ca.crt']) {
      const page = ask(path, 'GET', { certificate: () => undefined });
      expect([page.status, page.octets.toString()]).toEqual([404, expect.stringContaining('no local CA')]);
    }
    expect(ask('/', 'GET', { certificate: () => undefined }).octets.toString()).toContain('There is none to install');
  });

  test('the file of who reached it elsewhere names that place', () => {
    const pages = createOwnPages(ports({}));
    const { octets } = pages({ method: 'GET', path: '/proxy.pac', reachedAt: '192.168.1.5:3128' });
    expect(octets.toString()).toContain('"PROXY 192.168.1.5:3128; DIRECT"');
  });
});

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND', 'get'])('%s is not answered', (method) => {
  for (const path of ['/', '/ca.pem', '/nothing', '*']) {
    const page = ask(path, method);
    expect([page.status, value(page, 'Allow')]).toEqual([405, 'GET, HEAD']);
  }
});

test('G07: nothing is kept, framed, run, or read by another site', () => {
  const all = ['/', '/status', '/proxy.pac', '/ca.pem', '/ca.crt', '/nothing'].map((path) => ask(path));
  for (const page of [...all, ask('/', 'POST'), ask('/ca.crt', 'GET', { certificate: () => undefined })]) {
    const policy = value(page, 'Content-Security-Policy');
    expect(policy).toMatch(/^default-src 'none'; style-src (?:'none'|'sha256-[\w+/=]+'); base-uri 'none'/);
    expect(policy).toMatch(/form-action 'none'; frame-ancestors 'none'$/);
    expect(page.fields).toEqual(
      expect.arrayContaining([
        ['Cache-Control', 'no-store'],
        ['X-Content-Type-Options', 'nosniff'],
        ['Cross-Origin-Resource-Policy', 'same-origin'],
      ]),
    );
    expect(page.fields.map(([name]) => name.toLowerCase()).join()).not.toMatch(
      /access-control|set-cookie|authenticate/,
    );
  }
});

test('the policy lets the style of the page, and no other', () => {
  const page = ask('/');
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page.octets.toString()) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(value(page, 'Content-Security-Policy')).toContain(`style-src 'sha256-${hash}';`);
});

function ask(path: string, method = 'GET', changed: Partial<OwnPagesPorts> = {}): OwnPage {
  return createOwnPages(ports(changed))({ method, path, reachedAt });
}

function ports(changed: Partial<OwnPagesPorts>): OwnPagesPorts {
  return {
    config: () => config.parse({}),
    status: () => status,
    certificate: () => cert,
    pacUrl: () => 'http://127.0.0.1:8081/proxy.pac',
    ...changed,
  };
}

function value({ fields }: OwnPage, name: string): string | undefined {
  return fields.find(([each]) => each === name)?.[1];
}
