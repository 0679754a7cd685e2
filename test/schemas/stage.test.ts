// Stages stand in the order of the walk, and their times are exact to the microsecond.
import { expect, test } from 'vitest';
import { edgeStageNames, edgeStages, isoTime, stageNames, stages } from '../../schemas/stage.ts';

test('the stages are those of the design, in the order in which they happen', () => {
  expect(stageNames.join(' ')).toBe(
    'client-accepted request-received request-relayed edge-received upstream-requested upstream-responded edge-returned response-received response-sent',
  );
  expect(stageNames.slice(3, 7)).toEqual(edgeStageNames);
});

test('the edge always tells when it received and returned; what it asked of an origin may be absent', () => {
  expect(edgeStages.safeParse({ 'edge-received': 1, 'edge-returned': 2 }).success).toBe(true);
  expect(edgeStages.safeParse({ 'edge-received': 1 }).success).toBe(false);
  expect(edgeStages.safeParse({ 'edge-received': 1, 'edge-returned': Number.NaN }).success).toBe(false);
});

test.each([
  ['2026-01-02T03:04:05.678901Z', true],
  ['2026-01-02T03:04:05.678Z', false],
  ['2026-01-02T03:04:05.678901+00:00', false],
  ['2026-01-02 03:04:05.678901Z', false],
  ['x2026-01-02T03:04:05.678901Z', false],
])('%s is a time of a stage: %s', (time, isTime) => {
  expect(isoTime.safeParse(time).success).toBe(isTime);
});

test('a stage that did not happen is absent, never null, and no other is known', () => {
  const time = '2026-01-02T03:04:05.678901Z';
  expect(stages.safeParse({}).success).toBe(true);
  expect(stages.safeParse({ 'response-sent': time }).success).toBe(true);
  expect(stages.safeParse({ 'response-sent': null }).success).toBe(false);
  expect(stages.safeParse({ 'response-seen': time }).success).toBe(false);
});
