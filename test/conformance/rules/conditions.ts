// The table of `when`: for each condition requests that it holds for and requests that it does not, by every way.
import type { RuleInput as WrittenRule } from '../../support/rules.ts';
import { type Ask, askOf, type Expected, type Row } from './row.ts';

interface Condition {
  readonly when: NonNullable<WrittenRule['when']>;
  readonly holds?: readonly (string | Ask)[];
  readonly fails?: readonly (string | Ask)[];
  /** Tunnels that show enough for the condition to hold, and others. A condition that no tunnel can fulfil has none of the first. */
  readonly tunnels?: {
    readonly block?: readonly (string | TunnelAt)[];
    readonly leave?: readonly (string | TunnelAt)[];
  };
}

interface TunnelAt {
  readonly to: string;
  readonly at: string;
}

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const a = 'http://a.test/';
/** No tunnel shows this. */
const unseen = { leave: ['a.test:ORIGIN'] };

/** Names that the lists of the table have: `ads` has ads.test (and what is below) and, exactly, hosts.test. */
export const lists = { ads: '||ads.test^\n@@||fine.ads.test^\n', hosts: '0.0.0.0 hosts.test\n' };

const conditions: readonly Condition[] = [
  {
    when: { host: 'a.test' },
    holds: [a, 'http://A.TEST/', 'http://a.test:8081/'],
    fails: [
      'http://b.a.test/',
      'http://aa.test/',
      'http://b.test/?a.test',
      { url: 'http://b.test/', fields: ['Host: a.test'] },
    ],
    tunnels: { block: ['a.test:443', 'A.Test:443'], leave: ['b.test:ORIGIN'] },
  },
  {
    when: { host: '*.a.test' },
    holds: ['http://b.a.test/', 'http://c.b.a.test/'],
    fails: [a, 'http://ba.test/'],
    tunnels: { block: ['b.a.test:443'], leave: ['a.test:ORIGIN'] },
  },
  { when: { host: '*' }, holds: [a, 'http://[::1]/'], tunnels: { block: ['a.test:443'] } },
  {
    when: { host: ['a.test', '*.b.test', '[::1]', '192.0.2.7', 'bücher.test'] },
    holds: [
      a,
      'http://x.b.test/',
      'http://[::1]/',
      'http://[0:0::1]/',
      'http://192.0.2.7/',
      'http://xn--bcher-kva.test/',
    ],
    fails: ['http://b.test/', 'http://[::2]/', 'http://192.0.2.8/'],
    tunnels: { block: ['[::1]:443', '192.0.2.7:443'], leave: ['b.test:ORIGIN'] },
  },
  {
    when: { domain: 'a.test' },
    holds: [a, 'http://b.a.test/', 'http://c.b.a.test/'],
    fails: ['http://ba.test/', 'http://a.test.b.test/'],
    tunnels: { block: ['a.test:443', 'b.a.test:443'], leave: ['ba.test:ORIGIN'] },
  },
  {
    when: { list: ['ads', 'hosts'] },
    holds: ['http://ads.test/', 'http://www.ads.test/', 'http://hosts.test/'],
    fails: [a, 'http://fine.ads.test/', 'http://www.hosts.test/'],
    tunnels: { block: ['www.ads.test:443', 'hosts.test:443'], leave: ['fine.ads.test:ORIGIN'] },
  },
  {
    when: { port: 80 },
    holds: [a, 'http://a.test:80/'],
    fails: ['http://a.test:8080/', 'https://a.test/'],
    tunnels: { block: ['a.test:80'], leave: ['a.test:ORIGIN'] },
  },
  {
    when: { port: [443, 8081] },
    holds: ['https://a.test/', 'http://a.test:8081/'],
    fails: [a],
    tunnels: { block: ['a.test:443'] },
  },
  { when: { scheme: 'http' }, holds: [a], fails: ['https://a.test/'], tunnels: unseen },
  { when: { scheme: 'https' }, holds: ['https://a.test/'], fails: [a], tunnels: unseen },
  {
    when: { method: 'POST' },
    holds: [{ url: a, method: 'POST', content: 'sent' }],
    fails: [a, { url: a, method: 'PUT', content: 'sent' }],
    tunnels: unseen,
  },
  { when: { method: ['GET', 'HEAD'] }, holds: [a, { url: a, method: 'HEAD' }], fails: [{ url: a, method: 'DELETE' }] },
  {
    when: { url: 'http://a.test/x?y' },
    holds: ['http://a.test/x?y', 'http://A.test:80/x?y'],
    fails: ['http://a.test/x', 'https://a.test/x?y', 'http://a.test/x?y=1', 'http://a.test/x%3Fy'],
    tunnels: unseen,
  },
  {
    when: { url: ['http://*.test/x*', 'https://a.test/*'] },
    holds: ['http://a.test/x', 'http://b.a.test/xy/z?q', 'https://a.test/'],
    fails: [a, 'http://a.example/.test/x', 'http://b.example/?http://a.test/x'],
    tunnels: unseen,
  },
  {
    when: { path: '/api/*' },
    holds: ['http://a.test/api/', 'http://b.test/api/x/y?z'],
    fails: ['http://a.test/api', 'http://a.test/API/', 'http://a.test/x?/api/', 'http://a.test/api/../x'],
    tunnels: unseen,
  },
  {
    when: { path: ['/x', '*/y'] },
    holds: ['http://a.test/x?q', 'http://a.test/q/y', 'http://a.test/q/../x'],
    fails: ['http://a.test/x/'],
  },
  {
    when: { query: { q: 'a*c' } },
    holds: ['http://a.test/?q=abc', 'http://a.test/?x&q=no&q=ac', 'http://a.test/?%71=a%20c', 'http://a.test/?q=a+c'],
    fails: [a, 'http://a.test/?q=ab', 'http://a.test/?Q=abc'],
    tunnels: unseen,
  },
  { when: { query: { q: true } }, holds: ['http://a.test/?q', 'http://a.test/?q=1'], fails: [a, 'http://a.test/?p=q'] },
  { when: { query: { q: false, p: '1' } }, holds: ['http://a.test/?p=1'], fails: [a, 'http://a.test/?p=1&q'] },
  {
    when: { fields: { 'X-One': 'a*' } },
    holds: [
      { url: a, fields: ['X-One: ab'] },
      { url: a, fields: ['x-one: b', 'x-one: a'] },
    ],
    fails: [a, { url: a, fields: ['X-One: A'] }, { url: a, fields: ['X-Two: a'] }],
    tunnels: unseen,
  },
  { when: { fields: { cookie: true } }, holds: [{ url: a, fields: ['Cookie: s=1'] }], fails: [a], tunnels: unseen },
  { when: { fields: { cookie: false } }, holds: [a], fails: [{ url: a, fields: ['Cookie: s=1'] }], tunnels: unseen },
  { when: { client: '127.0.0.1' }, holds: [a], tunnels: { block: ['a.test:443'] } },
  { when: { client: ['10.0.0.0/8', '127.0.0.0/8'] }, holds: [a], tunnels: { block: ['a.test:443'] } },
  { when: { client: '192.0.2.0/24' }, fails: [a], tunnels: { leave: ['a.test:ORIGIN'] } },
  {
    when: { time: '09:00-17:30' },
    holds: [at('mon 09:00'), at('sun 17:29')],
    fails: [at('mon 08:59'), at('mon 17:30')],
    tunnels: { block: [tunnelAt('mon 09:00')], leave: [tunnelAt('mon 17:30')] },
  },
  {
    when: { time: ['22:00-06:00', '12:00-12:01'] },
    holds: [at('mon 22:00'), at('mon 00:00'), at('mon 05:59'), at('mon 12:00')],
    fails: [at('mon 06:00'), at('mon 21:59'), at('mon 12:01')],
  },
  ...weekdays.map(
    (weekday, day): Condition => ({
      when: { weekday },
      holds: [at(`${weekday} 00:00`), at(`${weekday} 23:59`)],
      fails: [at(`${weekdays[(day + 1) % 7]} 00:00`)],
      tunnels: { block: [tunnelAt(`${weekday} 12:00`)], leave: [tunnelAt(`${weekdays[(day + 6) % 7]} 12:00`)] },
    }),
  ),
  { when: { weekday: ['sat', 'sun'] }, holds: [at('sat 12:00'), at('sun 12:00')], fails: [at('fri 12:00')] },
  {
    when: { not: { host: 'a.test' } },
    holds: ['http://b.test/'],
    fails: [a],
    tunnels: { block: ['b.test:443'], leave: ['a.test:ORIGIN'] },
  },
  {
    when: { host: '*.test', not: { host: 'a.test', path: '/x' } },
    holds: ['http://b.test/x', a],
    fails: ['http://a.test/x', 'http://a.example/'],
    tunnels: unseen,
  },
  ...negated([
    [{ domain: 'a.test' }, 'http://a.b.test/', 'http://b.a.test/'],
    [{ list: 'ads' }, a, 'http://ads.test/'],
    [{ port: 80 }, 'http://a.test:81/', a],
    [{ scheme: 'https' }, a, 'https://a.test/'],
    [{ scheme: 'http' }, 'https://a.test/', a],
    [{ method: 'GET' }, { url: a, method: 'DELETE' }, a],
    [{ url: 'http://a.test/x*' }, a, 'http://a.test/x'],
    [{ path: '/x' }, a, 'http://a.test/x'],
    [{ query: { q: true } }, a, 'http://a.test/?q'],
    [{ fields: { 'x-one': true } }, a, { url: a, fields: ['X-One: 1'] }],
    [{ client: '192.0.2.1' }, a, undefined],
    [{ client: '127.0.0.1' }, undefined, a],
    [{ time: '12:00-13:00' }, at('mon 13:00'), at('mon 12:00')],
    ...weekdays.map(
      (weekday): Negated => [{ weekday }, at(weekday === 'mon' ? 'tue 12:00' : 'mon 12:00'), at(`${weekday} 12:00`)],
    ),
  ]),
  ...ofResponses(),
];

