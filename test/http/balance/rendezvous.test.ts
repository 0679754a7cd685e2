// Rendezvous hashing: the same target for the same key for ever, by weight, and only the keys of a target that goes move.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rendezvous } from '../../../http/balance/rendezvous.ts';

const names = ['http://10.0.0.1', 'http://10.0.0.2:8080', 'https://app.example', 'http://[::1]:3000'];
const targets = (...weights: number[]) =>
  weights.map((weight, i) => ({ name: names[i] ?? `http://10.0.1.${i}`, weight }));
const keys = Array.from({ length: 10_000 }, (_, i) => `http://app.localhost/item/${i}?page=${i % 7}`);

test('a key has its target in every version: the worker and the agent agree, and so does the next release', () => {
  const four = targets(1, 1, 1, 1);
  const chosen = ['127.0.0.1', '::1', '192.168.1.20', 'http://app.localhost/', ''].map((key) =>
    names.indexOf(rendezvous(four, key).name),
  );
  expect(chosen).toEqual([0, 1, 2, 0, 0]);
});

test.each([[[1, 1]], [[1, 1, 1]], [[1, 2, 5]], [[10, 1, 1, 3]]])(
  '10,000 keys are within 2 % of the weights %j',
  (weights) => {
    const all = targets(...weights);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const { name, weight } of all) {
      const share = keys.filter((key) => rendezvous(all, key).name === name).length / keys.length;
      expect(Math.abs(share - weight / total)).toBeLessThan(0.02);
    }
  },
);

test('addresses of one network are spread as evenly', () => {
  const all = targets(1, 1, 1);
  const clients = Array.from({ length: 10_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  for (const { name } of all) {
    const share = clients.filter((key) => rendezvous(all, key).name === name).length / clients.length;
    expect(Math.abs(share - 1 / 3)).toBeLessThan(0.02);
  }
});

test('a target that goes moves its own keys only, and one that comes takes its share only', () => {
  const all = targets(1, 2, 3, 1);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), fc.string({ minLength: 1 }), (gone, prefix) => {
      const left = all.filter((_, i) => i !== gone);
      for (let i = 0; i < 100; i++) {
        const before = rendezvous(all, `${prefix}${i}`);
        if (before !== all[gone]) expect(rendezvous(left, `${prefix}${i}`)).toBe(before);
      }
    }),
  );
});

test('the order of the targets means nothing', () => {
  const all = targets(1, 2, 3, 1);
  const turned = [...all].reverse();
  for (const key of keys.slice(0, 500)) expect(rendezvous(turned, key)).toBe(rendezvous(all, key));
});
