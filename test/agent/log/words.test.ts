// The words of routes, and text from outside that can neither forge a line nor steer a terminal.
import { expect, test } from 'vitest';
import {
  cacheInWords,
  closeInWords,
  poolInWords,
  printable,
  routeInWords,
  rulesInWords,
  socketInWords,
  transformInWords,
} from '../../../agent/log/words.ts';
import { type CacheOutcomes, forwardReasons } from '../../../schemas/cache.ts';
import { type Route, routeReasons, type TunnelClose } from '../../../schemas/exchange.ts';
import { socketReasons, type UpstreamSocket } from '../../../schemas/upstream.ts';

test.each<[Route | undefined, string]>([
  [undefined, 'not forwarded'],
  [{ kind: 'edge', edge: 'home', because: 'configured' }, 'by edge home'],
  [{ kind: 'edge', edge: 'home', colo: 'FRA', because: 'configured' }, 'by edge home (FRA)'],
  [{ kind: 'direct', because: 'no-edge' }, 'directly (no edge)'],
  [
    { kind: 'direct', because: 'parent-proxy', parent: 'http://proxy.example:3128' },
    'through the parent proxy http://proxy.example:3128',
  ],
  [
    { kind: 'direct', because: 'connect', parent: 'socks5h://proxy.example:1080' },
    'through the parent proxy socks5h://proxy.example:1080 (tunnel)',
  ],
  [{ kind: 'edge', edge: 'a\nb', colo: '\x1b[2J', because: 'configured' }, 'by edge a?b (?[2J)'],
])('%j is %j', (route, words) => {
  expect(routeInWords(route)).toBe(words);
});

test.each(routeReasons)('the reason %s has words', (because) => {
  expect(routeInWords({ kind: 'direct', because })).toMatch(/^directly \([a-z ]+\)$/);
});

test.each<[Parameters<typeof rulesInWords>[0], readonly string[]]>([
  [{ rules: undefined, shape: undefined }, []],
  [{ rules: ['ads'], shape: undefined }, ['rule ads']],
  [{ rules: ['a\nb', '\x1b[2J'], shape: undefined }, ['rules a?b, ?[2J']],
  [
    { rules: ['far'], shape: { rule: 'far', preset: 'slow-3g', latencyMs: 1_999.6 } },
    ['rule far', 'as over slow-3g, 2000 ms later'],
  ],
  [{ rules: undefined, shape: { rule: 'far', fault: 'truncate' } }, ['as over a network: cut off']],
])('%j is %j', (parts, words) => {
  expect(rulesInWords(parts)).toEqual(words);
});

test.each<[UpstreamSocket, string]>([
  [{ kind: 'socket', because: 'configured' }, 'own connection (as configured)'],
  [{ kind: 'socket', because: 'method', connectMs: 0.5 }, 'own connection (the method), made in 0.500 ms'],
  [
    { kind: 'socket', because: 'octets', connectMs: 1, tls: true },
    'own connection (octets beyond ASCII), made in 1.000 ms with TLS',
  ],
])('%j is %j', (upstream, words) => {
  expect(socketInWords(upstream)).toBe(words);
});

test.each(socketReasons)('the reason %s of an own connection has words', (because) => {
  expect(socketInWords({ kind: 'socket', because })).toMatch(/^own connection \([A-Za-z ]+\)$/);
});

test.each<[CacheOutcomes | undefined, readonly string[]]>([
  [undefined, []],
  [{ agent: { hit: true, ttl: 59 } }, ['cache hit, fresh for 59 s']],
  [{ agent: { hit: true, ttl: -3 } }, ['cache hit, stale for 3 s']],
  [{ agent: { fwd: 'uri-miss', fwdStatus: 200, stored: true } }, ['cache miss (nothing stored), stored']],
  [{ agent: { fwd: 'uri-miss', detail: 'it says no-store' } }, ['cache miss (nothing stored): it says no-store']],
  [{ agent: { fwd: 'stale', fwdStatus: 304, ttl: 60 } }, ['cache hit once validated, fresh for 60 s']],
  [{ agent: { fwd: 'stale', fwdStatus: 503, ttl: -1, detail: 'x' } }, ['cache hit, stale for 1 s: x']],
  [{ agent: { fwd: 'uri-miss', collapsed: true, ttl: 60 } }, ['cache hit with an equal request, fresh for 60 s']],
  [{ agent: { fwd: 'method', fwdStatus: 200 } }, []],
  [{ agent: { detail: 'only-if-cached' } }, ['cache miss: only-if-cached']],
  [
    { agent: { fwd: 'uri-miss', fwdStatus: 200, stored: true }, edge: { hit: true, ttl: 1 } },
    ['cache miss (nothing stored), stored', "edge's cache hit, fresh for 1 s"],
  ],
  [{ edge: { fwd: 'stale', detail: 'a\nb' } }, ["edge's cache miss (stale): a?b"]],
])('what caches did, %j, is %j', (cache, words) => {
  expect(cacheInWords(cache)).toEqual(words);
});

test.each(forwardReasons.filter((reason) => reason !== 'method' && reason !== 'bypass'))(
  'the reason %s of a miss has words',
  (fwd) => {
    expect(cacheInWords({ agent: { fwd } })[0]).toMatch(/^cache miss \([a-z ]+\)$/);
  },
);

test.each<[TunnelClose, string]>([
  [{ by: 'client', how: 'end' }, 'ended by the client'],
  [{ by: 'client', how: 'reset' }, 'reset by the client'],
  [{ by: 'destination', how: 'end' }, 'ended by the destination'],
  [{ by: 'destination', how: 'lost' }, 'connection to the destination lost'],
  [{ by: 'agent', how: 'idle' }, 'cut for idling'],
  [{ by: 'agent', how: 'stop' }, 'cut when edgehop stopped'],
])('a tunnel closed by %j was %j', (close, words) => {
  expect(closeInWords(close)).toBe(words);
});

test.each<[Parameters<typeof poolInWords>[0], string[]]>([
  [undefined, []],
  [{ name: 'app', target: 'http://10.0.0.1', tried: [] }, ['pool app: http://10.0.0.1']],
  [
    { name: 'app', target: 'http://b', tried: [{ target: 'http://a', because: 'it refuses the connection' }] },
    ['pool app: http://b after http://a (it refuses the connection)'],
  ],
  [{ name: 'a\nb', tried: [] }, ['pool a?b: no target']],
])('the pool %j is %j', (pool, words) => {
  expect(poolInWords(pool)).toEqual(words);
});

test.each<[Parameters<typeof transformInWords>[0], string[]]>([
  [undefined, []],
  [{ rule: 'r', applied: [], skipped: 'it is\na part only' }, ['not transformed: it is?a part only']],
  [
    { rule: 'r', applied: ['html', 'compress'], octets: { before: 900, after: 300 } },
    ['transformed (html, compress), 900 octets became 300'],
  ],
])('the transform %j is %j', (transform, words) => {
  expect(transformInWords(transform)).toEqual(words);
});

test('G08: no control character and no line end is printed, and everything else is', () => {
  const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((c) =>
    /\p{Cc}/u.test(c),
  );
  expect(controls.length).toBe(65);
  expect(printable(`${controls.join('')}\u2028\u2029`)).toBe('?'.repeat(67));
  expect(printable('http://ö.example/日本 \u{1f600}')).toBe('http://ö.example/日本 \u{1f600}');
});