/** Conditions on a response: the answer of the origin decides. */
function ofResponses(): readonly Condition[] {
  const answers = (status: number, fields: Readonly<Record<string, string>> = {}, content = 'hello'): Ask => ({
    url: a,
    answer: { status, fields, content },
  });
  const typed = (type: string) => answers(200, { 'Content-Type': type });
  const sized = (octets: number): Ask => ({
    url: a,
    answer: { content: 'x'.repeat(octets) },
  });
  return [
    { when: { response: { status: 404 } }, holds: [answers(404)], fails: [a, answers(403)], tunnels: unseen },
    {
      when: { response: { status: ['5xx', '400-403', 201] } },
      holds: [answers(500), answers(599), answers(400), answers(403), answers(201)],
      fails: [a, answers(404), answers(204, {}, '')],
      tunnels: unseen,
    },
    {
      when: { response: { type: 'text/html' } },
      holds: [typed('text/html'), typed('Text/HTML; charset=utf-8')],
      fails: [a, typed('application/xhtml+xml'), answers(200)],
      tunnels: unseen,
    },
    {
      when: { response: { type: ['image/*', '*/json'] } },
      holds: [typed('image/png'), typed('application/json')],
      fails: [a],
    },
    {
      when: { response: { size: { minBytes: 5 } } },
      holds: [sized(5), sized(6)],
      fails: [sized(4)],
      tunnels: unseen,
    },
    {
      when: { response: { size: { maxBytes: 5 } } },
      holds: [sized(5), sized(0)],
      fails: [sized(6)],
      tunnels: unseen,
    },
    {
      when: { host: 'a.test', response: { status: 200, type: 'text/plain', size: { minBytes: 2, maxBytes: 5 } } },
      holds: [a],
      fails: [answers(404, { 'Content-Type': 'text/plain' }), typed('text/css'), sized(6), 'http://b.test/'],
    },
  ];
}

