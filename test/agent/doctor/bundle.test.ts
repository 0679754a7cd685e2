// What a stranger may see of a machine: canaries stand wherever a secret may, and none of them comes out.
import { describe, expect, test } from 'vitest';
import { bundleOf, knownSecrets, toldExchange, withoutSecretsOf } from '../../../agent/doctor/bundle.ts';
import { fail } from '../../../agent/doctor/check.ts';
import { config } from '../../../schemas/config.ts';
import { doctorBundle } from '../../../schemas/doctor.ts';
import { type ExchangeRecord, exchangeRecord } from '../../../schemas/exchange.ts';
import { agentWith, situationWith } from '../../support/situation.ts';

/** Each place has its own, so that the one that comes out tells where from. */
const canary = (place: string) => `canary-${place}-0123456789`;

const configuration = {
  edge: {
    use: `https://me:${canary('use')}@edge.example`,
    edges: [{ name: 'home', url: 'https://edge.example', token: canary('token') }],
  },
  admit: { credentials: [{ name: 'ann', hash: `scrypt:1:1:1:c2FsdA:${canary('hash')}` }] },
  parents: {
    http: `http://me:${canary('http')}@proxy.example:3128`,
    https: `https://me:${canary('https')}@proxy.example`,
    all: `me:${canary('all')}@proxy.example`,
  },
  lists: { ads: { url: `https://me:${canary('list')}@lists.example/ads?key=${canary('query')}` } },
  rules: [
    {
      when: {
        fields: { 'x-any': canary('when-field') },
        query: { any: canary('when-query') },
        url: `https://a.example/*?k=${canary('when-url')}`,
      },
      then: {
        request: { set: { authorization: `Bearer ${canary('set')}` }, add: { cookie: `a=${canary('add')}` } },
        response: { set: { 'set-cookie': `a=${canary('response-set')}` }, add: { 'x-any': canary('response-add') } },
        rewrite: { to: `https://me:${canary('rewrite')}@other.example/?k=${canary('rewrite-query')}` },
        transform: {
          inject: { script: `key = "${canary('script')}"` },
          replace: [{ find: canary('find'), with: canary('with') }],
        },
      },
    },
    { then: { respond: { json: { any: [canary('json')] }, fields: { 'x-any': canary('respond-field') } } } },
    { then: { respond: { text: canary('text') } } },
    { then: { redirect: { to: `https://other.example/?k=${canary('redirect')}` } } },
    { then: { block: { message: canary('message') } } },
  ],
};

const env = {
  EDGEHOP_TOKEN: canary('env-token'),
  EDGEHOP_EDGE: `https://me:${canary('env-edge')}@edge.example`,
  HTTPS_PROXY: `http://me:${canary('env-https')}@proxy.example`,
  http_proxy: `me:${canary('env-http')}@proxy.example`,
  FTP_PROXY: 'me:a,b@proxy.example',
  ALL_PROXY: `socks5://me:p/${canary('env-slash')}@proxy.example`,
  NO_PROXY: `localhost,http://me:${canary('env-no')}@x`,
  NODE_OPTIONS: `--use-system-ca --require=${canary('env-options')} -r ${canary('env-option')}`,
  NODE_EXTRA_CA_CERTS: '/home/me/ca.pem',
  AWS_SECRET_ACCESS_KEY: canary('env-other'),
  PATH: canary('env-path'),
};

const record: ExchangeRecord = exchangeRecord.parse({
  id: 'x-1',
  kind: 'exchange',
  stages: {},
  client: { address: '192.0.2.77', port: 5, connection: 1 },
  request: {
    method: 'GET',
    url: `https://me:${canary('record')}@site.example/path?k=${canary('record-query')}#f`,
    httpVersion: '1.1',
  },
  rewrittenUrl: `https://other.example/?k=${canary('record-rewritten')}`,
  response: { status: 200, reason: 'OK' },
  destination: { host: 'site.example', port: 443, address: '192.0.2.88', knownBy: 'socket' },
  octets: { fromClient: 0, toClient: 1 },
  retries: 0,
  error: { type: 'connection_refused', status: 502, message: `as ${canary('token')} says`, source: 'agent' },
});

const situation = situationWith({
  env,
  config: configuration,
  read: { kind: 'right', path: '/home/me/edgehop.jsonc' },
  agents: [agentWith({ controlToken: canary('control') })],
});

/** A message may quote what it is about. */
const findings = [
  fail(
    'configuration',
    `there is no edge "https://me:${canary('use')}@edge.example" with ${canary('token')}`,
    `set ${canary('env-token')}`,
  ),
  fail('parent', `me:${canary('all')} and ${canary('control')}`, 'none'),
];

