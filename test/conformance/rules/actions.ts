// The table of `then`, but for networks and content: what each action does by every way, to an upgrade and to a tunnel.
import type { RuleInput as WrittenRule } from '../../support/rules.ts';
import type { Ask, Expected, Row } from './row.ts';

const when = { host: 'a.test' };
const ask: Ask = { url: 'http://a.test/x' };
const tunnel = { to: 'a.test:ORIGIN' };
/** For tunnels it is as if the rule were not there. */
const notForTunnels = { ...tunnel, outcome: 'open', rules: [] } as const;

function ruleOf(then: WrittenRule['then'], more: Partial<WrittenRule> = {}): WrittenRule {
  return { name: 'rule', when, then, ...more };
}

/** An answer of the agent: nobody is asked. */
function answered(status: number, content?: string, fields: NonNullable<Fields> = {}): Expected {
  const record = { response: { status } };
  return {
    client: { status, fields, ...(content !== undefined && { content }) },
    origin: null,
    rules: ['rule'],
    record,
  };
}

type Fields = Extract<Expected['client'], { fields?: unknown }>['fields'];

const blocks: readonly Row[] = [
  {
    title: 'block answers 403',
    rules: [ruleOf({ block: {} })],
    ask,
    expected: { ...answered(403), record: { error: { type: 'http_request_denied', source: 'agent' } } },
    upgrade: answered(403),
    tunnel: { ...tunnel, outcome: 403, rules: ['rule'], record: { error: { type: 'http_request_denied' } } },
  },
  {
    title: 'block with a status and a message answers so, also what has content',
    rules: [ruleOf({ block: { status: 451, message: 'Not here.' } })],
    ask: { ...ask, method: 'POST', content: 'sent' },
    expected: { ...answered(451), record: { error: { type: 'http_request_denied', message: 'Not here.' } } },
    tunnel: { ...tunnel, outcome: 451, rules: ['rule'], record: { error: { message: 'Not here.' } } },
  },
  {
    title: 'block: drop answers nothing',
    rules: [ruleOf({ block: 'drop' })],
    ask,
    expected: { client: 'reset', origin: null, rules: ['rule'], record: { error: { type: 'http_request_denied' } } },
    upgrade: { client: 'reset', origin: null, rules: ['rule'] },
    tunnel: { ...tunnel, outcome: 'reset', rules: ['rule'] },
  },
  {
    title: 'block after the response puts itself in its place',
    rules: [ruleOf({ block: { status: 410 } }, { when: { ...when, response: { status: 200 } } })],
    ask,
    expected: { client: { status: 410 }, origin: {}, rules: ['rule'] },
    tunnel: notForTunnels,
  },
  {
    title: 'a rule that is not enabled does nothing',
    rules: [ruleOf({ block: {} }, { enabled: false })],
    ask,
    expected: { client: { status: 200, content: 'hello' }, origin: {}, rules: [] },
    upgrade: { client: { status: 101 }, origin: {}, rules: [] },
    tunnel: { ...tunnel, outcome: 'open', rules: [] },
  },
];

