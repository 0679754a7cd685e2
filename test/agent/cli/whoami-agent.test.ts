// The configuration that one route is measured with.
import { expect, test } from 'vitest';
import { configForRoute } from '../../../agent/cli/whoami-agent.ts';
import { config } from '../../../schemas/config.ts';

const inEffect = config.parse({
  listen: { port: 8080 },
  privacy: { via: 'off', forwarded: 'on' },
  edge: { use: 'home', edges: [{ name: 'home', url: 'https://edge.example', token: 'a-token-of-16-octets' }] },
  parents: { http: 'http://parent.example:3128' },
  admit: { clients: { deny: ['127.0.0.1'] }, destinations: { allow: ['10.0.0.0/8'] } },
  lists: { ads: { url: 'https://lists.example/ads' }, own: { file: 'own.txt' } },
  pools: { app: { targets: [{ url: 'http://10.0.0.1' }] } },
  reverse: [{ host: 'app.localhost', pool: 'app' }],
  rules: [
    { name: 'quiet', when: {}, then: { log: 'off', request: { remove: 'cookie' } } },
    { name: 'loud', when: {}, then: { route: 'direct' } },
  ],
});
const own = { kind: 'own', url: new URL('http://127.0.0.1:4000/whoami') } as const;
const named = { kind: 'named', url: new URL('https://echo.example/') } as const;

test('rules and privacy are as in effect, and each exchange is told of', () => {
  const made = configForRoute(inEffect, { route: 'direct', origin: own, edge: undefined });
  expect(made.privacy).toEqual(inEffect.privacy);
  expect(made.rules.map(({ name, then: actions }) => [name, Object.keys(actions)])).toEqual([
    ['quiet', ['request']],
    ['loud', ['route']],
  ]);
});

test('nothing is stored, nobody else is asked, and ports are free ones of loopback', () => {
  const made = configForRoute(inEffect, { route: 'direct', origin: own, edge: undefined });
  expect(made.listen).toEqual({ host: '127.0.0.1', port: 0, controlPort: 0 });
  expect(made.cache).toEqual({ agent: false, edge: 'off' });
  expect([made.pools, made.reverse, Object.keys(made.lists)]).toEqual([{}, [], ['own']]);
  expect(made.admit.clients).toEqual({ allow: [], deny: [] });
  expect(made.admit.destinations).toEqual({ allow: ['10.0.0.0/8', '127.0.0.1:4000'], allowPrivate: false });
  expect(made.parents).toEqual({ use: 'none' });
});

test.each([
  ['direct', undefined, { use: 'none', upstream: 'fetch' }],
  ['edge-fetch', undefined, { use: 'embedded', upstream: 'fetch' }],
  ['edge-socket', undefined, { use: 'embedded', upstream: 'socket' }],
  ['edge-socket', 'home', { use: 'home', upstream: 'socket' }],
] as const)('%s by edge %s, and by no other way', (route, edge, expected) => {
  const made = configForRoute(inEffect, { route, origin: named, edge });
  expect(made.edge).toMatchObject({ ...expected, fallback: 'fail' });
  expect(made.parents).toEqual(inEffect.parents);
  expect(made.admit.destinations.allow).toEqual(['10.0.0.0/8']);
});
