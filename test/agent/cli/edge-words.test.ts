// What is said of edges.
import { expect, test } from 'vitest';
import { helloInWords, statusInWords } from '../../../agent/cli/edge-words.ts';

const hello = {
  version: 1,
  limits: { maxHeadBytes: 1, maxEnvelopeBytes: 1 },
  colo: 'DFW',
  cacheStore: 'cache-api',
  tunnels: true,
  edgeTimeMs: 0,
} as const;

test('an edge in one line', () => {
  expect(helloInWords(hello)).toBe('version 1, data centre DFW, cache in cache-api, tunnels');
  const { colo, ...bare } = hello;
  expect(colo).toBe('DFW');
  expect(helloInWords({ ...bare, cacheStore: 'none', tunnels: false })).toBe('version 1, no cache, no tunnels');
});

test('all of them, with a star before the one in use', () => {
  const words = statusInWords(
    {
      inUse: 'work',
      edges: [
        {
          name: 'work',
          url: 'https://edge.example',
          greeting: {
            kind: 'answers',
            hello,
            firstAnswerMs: 80.25,
            roundTripMs: 20,
            clockOffsetMs: -3,
            clockErrorMs: 10.5,
          },
        },
        {
          name: 'a',
          url: 'https://a.example',
          greeting: { kind: 'unavailable', because: 'The destination\ncannot be reached.' },
        },
      ],
      agents: [{ port: 8080, edge: 'ready' }],
    },
    false,
  );
  expect(words.split('\n')).toEqual([
    '  embedded  workerd on this machine, a part of the agent',
    '* work      https://edge.example',
    '            answers: version 1, data centre DFW, cache in cache-api, tunnels',
    '            round trip 20.0 ms, first answer with connecting 80.3 ms',
    "            its clock is 3.0 ms behind this machine's, give or take 10.5 ms",
    '  a         https://a.example',
    '            does not answer: The destination?cannot be reached.',
    '',
    'The agent on port 8080 says that its edge is ready.',
  ]);
});

test('no edge in use, and no agent', () => {
  const words = statusInWords({ inUse: 'none', edges: [], agents: [] }, false);
  expect(words.split('\n').slice(1)).toEqual(['* none: every exchange goes directly', '', 'No agent is running.']);
});
