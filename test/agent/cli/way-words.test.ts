// Which way a request is said to go.
import { describe, expect, test } from 'vitest';
import { wayOf } from '../../../agent/cli/way-words.ts';
import type { RuleRequest } from '../../../http/plan/plan.ts';
import { config } from '../../../schemas/config.ts';
import { exchangeOf, planOf, tunnelOf } from '../../support/rules.ts';

function way(then: object | undefined, written: object = {}, request: RuleRequest = exchangeOf('http://a.example/x')) {
  const plan = then && planOf([{ name: 'r', then }], request);
  return wayOf(plan, request, config.parse(written));
}

describe('an exchange', () => {
  test.each([
    [undefined, {}, 'edge', 'by the edge embedded; where the edge cannot, it goes directly, says the configuration.'],
    [undefined, { edge: { fallback: 'fail' } }, 'edge', 'it fails, says the configuration.'],
    [undefined, { edge: { use: 'none' } }, 'direct', 'the configuration has no edge'],
    [{ route: 'direct' }, {}, 'direct', 'It goes directly, as "r" says.'],
    [{ route: 'edge' }, {}, 'edge', 'by the edge embedded, as "r" says'],
    [{ route: { edge: 'far' } }, {}, 'edge', 'by the edge far, as "r" says'],
    [{ route: 'edge', fallback: 'fail' }, {}, 'edge', 'it fails, says "r".'],
    [{ route: 'edge' }, { edge: { use: 'none' } }, 'nowhere', 'It is refused: "r" sends it by an edge'],
    [{ route: 'edge', fallback: 'direct' }, { edge: { use: 'none' } }, 'direct', 'no edge'],
    [{ rewrite: { to: 'http://127.0.0.1/' } }, {}, 'nowhere', 'refused with 403: 127.0.0.1 is in a special block'],
    [
      { rewrite: { to: 'http://127.0.0.1/' } },
      { admit: { destinations: { allow: ['127.0.0.1'] } } },
      'edge',
      'by the edge embedded',
    ],
    [
      { rewrite: { to: 'http://127.0.0.1/' }, route: { edge: 'far' } },
      { admit: { destinations: { allow: ['127.0.0.1'] } } },
      'direct',
      'the destination is private',
    ],
    [
      { log: 'off' },
      { pools: { app: { targets: [{ url: 'http://b.example' }] } }, reverse: [{ host: 'a.example', pool: 'app' }] },
      'pool',
      'to the pool "app"',
    ],
    [
      { rewrite: { to: 'http://c.example/' } },
      { pools: { app: { targets: [{ url: 'http://b.example' }] } }, reverse: [{ host: 'a.example', pool: 'app' }] },
      'edge',
      'by the edge',
    ],
    [
      { rewrite: { to: 'http://a.example/api/y' } },
      {
        reverse: [
          { host: 'a.example', path: '/api', pool: 'api' },
          { host: 'a.example', pool: 'app' },
        ],
      },
      'pool',
      'to the pool "api"',
    ],
  ])('%j in %j: %s', (then, written, kind, words) => {
    const told = way(then, written);
    expect(told.kind).toBe(kind);
    expect(told.says).toContain(words);
  });
});

test('an https URL is for the real host, whatever reverse route has its name', () => {
  const reverse = [{ host: 'a.example', pool: 'app' }];
  expect(way(undefined, { reverse }, exchangeOf('https://a.example/')).kind).toBe('edge');
});

describe('a tunnel', () => {
  test.each([
    [undefined, 'direct', 'tunnels always do'],
    [{ route: 'direct' }, 'direct', 'as "r" says'],
    [{ route: 'edge' }, 'direct', 'edges carry no tunnels'],
    [{ route: 'edge', fallback: 'fail' }, 'nowhere', 'It is refused'],
  ])('%j: %s', (then, kind, words) => {
    const told = way(then, {}, tunnelOf('a.example'));
    expect(told.kind).toBe(kind);
    expect(told.says).toContain(words);
  });

  test('to a private destination is refused', () => {
    expect(way(undefined, {}, tunnelOf('10.0.0.1')).kind).toBe('nowhere');
  });
});