const facts = {
  situation,
  findings,
  accounts: [
    {
      agent: agentWith({ controlToken: canary('control') }),
      readiness: { ready: true, agent: 'listening', edge: 'ready', configuration: 'last-good' } as const,
      configuration: {
        loadedAt: '2026-11-22T00:00:00.000000Z',
        problem: `"https://me:${canary('use')}@x" in /home/me/x`,
        later: [],
      },
      recent: [record],
    },
  ],
  writtenAt: '2026-11-22T00:00:00.000000Z',
  edgehop: '0.1.0',
  node: '26.10.0',
  platform: 'linux x64',
  home: '/home/me',
};

test('the configuration of this test is one that edgehop reads', () => {
  expect(config.safeParse(configuration).error?.issues ?? []).toEqual([]);
});

test('no canary comes out, and everything else that helps does', () => {
  const bundle = doctorBundle.parse(bundleOf(facts));
  const text = JSON.stringify(bundle);
  expect(text.match(/canary-[a-z-]+/g) ?? []).toEqual([]);
  expect(text).not.toContain('/home/me');
  expect(text).not.toMatch(/192\.0\.2\.(77|88)/);
  expect(bundle.configuration).toMatchObject({
    kind: 'right',
    path: '~/edgehop.jsonc',
    inEffect: { listen: { port: 8080 } },
  });
  expect(bundle.environment).toEqual({
    ALL_PROXY: 'socks5://(secret)@proxy.example',
    EDGEHOP_EDGE: 'https://(secret)@edge.example',
    EDGEHOP_TOKEN: '(secret)',
    FTP_PROXY: '(secret)@proxy.example',
    HTTPS_PROXY: 'http://(secret)@proxy.example',
    NODE_EXTRA_CA_CERTS: '~/ca.pem',
    NODE_OPTIONS: '--use-system-ca --require=(secret) -r',
    NO_PROXY: 'localhost,http://(secret)@x',
    http_proxy: '(secret)@proxy.example',
  });
  expect(bundle.agents[0]?.recent[0]).toMatchObject({
    request: { method: 'GET', url: 'https://(secret)@site.example/path' },
    error: { message: 'as (secret) says' },
  });
});

test('findings that are printed hold no canary either, whatever a message quotes', () => {
  const text = JSON.stringify(withoutSecretsOf(findings, situation));
  expect(text.match(/canary-[a-z-]+/g) ?? []).toEqual([]);
  expect(text).toContain('there is no edge');
});

test('of a configuration that is wrong only the mistakes are told', () => {
  const wrong = situationWith({ env, read: { kind: 'wrong', because: `a mistake in https://me:${canary('use')}@x` } });
  const bundle = bundleOf({ ...facts, situation: wrong, findings: [], accounts: [] });
  expect(bundle.configuration).toEqual({ kind: 'wrong', because: 'a mistake in https://(secret)@x' });
});

test('a home that is the root of all, and a session of a desktop, leave texts as they are', () => {
  const plain = situationWith({ env: { XDG_SESSION_DESKTOP: 'ubuntu-desktop' } });
  const told = [fail('a', '/etc of an ubuntu-desktop', 'none')];
  expect(bundleOf({ ...facts, situation: plain, findings: told, accounts: [], home: '/' }).findings).toEqual(told);
});

test('a password that is a word of the schema takes that word away, and nothing breaks', () => {
  const words = ['findings', 'because', 'direct', 'exchange', 'listening'];
  const env = Object.fromEntries(words.map((word, index) => [`P${index}_PROXY`, `http://me:${word}@p`]));
  const odd = { ...situation, env };
  expect(Object.keys(bundleOf({ ...facts, situation: odd }))).toContain('findings');
  expect(Object.keys(withoutSecretsOf(findings, odd)[0] ?? {})).toContain('because');
});

test('short secrets are not searched for: they would be found everywhere', () => {
  expect(knownSecrets(situationWith({ env: { http_proxy: 'http://a:b@c' } }))).toEqual([]);
});

describe('an exchange', () => {
  test('is told without addresses and fields of its connection', () => {
    expect(Object.keys(toldExchange(record)).sort()).toEqual([
      'error',
      'id',
      'kind',
      'octets',
      'request',
      'response',
      'retries',
      'stages',
    ]);
  });

  test('is told with its own connection of the edge, but for the address', () => {
    const upstream = { kind: 'socket', because: 'method', connectMs: 2, address: '192.0.2.88' } as const;
    expect(toldExchange({ ...record, upstream }).upstream).toEqual({ kind: 'socket', because: 'method', connectMs: 2 });
  });
});
