// Transforms that no envelope can carry are refused when they are written, not when they are needed.
import { expect, test } from 'vitest';
import { maxTransformBytes, transformMistakes } from '../../../http/plan/transform-mistakes.ts';
import { maxEdgeCandidates } from '../../../schemas/relay.ts';
import { rule } from '../../../schemas/rule.ts';

const ruleWith = (text: string) => rule.parse({ name: 'a', then: { transform: { inject: { style: text } } } });

test('a text that fits is none, one that does not is', () => {
  expect(transformMistakes([ruleWith('x'.repeat(30_000)), rule.parse({ then: { cache: 'bypass' } })])).toEqual([]);
  expect(transformMistakes([ruleWith('x'), ruleWith('\u00e9'.repeat(maxTransformBytes / 2))])).toEqual([
    { path: ['rules', 1, 'then', 'transform'], message: expect.stringMatching(/too long: \d+ octets/) },
  ]);
});

test.each([
  ['transform', { transform: { compress: true } }],
  ['cache', { cache: { freshnessSeconds: 1 } }],
])('more rules with %s than an edge may choose from are too many', (kind, then) => {
  const [each, off] = [rule.parse({ then }), rule.parse({ then, enabled: false })];
  const enough = [off, ...Array.from({ length: maxEdgeCandidates }, () => each)];
  expect(transformMistakes(enough)).toEqual([]);
  expect(transformMistakes([...enough, each, each])).toMatchObject([
    { path: ['rules', maxEdgeCandidates + 1, 'then', kind] },
  ]);
});
