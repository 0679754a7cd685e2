// Mistakes that only show when a configuration is looked at as a whole.
import { describe, expect, test } from 'vitest';
import { registrableDomain } from '../../../agent/config/registrable-domain.ts';
import { configMistakes } from '../../../http/plan/mistakes.ts';
import { config } from '../../../schemas/config.ts';

function mistakesIn(written: object): readonly string[] {
  const parsed = config.parse(written);
  return configMistakes(parsed, { registrableDomain }).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const block = { block: {} };

test('a configuration without mistakes has none', () => {
  expect(
    mistakesIn({
      rules: [
        { name: 'a', when: { host: ['a.example', '*.ä.example', '[::1]', '*'], list: 'ads' }, then: block },
        { when: { domain: ['example.co.uk', 'github.io'], client: ['::1', '10.0.0.0/8'] }, then: block },
        { when: { url: ['http://*', '*.js', 'http://a.example:*/*'], time: '20:00-24:00' }, then: block },
        { when: { not: { path: '/x' } }, then: { route: { edge: 'home' } } },
        { when: { host: '*.a.example', scheme: 'http' }, then: { redirect: { to: 'https://{1}.a.example{path}' } } },
      ],
      lists: { ads: { file: 'ads.txt' } },
      edge: { edges: [{ name: 'home', url: 'https://edge.example', token: 'x'.repeat(16) }] },
      pools: { app: { targets: [{ url: 'http://127.0.0.1:3000' }] } },
      reverse: [{ host: 'app.localhost', pool: 'app' }],
    }),
  ).toEqual([]);
});

describe('names', () => {
  test.each([
    [
      'of a list',
      { rules: [{ when: { list: 'ads' }, then: block }] },
      'rules.0.when.list.0: there is no list "ads": there is none at all',
    ],
    [
      'of a list inside not',
      { lists: { a: { file: 'x' } }, rules: [{ when: { not: { list: 'b' } }, then: block }] },
      'rules.0.when.not.list.0: there is no list "b": there are a',
    ],
    [
      'of an edge',
      { rules: [{ then: { route: { edge: 'far' } } }] },
      'rules.0.then.route.edge: there is no edge "far": there are embedded',
    ],
    ['of a pool', { reverse: [{ host: 'a', pool: 'app' }] }, 'reverse.0.pool: there is no pool "app"'],
    [
      'of a list that every object has',
      { rules: [{ when: { list: 'constructor' }, then: block }] },
      'there is no list "constructor"',
    ],
  ])('%s that does not exist', (_, written, words) => {
    expect(mistakesIn(written).join()).toContain(words);
  });

  test.each([
    ['given twice', ['a', 'a'], 'rules.1.name: the name "a" is taken by the 1st rule'],
    ['that another has by its number', ['rule 2', undefined], 'rules.1: the name "rule 2" is taken by the 1st rule'],
    ['with a control character', ['a\u001b[31m'], 'rules.0.name: a name has no control characters'],
  ])('of a rule, %s', (_, names, words) => {
    const rules = names.map((name) => ({ ...(name !== undefined && { name }), then: block }));
    expect(mistakesIn({ rules }).join()).toContain(words);
  });
});

describe('conditions that never hold', () => {
  test.each([
    [{ host: '010.8.8.8' }, 'host.0: it is neither a name nor an address'],
    [{ host: '*.192.0.2.1' }, 'host.0: it is neither a name nor an address'],
    [
      { domain: 'co.uk' },
      'domain.0: nobody can register it: for "co.uk" and all names below it write "host": ["co.uk", "*.co.uk"]',
    ],
    [{ domain: 'www.example.com' }, 'domain.0: the registrable domain in it is example.com'],
    [{ domain: '*.example.com' }, 'domain.0: it is no domain'],
    [{ domain: '192.0.2.1' }, 'domain.0: it is no domain'],
    [{ domain: 'localhost' }, 'domain.0: nobody can register it'],
    [{ method: 'get' }, 'method.0: methods are compared letter by letter: write "GET"'],
    [{ url: 'http://a.example/#x' }, 'url.0: a request has no fragment'],
    [{ url: 'http://user@a.example/' }, 'url.0: userinfo is no part'],
    [{ url: 'http:///x' }, 'url.0: the host is missing'],
    [{ url: 'http://a.example*' }, 'url.0: it would hold for longer names, too, such as a.example.elsewhere.example'],
    [{ url: 'http://a..b/*' }, 'url.0: its host is neither'],
    [{ url: 'http://a.example/x/../y' }, 'url.0: no canonical URL has . or ..'],
    [{ path: '/a?b' }, 'path.0: the path is without the query'],
    [{ path: '/a/.' }, 'path.0: no canonical URL has . or ..'],
    [{ client: '10.0.0.1/8' }, 'client.0: it is no address and no range'],
    [{ client: 'localhost' }, 'client.0: it is no address and no range'],
    [{ time: '20:00-24:30' }, 'time.0: the last time of a day is 24:00'],
    [{ not: {} }, 'not: without a condition inside'],
  ])('%j', (when, words) => {
    expect(mistakesIn({ rules: [{ when, then: block }] }).join()).toContain(`rules.0.when.${words}`);
    if (!('not' in when))
      expect(mistakesIn({ rules: [{ when: { not: when }, then: block }] }).join()).toContain(
        `rules.0.when.not.${words}`,
      );
  });
});

describe('targets', () => {
  test.each([
    [{}, 'http://{1}/', 'there is nothing for {1}: a pattern of "host" in "when" has no `*`'],
    [{ host: 'a.example' }, 'http://b.example/{1}', 'there is nothing for {1}'],
    [
      { host: '*.a.example' },
      'http://{1}.b.example/{2}',
      'there is nothing for {2}: a pattern of "host" in "when" has 1 `*`',
    ],
    [{ path: ['/a/*', '/b'] }, 'http://b.example/{1}', 'there is nothing for {1}: a pattern of "path"'],
    [{ url: 'http://*/x', path: '/*/*/*' }, 'http://{2}/', 'there is nothing for {2}: a pattern of "url"'],
    [{}, 'http://b.example:99999/', 'it makes no URL'],
    [{}, 'http://b..example/', 'it makes no URL: the host has an empty label'],
    [{}, '/x', 'a target begins with'],
  ])('%j to %s', (when, to, words) => {
    for (const kind of ['redirect', 'rewrite'])
      expect(mistakesIn({ rules: [{ when, then: { [kind]: { to } } }] }).join()).toContain(
        `rules.0.then.${kind}.to: ${words}`,
      );
  });
});

describe('edits that undo each other', () => {
  test.each([
    [{ set: { 'X-A': '1', 'x-a': '2' } }, 'set.x-a: the field "x-a" stands there twice'],
    [{ set: { 'X-A': '1' }, remove: ['x-a'] }, 'remove.0: "set" takes the place of "x-a" already'],
  ])('%j', (edits, words) => {
    for (const kind of ['request', 'response'])
      expect(mistakesIn({ rules: [{ then: { [kind]: edits } }] }).join()).toContain(`rules.0.then.${kind}.${words}`);
  });
});

describe('redirects that lead in a circle', () => {
  const redirect = (when: object, to: string, name?: string) => ({
    ...(name !== undefined && { name }),
    when,
    then: { redirect: { to } },
  });

  test.each([
    ['from https to https', [redirect({ host: 'a.example' }, 'https://{host}{path}{query}')]],
    ['always', [redirect({}, 'http://a.example/')]],
    ['below a path', [redirect({ path: '/x/*' }, 'http://{host}/x/y/{1}')]],
    ['of a list of URLs', [redirect({ url: ['http://b.example/*', '*://a.example/*'] }, 'http://a.example/')]],
    [
      'under conditions',
      [
        redirect(
          {
            host: 'a.example',
            method: 'PUT',
            fields: { x: '1*' },
            query: { y: true },
            client: '10.0.0.0/8',
            time: '10:00-11:00',
            weekday: 'mon',
            port: 8080,
          },
          'http://a.example:8080/?y=1',
        ),
      ],
    ],
    [
      'by two rules',
      [redirect({ host: 'a.example' }, 'http://b.example/'), redirect({ host: 'b.example' }, 'http://a.example/')],
    ],
  ])('%s', (_, rules) => {
    expect(mistakesIn({ rules })[0]).toMatch(/^rules\.0\.then\.redirect: the redirects of the rules? "rule 1"/);
    expect(mistakesIn({ rules })[0]).toContain('for instance from http');
  });

  test.each([
    ['from http to https', [redirect({ host: 'a.example', scheme: 'http' }, 'https://{host}{path}{query}')]],
    ['to another host', [redirect({ host: 'a.example' }, 'https://b.example{path}')]],
    ['of a rule that is not enabled', [{ ...redirect({}, 'http://a.example/'), enabled: false }]],
    ['behind one that answers', [{ then: { block: {} } }, redirect({}, 'http://a.example/')]],
  ])('not %s', (_, rules) => {
    expect(mistakesIn({ rules })).toEqual([]);
  });
});
