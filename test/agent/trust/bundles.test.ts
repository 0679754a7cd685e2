import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBundles } from '../../../agent/trust/bundles.ts';
import { type Machine, thisMachine } from '../../../agent/trust/stores/machine.ts';
import { selfSigned } from '../../support/certificate.ts';

let folder: string;
const [own, renewed, firm, system] = ['own', 'renewed', 'firm', 'system'].map(
  (name) => selfSigned(`${name}.test`).cert,
);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgehop-'));
  writeFileSync(join(folder, 'firm.pem'), firm ?? '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A machine that has these roots. */
function withRoots(roots: string | undefined): Machine {
  const machine = thisMachine({});
  const read = (path: string) =>
    path === '/etc/ssl/certs/ca-certificates.crt' ? roots : path.startsWith('/etc/') ? undefined : machine.read(path);
  return { ...machine, platform: 'linux', read };
}

test('the bundle of the system is its own and ours, and is made anew when either has changed', () => {
  const cache = join(folder, 'one');
  const bundles = createBundles(withRoots(system), cache, own ?? '');
  const path = bundles.over(undefined);
  expect(readFileSync(path, 'utf8')).toBe(`${system?.trim()}\n${own?.trim()}\n`);
  expect(bundles.over(undefined)).toBe(path);
  expect(createBundles(withRoots(system), cache, renewed ?? '').over(path)).toBe(path);
  expect(readFileSync(path, 'utf8')).toBe(`${system?.trim()}\n${renewed?.trim()}\n`);
  expect(readdirSync(cache)).toEqual(['ca-bundle.pem']);
});

test('a bundle of the person goes into one of its own, once', () => {
  const bundles = createBundles(withRoots(system), join(folder, 'two'), own ?? '');
  const path = bundles.over(join(folder, 'firm.pem'));
  expect(readFileSync(path, 'utf8')).toBe(`${firm?.trim()}\n${own?.trim()}\n`);
  expect(bundles.over(path)).toBe(path);
  expect(readFileSync(join(folder, 'firm.pem'), 'utf8')).toBe(firm);
});

test('a file that is not there counts as none, and a system without a bundle has the roots of Node', () => {
  const path = createBundles(withRoots(undefined), join(folder, 'three'), own ?? '').over('/nowhere.pem');
  const text = readFileSync(path, 'utf8');
  expect(text.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(100);
  expect(text.endsWith(`${own?.trim()}\n`)).toBe(true);
});
