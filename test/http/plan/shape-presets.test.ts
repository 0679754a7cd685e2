// Presets filled in.
import { expect, test } from 'vitest';
import { presetFigures, shapeOf } from '../../../http/plan/shape-presets.ts';
import { shape, shapePresets } from '../../../schemas/shape.ts';

test.each(shapePresets)('the preset %s is a shape as a rule may have it', (preset) => {
  expect(shape.parse(presetFigures[preset])).toEqual(presetFigures[preset]);
  expect(shapeOf(preset)).toMatchObject({ preset });
});

test('networks are in the order of what they carry', () => {
  const rates = (['edge', 'slow-3g', 'fast-3g', '4g', 'satellite'] as const).map(
    (preset) => presetFigures[preset].downBytesPerSecond ?? 0,
  );
  expect(rates).toEqual([30_000, 50_000, 180_000, 1_012_500, 3_125_000]);
});

test('what is said beside a preset comes before it', () => {
  expect(shapeOf({ preset: 'slow-3g', latencyMs: 10, jitterMs: undefined })).toEqual({
    preset: 'slow-3g',
    latencyMs: 10,
    downBytesPerSecond: 50_000,
    upBytesPerSecond: 50_000,
  });
});

test('a shape without a preset is what it says', () => {
  expect(shapeOf({ latencyMs: 5 })).toEqual({ latencyMs: 5 });
});

test('offline lets nothing through', () => {
  expect(shapeOf('offline').fault).toMatchObject({ kind: 'reset', afterBytes: 0, probability: 1 });
});