type Negated = readonly [not: object, holds: string | Ask | undefined, fails: string | Ask | undefined];

function negated(list: readonly Negated[]): readonly Condition[] {
  return list.map(([not, holds, fails]) => ({
    when: { not },
    ...(holds !== undefined && { holds: [holds] }),
    ...(fails !== undefined && { fails: [fails] }),
  }));
}

function at(moment: string): Ask {
  return { url: a, at: moment };
}

function tunnelAt(moment: string): TunnelAt {
  return { to: 'a.test:ORIGIN', at: moment };
}

/** What comes in chunks does not say how large it is, and so no size fits; where it came whole with its head the edge knows. */
const chunkedRows = [{ minBytes: 5 }, { maxBytes: 5 }].map((size): Row => {
  const seen = (held: string | null, rules: readonly string[]): Expected => ({
    client: { status: 200, content: 'hello', fields: { 'x-rule': held } },
    origin: {},
    rules,
  });
  return {
    title: `${JSON.stringify({ response: { size } })} does not hold for a response in chunks`,
    rules: [{ name: 'rule', when: { response: { size } }, then: { response: { set: { 'x-rule': 'held' } } } }],
    ask: { url: a, answer: { isChunked: true } },
    expected: seen(null, []),
    unlike: {
      socket: {
        because: 'with its length where it came whole with its head (docs/messages.md, content of unknown length)',
        ...seen('held', ['rule']),
      },
    },
  };
});

