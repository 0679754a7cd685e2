// Which edges a configuration needs, by which names, and what of the configuration before is taken over.
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectEdges, type OwnedEdges, tunnelsInWords } from '../../../agent/edge/edges.ts';
import { createDial } from '../../../agent/upstream/dial.ts';
import { noParents } from '../../../agent/upstream/parents.ts';
import { type Config, config } from '../../../schemas/config.ts';

const token = 'a-token-for-tests-0123456789';
const named = (name: string, url = `https://${name}.example`) => ({ name, url, token });
const { limits } = config.parse({});

function connected(edge: Partial<Config['edge']>, rules: readonly object[] = [], previous?: OwnedEdges): OwnedEdges {
  const edges = connectEdges(
    {
      config: config.parse({ edge, rules }),
      policy: { allowPrivate: false, exceptions: [] },
      limits,
      dial: createDial(limits, noParents),
      addresses: async () => ({ kind: 'resolved', addresses: [] }),
      say: () => undefined,
      onStart: () => undefined,
    },
    previous,
  );
  onTestFinished(async () => {
    for (const each of edges.all.values()) await each[Symbol.asyncDispose]();
  });
  return edges;
}

const byEdge = (edge: string, enabled = true) => ({ enabled, then: { route: { edge } } });

test('only what is in use, or named by a rule, is connected', () => {
  const edges = [named('one'), named('two'), named('three')];
  const { inUse, all, named: of } = connected({ use: 'one', edges }, [byEdge('two'), byEdge('three', false)]);
  expect(inUse?.name).toBe('one');
  expect([...all.values()].map(({ name }) => name)).toEqual(['one', 'two']);
  expect([of('one') === inUse, of('two')?.embedded, of('three')]).toEqual([true, false, undefined]);
});

test('one is in use by its URL too, and none where none is wanted', () => {
  const edges = [named('one')];
  expect(connected({ use: 'https://one.example', edges }).inUse?.name).toBe('one');
  expect(connected({ use: 'none', edges }).inUse).toBeUndefined();
  expect(connected({ use: 'none', edges }, [byEdge('one')]).named('one')).toBeDefined();
});

test('an edge that is the same is taken over, and one that is not is another', () => {
  const before = connected({ use: 'one', edges: [named('one'), named('two')] }, [byEdge('two')]);
  const after = connected(
    { use: 'two', edges: [named('one', 'https://other.example'), named('two')] },
    [byEdge('one')],
    before,
  );
  expect(after.named('two')).toBe(before.named('two'));
  expect(after.named('one')).not.toBe(before.named('one'));
});

test('an edge in use that there is not is a mistake of the configuration', () => {
  expect(() => connected({ use: 'nowhere' })).toThrow(/There is no edge "nowhere"/);
  expect(() => connected({ use: 'one', edges: [named('one', 'http://one.example')] })).toThrow(/must be https/);
});

describe('rules that send tunnels by an edge', () => {
  const words = (...rules: readonly object[]) => tunnelsInWords(config.parse({ rules }).rules);

  test('are named, with or without a name of their own', () => {
    const sentence = words(
      { name: 'a', when: { host: 'a.example' }, then: { route: 'edge' } },
      { when: { not: { port: 443 } }, then: { route: { edge: 'far' } } },
    );
    expect(sentence).toMatch(/^edges carry no tunnels yet: what "a", "rule 2" send by an edge goes directly/);
  });

  test.each([
    { when: { path: '/x' }, then: { route: 'edge' } },
    { when: { not: { method: 'GET' } }, then: { route: 'edge' } },
    { when: { host: 'a.example' }, then: { route: 'direct' } },
    { when: { host: 'a.example' }, then: { fallback: 'fail' } },
    { when: { host: 'a.example' }, then: { route: 'edge', fallback: 'fail' } },
    { enabled: false, then: { route: 'edge' } },
  ])('are none of %j', (rule) => {
    expect(words(rule)).toBeUndefined();
  });
});
