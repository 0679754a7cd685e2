// Every text that the schema of the configuration allows is either known to be shown, or it is hidden: new keys, too.
import { describe, expect, test } from 'vitest';
import { alternativesOf, configSchema, type JsonSchema } from '../../../agent/config/json-schema.ts';
import {
  forStrangers,
  namesSecret,
  passwordsOfParent,
  secret,
  secretsOf,
  withoutKnown,
  withoutSecrets,
} from '../../../agent/config/secrets.ts';
import type { Config } from '../../../schemas/config.ts';

const canary = 'canary-0123456789';

/** Texts that are shown whole to anybody. Whoever adds a key that is none of these hides it, or adds it here. */
const shown = `
$schema listen.host edge.use edge.edges.*.name edge.edges.*.url
intercept.hosts.* intercept.except.* trust.authorities.* pac.direct.*
parents.no.* admit.clients.allow.* admit.clients.deny.* admit.credentials.*.name admit.destinations.allow.*
rules.*.name rules.*.when.host rules.*.when.host.* rules.*.when.domain rules.*.when.domain.*
rules.*.when.list rules.*.when.list.* rules.*.when.method rules.*.when.method.* rules.*.when.url rules.*.when.url.*
rules.*.when.path rules.*.when.path.* rules.*.when.client rules.*.when.client.* rules.*.when.time rules.*.when.time.*
rules.*.when.not.host rules.*.when.not.host.* rules.*.when.not.domain rules.*.when.not.domain.*
rules.*.when.not.list rules.*.when.not.list.* rules.*.when.not.method rules.*.when.not.method.*
rules.*.when.not.url rules.*.when.not.url.* rules.*.when.not.path rules.*.when.not.path.*
rules.*.when.not.client rules.*.when.not.client.* rules.*.when.not.time rules.*.when.not.time.*
rules.*.when.response.status rules.*.when.response.status.* rules.*.when.response.type rules.*.when.response.type.*
rules.*.then.respond.file rules.*.then.respond.folder rules.*.then.respond.under
rules.*.then.redirect.to rules.*.then.rewrite.to
rules.*.then.request.remove rules.*.then.request.remove.* rules.*.then.request.removeCookies rules.*.then.request.removeCookies.*
rules.*.then.response.remove rules.*.then.response.remove.* rules.*.then.route.edge
lists.*.file lists.*.url pools.*.targets.*.url pools.*.check.path reverse.*.host reverse.*.path reverse.*.pool
parents.http parents.https parents.all
`
  .trim()
  .split(/\s+/);

/** What rules put into messages and look for in them: shown to its owner, unless its name is that of a credential. */
const contents = `
rules.*.when.query.* rules.*.when.fields.* rules.*.when.not.query.* rules.*.when.not.fields.*
rules.*.then.block.message rules.*.then.respond.fields.* rules.*.then.respond.text rules.*.then.respond.json
rules.*.then.request.set.* rules.*.then.request.add.* rules.*.then.response.set.* rules.*.then.response.add.*
rules.*.then.transform.html.*.select rules.*.then.transform.html.*.replace rules.*.then.transform.html.*.append
rules.*.then.transform.html.*.prepend rules.*.then.transform.html.*.set.* rules.*.then.transform.inject.script
rules.*.then.transform.inject.style rules.*.then.transform.replace.*.find rules.*.then.transform.replace.*.with
`
  .trim()
  .split(/\s+/);

const everyPath = [...new Set(pathsIn(configSchema(), []))];

test('the walk of the schema finds what there is', () => {
  expect(everyPath).toContain('edge.edges.*.token');
  expect(everyPath.length).toBeGreaterThan(70);
});

test('what is said to be shown is there', () => {
  expect([...shown, ...contents].filter((path) => !everyPath.includes(path))).toEqual([]);
});

describe.each(everyPath)('a text at %s', (path) => {
  test('is shown to strangers only where that is known to be harmless', () => {
    const told = JSON.stringify(forStrangers(configWith(path, canary)));
    expect(told.includes(canary)).toBe(shown.includes(path));
  });

  test('is shown to its owner where it is no credential', () => {
    const told = JSON.stringify(withoutSecrets(configWith(path, canary)));
    expect(told.includes(canary)).toBe(shown.includes(path) || contents.includes(path));
  });

  test.each([
    `https://me:${canary}@host.example/path`,
    `see http://${canary}@host.example`,
    `socks5h://a:b@${canary}@h`,
  ])('does not show the userinfo of a URL to anybody: %s', (text) => {
    expect(JSON.stringify(forStrangers(configWith(path, text)))).not.toContain(canary);
    expect(JSON.stringify(withoutSecrets(configWith(path, text)))).not.toContain(canary);
  });

  test.each([
    `https://host.example/list?key=${canary}`,
    `/health?${canary}`,
    `{scheme}://h/?t=${canary}`,
    `*?t=${canary}`,
  ])('does not show the query of a URL to strangers: %s', (text) => {
    expect(JSON.stringify(forStrangers(configWith(path, text)))).not.toContain(canary);
  });
});