const responds: readonly Row[] = [
  {
    title: 'respond with a text and fields',
    rules: [ruleOf({ respond: { status: 203, text: 'hällo', fields: { 'X-Own': '1' } } })],
    ask,
    expected: answered(203, 'hällo', { 'x-own': '1', 'content-type': 'text/plain; charset=utf-8' }),
    upgrade: answered(203, 'hällo'),
    tunnel: notForTunnels,
  },
  {
    title: 'respond with json',
    rules: [ruleOf({ respond: { json: { a: [1, null] } } })],
    ask: { ...ask, method: 'PUT', content: 'sent' },
    expected: answered(200, '{"a":[1,null]}', { 'content-type': 'application/json', 'cache-control': 'no-cache' }),
    tunnel: notForTunnels,
  },
  {
    title: 'respond with a file of the folder of the configuration',
    rules: [ruleOf({ respond: { file: 'site/page.html' } })],
    ask,
    expected: answered(200, '<p>page</p>', { 'content-type': 'text/html; charset=utf-8' }),
    upgrade: answered(200, '<p>page</p>'),
    tunnel: notForTunnels,
  },
  {
    title: 'respond with a folder, under a part of the path',
    rules: [ruleOf({ respond: { folder: 'site', under: '/app' } })],
    ask: { url: 'http://a.test/app/page.html?x' },
    expected: answered(200, '<p>page</p>'),
    tunnel: notForTunnels,
  },
  {
    title: 'respond with a folder never leads out of it',
    rules: [ruleOf({ respond: { folder: 'site' } })],
    ask: { url: 'http://a.test/%2e%2e%2fsecret.txt' },
    expected: answered(403),
  },
  {
    title: 'respond in the place of a response',
    rules: [ruleOf({ respond: { text: 'instead' } }, { when: { ...when, response: { status: '4xx' } } })],
    ask: { ...ask, answer: { status: 404 } },
    expected: { client: { status: 200, content: 'instead' }, origin: {}, rules: ['rule'] },
    tunnel: notForTunnels,
  },
];

const redirects: readonly Row[] = [
  ...([301, 302, 303, 307, 308] as const).map(
    (status): Row => ({
      title: `redirect with ${status}`,
      rules: [
        ruleOf({ redirect: { to: 'https://{host}{path}{query}', status } }, { when: { ...when, scheme: 'http' } }),
      ],
      ask: { url: 'http://a.test/x?y=1' },
      expected: answered(status, '', { location: 'https://a.test/x?y=1' }),
      upgrade: answered(status, ''),
      tunnel: notForTunnels,
    }),
  ),
  {
    title: 'redirect knows what each * matched, and the whole URL',
    rules: [
      ruleOf({ redirect: { to: 'http://b.test:{port}/{2}/{1}?from={url}' } }, { when: { url: 'http://a.test/*/*' } }),
    ],
    ask: { url: 'http://a.test/x/y/z?q' },
    expected: answered(302, '', { location: 'http://b.test/y/z?q/x?from=http%3A%2F%2Fa.test%2Fx%2Fy%2Fz%3Fq' }),
    tunnel: notForTunnels,
  },
  {
    title: 'redirect to what is no URL fails by the name of the rule',
    rules: [ruleOf({ redirect: { to: '{scheme}://{1}.test/' } }, { when: { path: '/*' } })],
    ask: { url: 'http://a.test/b.example/x' },
    expected: { ...answered(500), record: { error: { type: 'proxy_configuration_error' } } },
  },
];

const rewrites: readonly Row[] = [
  {
    title: 'rewrite asks for another URL',
    rules: [ruleOf({ rewrite: { to: 'http://ORIGIN/new{path}{query}' } })],
    ask: { url: 'http://a.test/x?y=%20', method: 'POST', content: 'sent' },
    expected: {
      client: { status: 200, content: 'hello' },
      origin: { method: 'POST', target: '/new/x?y=%20', content: 'sent', fields: { host: 'ORIGIN' } },
      rules: ['rule'],
      record: { request: { url: 'http://a.test/x?y=%20' }, rewrittenUrl: 'http://ORIGIN/new/x?y=%20' },
    },
    tunnel: notForTunnels,
  },
  {
    title: 'rewrite leads an upgrade elsewhere',
    rules: [ruleOf({ rewrite: { to: 'http://ORIGIN/{1}' } }, { when: { path: '/chat/*' } })],
    ask: { url: 'http://a.test/chat/x' },
    expected: { client: { status: 200 }, origin: { target: '/x' }, rules: ['rule'] },
    upgrade: { client: { status: 101 }, origin: { target: '/x' }, rules: ['rule'] },
  },
];

