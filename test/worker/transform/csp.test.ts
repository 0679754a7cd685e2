// Content-Security-Policy: what is injected is allowed where it was not, and nothing else becomes so.
import { describe, expect, test } from 'vitest';
import { allowedInFields, allowedInPolicy, hashSource } from '../../../worker/transform/csp.ts';

describe('a policy', () => {
  test.each([
    ['that says nothing of scripts', 'img-src a', 'img-src a'],
    ['of scripts', "script-src 'self'", " script-src 'self' H"],
    ['of none', "script-src 'none'", ' script-src H'],
    ['without any source', 'script-src', ' script-src H'],
    ['of script elements', "script-src 'self'; script-src-elem a", "script-src 'self'; script-src-elem a H"],
    ['for all', "default-src 'self' a", "default-src 'self' a; script-src 'self' a H"],
    ['of none at all', "default-src 'none'", "default-src 'none'; script-src H"],
    ['that allows it already', "script-src 'unsafe-inline' a", "script-src 'unsafe-inline' a"],
    ['that allows it for all', "default-src 'unsafe-inline'", "default-src 'unsafe-inline'"],
    ['with a nonce', "script-src 'unsafe-inline' 'nonce-x'", " script-src 'unsafe-inline' 'nonce-x' H"],
    ['with a hash', "script-src 'unsafe-inline' 'sha384-x'", " script-src 'unsafe-inline' 'sha384-x' H"],
    ['with strict-dynamic', "script-src 'strict-dynamic'", " script-src 'strict-dynamic' H"],
    ['in capitals', "SCRIPT-SRC 'NONE'", ' script-src H'],
    ['that says it twice, of which the first counts', 'script-src a; script-src b', ' script-src a H; script-src b'],
    ['with odd spaces', ' ;\tscript-src\t a ;', ' ; script-src a H;'],
  ])('%s', (_, policy, expected) => {
    expect(allowedInPolicy(policy, { script: 'H' })).toBe(expected);
  });

  test('of styles and scripts', () => {
    expect(allowedInPolicy("default-src 'self'", { script: 'A', style: 'B' })).toBe(
      "default-src 'self'; script-src 'self' A; style-src 'self' B",
    );
    expect(allowedInPolicy("style-src-elem 'none'; style-src a", { style: 'B' })).toBe(
      ' style-src-elem B; style-src a',
    );
  });
});

test('every policy of every line is changed, enforced or reported', () => {
  const fields = [
    ['Content-Security-Policy', 'script-src a, script-src b'],
    ['content-security-policy-report-only', 'script-src c'],
    ['X-Content-Security-Policy', 'script-src d'],
  ] as const;
  expect(allowedInFields(fields, { script: 'H' })).toEqual([
    ['Content-Security-Policy', ' script-src a H, script-src b H'],
    ['content-security-policy-report-only', ' script-src c H'],
    ['X-Content-Security-Policy', 'script-src d'],
  ]);
});

test('the hash is that of the text as a page has it', async () => {
  expect(await hashSource("alert('Hello, world.');")).toBe("'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
  expect(await hashSource('a\r\nb\rc')).toBe(await hashSource('a\nb\nc'));
});