test.each([
  ['http://me:hush/hush@proxy.example:3128', 'http://(secret)@proxy.example:3128'],
  ['me:hush@proxy.example', '(secret)@proxy.example'],
  ['me:a@hush@proxy.example', '(secret)@proxy.example'],
])('of the parent %s nothing is shown before its last @', (parent, told) => {
  const config = configWith('parents.https', parent);
  expect(withoutSecrets(config).parents.https).toBe(told);
  expect(forStrangers(config).parents.https).toBe(told);
});

test.each([
  'rules.*.when.fields',
  'rules.*.then.request.set',
  'rules.*.then.response.add',
  'rules.*.then.respond.fields',
])('values under %s are hidden from their owner, too, where their names are those of credentials', (path) => {
  for (const name of ['authorization', 'Cookie', 'set-cookie', 'X-Api-Key', 'x-auth-token']) {
    const config = configWith(`${path}.${name}`, canary);
    expect(JSON.stringify(withoutSecrets(config))).not.toContain(canary);
  }
});

test('numbers and lists that a rule answers with are content as well', () => {
  const config = configWith('rules.*.then.respond.json', { pin: 4711, all: ['x', true] });
  expect(JSON.stringify(forStrangers(config))).toContain(
    JSON.stringify({ json: { pin: secret, all: [secret, secret] } }),
  );
});

test('the secrets of a configuration are told for a search, as they stand there and decoded', () => {
  const config = configWith('parents.http', 'http://me:p%40ssword@proxy.example');
  const edge = { name: 'home', url: 'https://edge.example', token: 'a-token-of-sixteen' };
  const all = { ...config, edge: { edges: [edge] } } as unknown as Config;
  expect(secretsOf(all)).toEqual(['a-token-of-sixteen', 'me:p%40ssword', 'p%40ssword', 'p@ssword']);
});

test('a text is searched for secrets and URLs, whatever stands around them', () => {
  expect(withoutKnown('the token hush-hush is not http://a:b@c/', ['hush-hush'])).toBe(
    'the token (secret) is not http://(secret)@c/',
  );
});

test.each([
  ['http://me:hush@proxy.example', ['me:hush', 'hush', 'hush']],
  ['proxy.example:3128', []],
  ['me@proxy.example', ['me', 'me', 'me']],
])('the credentials in %s', (parent, found) => {
  expect(passwordsOfParent(parent)).toEqual(found);
});

test.each([
  ['EDGEHOP_TOKEN', true],
  ['Proxy-Authorization', true],
  ['content-type', false],
  ['EDGEHOP_PORT', false],
])('%s names a secret: %s', (name, isSecret) => {
  expect(namesSecret(name)).toBe(isSecret);
});

/** Paths of texts, and of values of any kind. `*` stands for a key of one's own or an index. */
function pathsIn(schema: JsonSchema & { readonly $ref?: string }, path: readonly string[]): string[] {
  return alternativesOf(schema).flatMap((one) => {
    const { type, properties = {}, additionalProperties, items, const: only, enum: words } = one;
    const isFree = only === undefined && words === undefined && (type === 'string' || type === undefined);
    return [
      ...Object.entries(properties).flatMap(([key, each]) => pathsIn(each, [...path, key])),
      ...(typeof additionalProperties === 'object' ? pathsIn(additionalProperties, [...path, '*']) : []),
      ...(items === undefined ? [] : pathsIn(items, [...path, '*'])),
      ...(isFree ? [path.join('.')] : []),
    ];
  });
}

/** A configuration with one value in one place. `*` becomes a key that is an index as well. */
function configWith(path: string, value: unknown): Config {
  const made = path
    .split('.')
    .reduceRight((inner, part) => (part === '*' ? { 0: inner } : { [part]: inner }), value as object);
  return { parents: {}, ...made } as unknown as Config;
}
