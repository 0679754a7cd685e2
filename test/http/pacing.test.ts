// A link: what comes out when, by a clock that the test sets.
import { describe, expect, test } from 'vitest';
import { type Link, type LinkSettings, link } from '../../http/pacing.ts';

describe('the rate', () => {
  test.each([
    ['1 kB/s', 1_000],
    ['50 kB/s', 50_000],
    ['20 MB/s', 20_000_000],
  ])('of %s holds from the first octet on', (_what, bytesPerSecond) => {
    const total = bytesPerSecond * 10;
    expect(drainedAfter(fed({ bytesPerSecond }, total), 0)).toBeCloseTo(10_000, -1);
  });

  test('holds although timers are late by a few milliseconds each time', () => {
    expect(drainedAfter(fed({ bytesPerSecond: 50_000 }, 500_000), 4)).toBeLessThan(10_020);
  });

  test('holds although the source is a moment late each time', () => {
    const paced = link<Buffer>({ bytesPerSecond: 100_000 });
    let now = 0;
    for (let round = 0; round < 1_000; round++) {
      paced.put(Buffer.alloc(1_000), now);
      now = drainedFrom(paced, now, 2) + 3;
    }
    expect(now).toBeGreaterThan(9_980);
    expect(now).toBeLessThan(10_020);
  });

  test('holds although the process is held up for longer now and then, but not for as long as one likes', () => {
    const paced = link<Buffer>({ bytesPerSecond: 100_000 });
    const drainedWithStall = (from: number, stallMs: number) => {
      let now = from;
      for (let round = 0; round < 100; round++) {
        paced.put(Buffer.alloc(1_000), now);
        now = drainedFrom(paced, now, round === 50 ? stallMs : 1);
      }
      return now - from;
    };
    expect(drainedWithStall(0, 300)).toBeLessThan(1_020);
    expect(drainedWithStall(10_000, 5_000)).toBeGreaterThan(5_400);
  });

  test('is smooth: pieces last ten milliseconds', () => {
    const paced = fed({ bytesPerSecond: 50_000 }, 10_000);
    expect(paced.next(0)).toEqual({ kind: 'wait', delayMs: 10 });
    expect(paced.next(10)).toMatchObject({ kind: 'piece', octets: { length: 500 } });
    expect(paced.next(10)).toEqual({ kind: 'wait', delayMs: 10 });
  });

  test('lets a burst through at once, and again after a pause, but no more than one', () => {
    const paced = fed({ bytesPerSecond: 10_000, burstBytes: 5_000 }, 6_000);
    expect(octetsAt(paced, 0)).toBe(5_000);
    expect(octetsAt(paced, 100)).toBe(1_000);
    paced.put(Buffer.alloc(10_000), 60_000);
    expect(octetsAt(paced, 60_000)).toBe(5_000);
  });

  test('saves nothing up without a burst', () => {
    const paced = fed({ bytesPerSecond: 10_000 }, 100);
    octetsAt(paced, 10);
    paced.put(Buffer.alloc(100_000), 60_000);
    expect(octetsAt(paced, 60_000)).toBe(0);
    expect(octetsAt(paced, 61_000)).toBe(10_000);
  });
});

describe('the delay', () => {
  test('holds each piece for as long, at no rate at once as it came', () => {
    const delayed = link<Buffer>({ delayMs: () => 100 });
    delayed.put(Buffer.from('a'), 0);
    delayed.put(Buffer.from('b'), 30);
    expect(delayed.next(0)).toEqual({ kind: 'wait', delayMs: 100 });
    expect(delayed.next(100)).toMatchObject({ octets: Buffer.from('a') });
    expect(delayed.next(100)).toEqual({ kind: 'wait', delayMs: 30 });
    expect(delayed.next(130)).toMatchObject({ octets: Buffer.from('b') });
    expect(delayed.next(130)).toEqual({ kind: 'empty' });
  });

  test('of a later piece that is shorter overtakes nothing', () => {
    const delays = [100, 10];
    const delayed = link<Buffer>({ delayMs: () => delays.shift() ?? 0 });
    delayed.put(Buffer.from('a'), 0);
    delayed.put(Buffer.from('b'), 1);
    expect(delayed.next(99)).toMatchObject({ kind: 'wait' });
    expect(delayed.next(100)).toMatchObject({ octets: Buffer.from('a') });
    expect(delayed.next(100)).toMatchObject({ octets: Buffer.from('b') });
  });

  test('does not lessen the rate', () => {
    expect(drainedAfter(fed({ bytesPerSecond: 100_000, delayMs: () => 500 }, 100_000), 0)).toBeCloseTo(1_500, -1);
  });
});

test('octets come out as they went in, however they are cut', () => {
  const text = Array.from({ length: 5_000 }, (_, at) => `${at} `).join('');
  const paced = link<Buffer>({ bytesPerSecond: 100_000 });
  for (let at = 0; at < text.length; at += 777) paced.put(Buffer.from(text.slice(at, at + 777)), 0);
  expect(paced.heldOctets).toBe(text.length);
  let came = '';
  for (let now = 0; paced.heldOctets > 0; now += 7) {
    const due = paced.next(now, 1 + (now % 90));
    if (due.kind === 'piece') came += due.octets.toString();
  }
  expect(came).toBe(text);
});

function fed(settings: LinkSettings, octets: number): Link<Buffer> {
  const paced = link<Buffer>(settings);
  paced.put(Buffer.alloc(octets), 0);
  return paced;
}

/** When the last octet came out, by timers that are late by so much. */
function drainedAfter(paced: Link<Buffer>, lateMs: number): number {
  return drainedFrom(paced, 0, lateMs);
}

function drainedFrom(paced: Link<Buffer>, from: number, lateMs: number): number {
  let now = from;
  for (;;) {
    const due = paced.next(now);
    if (due.kind === 'empty') return now;
    if (due.kind === 'wait') now += due.delayMs + lateMs;
  }
}

function octetsAt(paced: Link<Buffer>, now: number): number {
  let octets = 0;
  for (;;) {
    const due = paced.next(now);
    if (due.kind !== 'piece') return octets;
    octets += due.octets.length;
  }
}
