// What a transform may say: nothing that could break out of where it is put.
import { describe, expect, test } from 'vitest';
import { transform } from '../../schemas/transform.ts';

describe('a transform is refused', () => {
  test.each<[string, unknown]>([
    ['without any part', {}],
    ['whose script ends its element', { inject: { script: 'x = "</script>"' } }],
    ['whose script ends its element in capitals', { inject: { script: 'x = "</SCRIPT "' } }],
    ['whose script opens a comment of HTML', { inject: { script: '<!-- <script>' } }],
    ['whose style ends its element', { inject: { style: 'a{}</style><script>x()' } }],
    ['that sets what is no attribute', { html: [{ select: 'a', set: { 'x onload': '1' } }] }],
    ['that sets an attribute with a quote', { html: [{ select: 'a', set: { 'x"': '1' } }] }],
    ['with two changes in one', { html: [{ select: 'a', remove: true, append: 'x' }] }],
    ['that finds nothing', { replace: [{ find: '', with: 'x' }] }],
    [
      'that makes of what it has made',
      {
        replace: [
          { find: 'a', with: 'b'.repeat(1_000) },
          { find: 'b', with: 'c'.repeat(1_000) },
        ],
      },
    ],
  ])('%s', (_, given) => {
    expect(transform.safeParse(given).success).toBe(false);
  });
});

test('a script may speak of its own end', () => {
  expect(transform.safeParse({ inject: { script: 'x = "<\\/script>"' } }).success).toBe(true);
});
