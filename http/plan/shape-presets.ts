// The figures of simulated networks with a name.
import type { Shape, ShapePreset, ShapeSettings } from '../../schemas/shape.ts';

/** Octets a second of so many kilobits. */
function kilobits(perSecond: number): number {
  return (perSecond * 1_000) / 8;
}

/**
 * `edge`: WebPageTest's profile of that name (connectivity.ini: 240 and 200 kbit/s, round trip 840 ms). The latency of
 * the next three is that of Chrome's DevTools (front_end/core/sdk/NetworkManager.ts), which like ours is added once to
 * each request and so stands for the round trips of a new connection, too: `slow-3g` is its "3G", once "Slow 3G" (80 % of
 * 500 kbit/s, 5 times 400 ms), `fast-3g` its "Slow 4G", once "Fast 3G" (90 % of 1.6 Mbit/s and 750 kbit/s, 3.75 times
 * 150 ms), `4g` its "Fast 4G" (90 % of 9 and 1.5 Mbit/s, 2.75 times 60 ms). No tool of those has a `satellite`: it is a
 * geostationary one, 25 and 3 Mbit/s, whose signal travels 240 to 270 ms each way, with the work on the ground 600 ms.
 */
export const presetFigures: Readonly<Record<ShapePreset, ShapeSettings>> = {
  edge: { preset: 'edge', latencyMs: 840, downBytesPerSecond: kilobits(240), upBytesPerSecond: kilobits(200) },
  'slow-3g': {
    preset: 'slow-3g',
    latencyMs: 2_000,
    downBytesPerSecond: kilobits(400),
    upBytesPerSecond: kilobits(400),
  },
  'fast-3g': {
    preset: 'fast-3g',
    latencyMs: 563,
    downBytesPerSecond: kilobits(1_440),
    upBytesPerSecond: kilobits(675),
  },
  '4g': { preset: '4g', latencyMs: 165, downBytesPerSecond: kilobits(8_100), upBytesPerSecond: kilobits(1_350) },
  satellite: {
    preset: 'satellite',
    latencyMs: 600,
    downBytesPerSecond: kilobits(25_000),
    upBytesPerSecond: kilobits(3_000),
  },
  offline: { preset: 'offline', fault: { kind: 'reset', afterBytes: 0, probability: 1 } },
};

/** A shape with its preset filled in. What is said beside a preset comes before it. */
export function shapeOf(shape: Shape): ShapeSettings {
  if (typeof shape === 'string') return presetFigures[shape];
  if (shape.preset === undefined) return shape;
  const said = Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined));
  return { ...presetFigures[shape.preset], ...said };
}
