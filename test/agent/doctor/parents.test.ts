// Parent proxies, as what they answer is judged.
import { expect, test } from 'vitest';
import { type ParentAnswer, parentsChecks } from '../../../agent/doctor/parents.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Finding } from '../../../schemas/doctor.ts';
import { never, situationWith, told } from '../../support/situation.ts';

async function found(
  parts: Parameters<typeof situationWith>[0],
  answer: ParentAnswer = { kind: 'answered', status: 200 },
): Promise<readonly Finding[]> {
  const checks = parentsChecks(situationWith(parts), { asked: async () => answer });
  return (await Promise.all(checks.map((check) => check.run(never)))).flat();
}

const open = { env: { HTTP_PROXY: 'http://proxy.example:3128' } };
const shown = { env: { HTTP_PROXY: 'http://me:hush-hush@proxy.example:3128' } };
const name = 'http://proxy.example:3128 (HTTP_PROXY)';
const refused = new ProxyError(
  'connection_refused',
  'The parent proxy http://proxy.example:3128 refuses the connection.',
  { advice: 'Start it.' },
);

test.each([
  [open, { kind: 'answered', status: 501 }, `pass parent proxy http: ${name} answers (status 501)`],
  [
    shown,
    { kind: 'answered', status: 400 },
    `pass parent proxy http: ${name} answers (status 400), and does not refuse the credentials`,
  ],
  [
    shown,
    { kind: 'answered', status: undefined },
    `pass parent proxy http: ${name} answers, and does not refuse the credentials`,
  ],
  [open, { kind: 'answered', status: 407 }, `fail parent proxy http: ${name} asks for credentials`],
  [shown, { kind: 'answered', status: 407 }, `fail parent proxy http: ${name} does not take the credentials`],
  [shown, { kind: 'answered', status: 401 }, `fail parent proxy http: ${name} does not take the credentials`],
  [open, { kind: 'silent' }, `skip parent proxy http: ${name} is reached, and says nothing for a while`],
  [open, { kind: 'ourselves' }, `skip parent proxy http: ${name} is edgehop itself, which then uses none`],
  [
    open,
    { kind: 'unreachable', error: refused },
    'fail parent proxy http: The parent proxy http://proxy.example:3128 refuses the connection (HTTP_PROXY)',
  ],
] as const)('%j: %j', async (parts, answer, expected) => {
  const findings = await found(parts, answer);
  expect(told(findings)).toBe(expected);
  expect(JSON.stringify(findings)).not.toContain('hush');
});

test('one for all is asked once, two are asked both, and those that are excluded make no difference', async () => {
  expect(told(await found({ env: { all_proxy: 'socks5h://p:1080' } }))).toMatch(
    /^pass parent proxy: socks5h:\/\/p:1080/,
  );
  const both = await found({ config: { parents: { http: 'http://a:1', https: 'https://b:2' } } });
  expect(both.map((finding) => finding.name)).toEqual(['parent proxy http', 'parent proxy https']);
});

test.each([
  [{}, 'skip parent proxies: none is named, by the configuration or the environment'],
  [{ ...open, config: { parents: { use: 'none' } } }, 'skip parent proxies: none is used: parents.use is none'],
  [
    { env: { HTTPS_PROXY: 'ftp://me:hush-hush@x' } },
    'fail parent proxies: HTTPS_PROXY does not name a parent proxy: a parent speaks http, https, socks5, socks5h.',
  ],
])('%j', async (parts, expected) => {
  expect(told(await found(parts))).toBe(expected);
});