const edits: readonly Row[] = [
  {
    title: 'request: set, add, remove',
    rules: [
      ruleOf({
        request: { set: { 'x-set': 'new', 'X-Fresh': '1' }, add: { 'x-add': '2' }, remove: ['X-Gone', 'x-none'] },
      }),
    ],
    ask: { ...ask, fields: ['X-Set: old', 'X-Add: 1', 'X-Gone: 1', 'X-Kept: 1', 'X-Set: older'] },
    ...edited({ 'x-set': 'new', 'x-fresh': '1', 'x-add': '1, 2', 'x-gone': null, 'x-kept': '1' }, {}),
    tunnel: notForTunnels,
  },
  {
    title: 'request: shorten, removeCookies',
    rules: [ruleOf({ request: { shorten: ['referer', 'user-agent'], removeCookies: ['_ga*', 'gid'] } })],
    ask: {
      ...ask,
      fields: [
        'Referer: http://b.test/private?x',
        'User-Agent: curl/8.5.0',
        'Cookie: _ga=1; session=2; _ga_x=3; gid=4; gids=5',
      ],
    },
    ...edited({ referer: 'http://b.test/', 'user-agent': 'curl/8', cookie: 'session=2; gids=5' }, {}),
    tunnel: notForTunnels,
  },
  {
    title: 'response: set, add, remove',
    rules: [ruleOf({ response: { set: { server: 'new' }, add: { 'x-add': '2' }, remove: 'x-gone' } })],
    ask: { ...ask, answer: { fields: { Server: 'old', 'X-Add': '1', 'X-Gone': '1', 'X-Kept': '1' } } },
    ...edited({}, { server: 'new', 'x-add': '1, 2', 'x-gone': null, 'x-kept': '1' }),
    tunnel: notForTunnels,
  },
];

/** Fields as the origin and the client get them, of an exchange and of an upgrade. */
function edited(asked: NonNullable<Fields>, got: NonNullable<Fields>): Pick<Row, 'expected' | 'upgrade'> {
  const expected = (status: number) => ({
    client: { status, fields: got },
    origin: { fields: asked },
    rules: ['rule'],
  });
  return { expected: expected(200), upgrade: expected(101) };
}

const logs: readonly Row[] = [
  {
    title: 'log: usual comes before what other rules say',
    rules: [ruleOf({ log: 'usual' }), { name: 'off', then: { log: 'off' } }],
    ask,
    expected: { client: { status: 200 }, origin: {}, rules: ['rule'], record: {} },
    upgrade: { client: { status: 101 }, origin: {}, rules: ['rule'], record: {} },
    tunnel: { ...tunnel, outcome: 'open', rules: ['rule'], record: {} },
  },
  {
    title: 'log: off',
    rules: [ruleOf({ log: 'off' })],
    ask,
    expected: { client: { status: 200 }, origin: {}, rules: [], record: null },
    upgrade: { client: { status: 101 }, origin: {}, rules: [], record: null },
    tunnel: { ...tunnel, outcome: 'open', rules: [], record: null },
  },
  {
    title: 'log: errors leaves out what went well',
    rules: [ruleOf({ log: 'errors' })],
    ask: { ...ask, answer: { status: 404 } },
    expected: { client: { status: 404 }, origin: {}, rules: [], record: null },
    tunnel: { ...tunnel, outcome: 'open', rules: [], record: null },
  },
  {
    title: 'log: errors keeps what failed',
    rules: [ruleOf({ log: 'errors' })],
    ask: { ...ask, answer: { status: 503 } },
    expected: { client: { status: 503 }, origin: {}, rules: ['rule'], record: { response: { status: 503 } } },
  },
  {
    title: 'log by the response',
    rules: [ruleOf({ log: 'off' }, { when: { response: { type: 'image/*' } } })],
    ask: { ...ask, answer: { fields: { 'Content-Type': 'image/x-none' } } },
    expected: { client: { status: 200 }, origin: {}, rules: [], record: null },
  },
];

export const actionRows: readonly Row[] = [...blocks, ...responds, ...redirects, ...rewrites, ...edits, ...logs];