/** Each request by itself, and each tunnel. The rule marks what it holds for: for the origin, where it is known by then, and for the client. */
const plainRows = conditions.flatMap((condition) => {
  const { when, holds = [], fails = [], tunnels: { block = [], leave = [] } = {} } = condition;
  const waits = when.response !== undefined;
  const mark = { set: { 'x-rule': 'held' } };
  const marking: WrittenRule = {
    name: 'rule',
    when,
    then: waits ? { response: mark } : { request: mark, response: mark },
  };
  const blocking: WrittenRule = { name: 'rule', when, then: { block: { status: 451 } } };
  const words = JSON.stringify(when);
  const rowOf = (given: string | Ask, held: boolean): Row => {
    const ask = askOf(given);
    const { method = 'GET', answer } = ask;
    const seen = held ? 'held' : null;
    const expected = (status: number): Expected => ({
      client: { status, fields: { 'x-rule': seen } },
      origin: { fields: { 'x-rule': waits ? null : seen } },
      rules: held ? ['rule'] : [],
    });
    const title = `${words} ${held ? 'holds' : 'does not hold'} for ${inWords(ask)}`;
    return {
      title,
      rules: [marking],
      ask,
      expected: expected(answer?.status ?? 200),
      ...(!waits && method === 'GET' && { upgrade: expected(101) }),
    };
  };
  const tunnelRow = (given: string | TunnelAt, outcome: 'open' | 451): Row => {
    const tunnel = typeof given === 'string' ? { to: given } : given;
    return {
      title: `${words} ${outcome === 'open' ? 'does not hold' : 'holds'} for ${inWords(tunnel)}`,
      rules: [blocking],
      tunnel: { ...tunnel, outcome, rules: outcome === 'open' ? [] : ['rule'] },
    };
  };
  return [
    ...holds.map((each) => rowOf(each, true)),
    ...fails.map((each) => rowOf(each, false)),
    ...block.map((each) => tunnelRow(each, 451)),
    ...leave.map((each) => tunnelRow(each, 'open')),
  ];
});

export const conditionRows: readonly Row[] = [...plainRows, ...chunkedRows];

function inWords(ask: Ask | { readonly to: string; readonly at?: string }): string {
  if ('to' in ask) return `a tunnel to ${ask.to}${ask.at === undefined ? '' : ` on ${ask.at}`}`;
  const { url, method = 'GET', fields = [], at: moment, answer } = ask;
  const { status = 200, fields: answered = {}, content = 'hello' } = answer ?? {};
  const told = [
    `${method} ${url}`,
    ...fields.map((field) => `with ${field}`),
    ...(moment === undefined ? [] : [`on ${moment}`]),
    ...(answer === undefined
      ? []
      : [`answered by ${status} ${Object.values(answered).join()} with ${content.length} octets`]),
  ];
  return told.join(' ');
}
