// Every action as a sentence, and in which half it happens.
import { describe, expect, test } from 'vitest';
import { planInWords } from '../../../agent/cli/plan-words.ts';
import type { ResponseHead } from '../../../http/plan/on-response.ts';
import type { RuleRequest } from '../../../http/plan/plan.ts';
import { config } from '../../../schemas/config.ts';
import { exchangeOf, planOf, tunnelOf, type WrittenRule } from '../../support/rules.ts';

const defaults = config.parse({});

function said(
  rules: readonly WrittenRule[],
  request: RuleRequest = exchangeOf('http://a.example/x'),
  head?: ResponseHead,
): string[] {
  const happenings = planInWords(planOf(rules, request), { request, config: defaults, head });
  return happenings.map(({ half, says }) => `${half}: ${says}`);
}

const usualWay =
  'agent: It goes by the edge embedded; where the edge cannot, it goes directly, says the configuration.';

describe('every action', () => {
  test.each([
    [
      'answers: drop',
      { block: 'drop' },
      ['agent: "r" blocks it: the connection of the client is reset. Nobody is asked.'],
    ],
    ['answers: block', { block: {} }, ['agent: "r" blocks it: the client gets status 403. Nobody is asked.']],
    [
      'answers: text',
      { respond: { text: 'x' } },
      ['agent: "r" answers with status 200 and a text of its own. Nobody is asked.'],
    ],
    [
      'answers: JSON',
      { respond: { json: null } },
      ['agent: "r" answers with status 200 and JSON of its own. Nobody is asked.'],
    ],
    [
      'answers: file',
      { respond: { file: 'a\nb' } },
      ['agent: "r" answers with status 200 and the content of the file "a?b". Nobody is asked.'],
    ],
    [
      'answers: folder',
      { respond: { folder: 'x' } },
      ['agent: "r" answers with status 200 and the content of a file in the folder "x". Nobody is asked.'],
    ],
    ['answers: nothing', { respond: {} }, ['agent: "r" answers with status 200 and no content. Nobody is asked.']],
    [
      'answers: redirect',
      { redirect: { to: 'http://b.example/' } },
      ['agent: "r" redirects the client with status 302 to http://b.example/. Nobody is asked.'],
    ],
    [
      'answers: circle',
      { redirect: { to: '{url}' } },
      [
        'agent: "r" comes to an error, and the client gets status 502: The redirects of the rule "r" lead in a circle. Nobody is asked.',
      ],
    ],
    [
      'rewrite',
      { rewrite: { to: 'http://b.example/' } },
      ['agent: "r" asks for http://b.example/ in place of it.', usualWay],
    ],
    [
      'request',
      { request: { set: { a: '1' }, add: { b: '2' }, remove: 'c', shorten: 'referer', removeCookies: ['d', 'e'] } },
      [
        'agent: "r" removes the request field c.',
        'agent: "r" shortens the request field referer.',
        'agent: "r" removes the cookies d and e from the request.',
        'agent: "r" sets the request field a to "1".',
        'agent: "r" adds the request field b: "2".',
        usualWay,
      ],
    ],
    ['response', { response: { set: { a: '1' } } }, [usualWay, 'agent: "r" sets the response field a to "1".']],
    ['bypass', { cache: 'bypass' }, ['agent: No cache answers it or stores its response, as "r" says.', usualWay]],
    [
      'validate',
      { cache: 'validate' },
      ['agent: No cache answers it without asking the origin, as "r" says.', usualWay],
    ],
    [
      'freshness',
      { cache: { freshnessSeconds: 60 } },
      ['agent: Its response is fresh for 60 s in both caches, as "r" says.', usualWay],
    ],
    [
      'upstream',
      { upstream: 'socket' },
      [usualWay, 'edge: It reaches the origin by a connection of its own, as "r" says.'],
    ],
    [
      'shape',
      { shape: { latencyMs: 5, jitterMs: 2, upBytesPerSecond: 7, probability: 0.5, fault: { kind: 'reset' } } },
      [
        usualWay,
        'agent: "r" simulates a network in 50 % of cases: 5 ms later (give or take 2), at most 7 from it and with the fault "reset".',
      ],
    ],
    ['transform', { transform: { compress: true } }, [usualWay, 'edge: "r" changes the content (compress).']],
    ['log', { log: 'off' }, [usualWay, 'agent: It is neither logged nor remembered, as "r" says.']],
  ])('%s', (_, then, sentences) => {
    expect(said([{ name: 'r', when: { host: 'a.example' }, then }])).toEqual(sentences);
  });
});

describe('what waits for a response', () => {
  const rules: WrittenRule[] = [
    { name: 'a', when: { response: { status: 404 } }, then: { respond: { text: 'x' }, response: { set: { x: '1' } } } },
    { name: 'b', when: { response: { status: 200 } }, then: { cache: 'bypass', response: { set: { x: '2' } } } },
    { name: 'c', then: { cache: 'validate' } },
  ];

  test('is said with its conditions', () => {
    expect(said(rules)).toEqual([
      'agent: If the status is 200: No cache answers it or stores its response, as "b" says.',
      'agent: Else: No cache answers it without asking the origin, as "c" says.',
      usualWay,
      'agent: If the status is 404: "a" answers with status 200 and a text of its own.',
      'agent: If the status is 404: "a" sets the response field x to "1".',
      'agent: If the status is 200: "b" sets the response field x to "2".',
    ]);
  });

  test('is said as it comes about, where the response is known', () => {
    const ofStatus = (status: number) => said(rules, undefined, { status, fields: [] });
    expect(ofStatus(404)).toEqual([
      'agent: No cache answers it without asking the origin, as "c" says.',
      usualWay,
      'agent: "a" answers with status 200 and a text of its own.',
    ]);
    expect(ofStatus(200)).toEqual([
      'agent: No cache answers it or stores its response, as "b" says.',
      usualWay,
      'agent: "b" sets the response field x to "2".',
    ]);
  });
});

test('without an edge a transform is left out, or fails where it is required', () => {
  const transformed = (required: boolean) =>
    said([{ name: 'r', then: { route: 'direct', transform: { compress: true, required } } }]);
  expect(transformed(false)[1]).toContain('is left out');
  expect(transformed(true)[1]).toContain('It fails');
});

test('of a tunnel little is said', () => {
  const rules: WrittenRule[] = [{ name: 'r', then: { shape: '4g', log: 'errors', cache: 'bypass' } }];
  expect(said(rules, tunnelOf('a.example'))).toEqual([
    'agent: It goes directly: tunnels always do.',
    expect.stringContaining('agent: "r" simulates the network 4g: 165 ms later'),
    'agent: It is logged only where it fails, as "r" says.',
  ]);
  expect(said([{ name: 'r', then: { block: 'drop' } }], tunnelOf('a.example'))).toEqual([
    'agent: "r" blocks the tunnel: the connection of the client is reset. Nobody is asked.',
  ]);
});
