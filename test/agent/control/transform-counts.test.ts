// What is counted of transforms: those that were made, to the end of their content.
import { expect, test } from 'vitest';
import { countTransformed } from '../../../agent/control/transform-counts.ts';
import type { TransformOutcome } from '../../../schemas/transform.ts';
import { testTrace } from '../../support/walk.ts';

const octets = { before: 100, after: 40 };

test.each<readonly [TransformOutcome | undefined, number]>([
  [undefined, 0],
  [{ rule: 'a', applied: [], skipped: 'no' }, 0],
  [{ rule: 'a', applied: [], octets }, 0],
  [{ rule: 'a', applied: ['html'] }, 0],
  [{ rule: 'a', applied: ['html'], octets }, 1],
])('%j counts %d times', (transform, times) => {
  const counted = countTransformed();
  for (let each = 0; each < 2; each++) counted.observer.finished(testTrace({ transform }));
  expect(counted.counts()).toEqual({ transformed: 2 * times, octetsBefore: 200 * times, octetsAfter: 80 * times });
});
