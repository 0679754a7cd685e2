// Content through a simulated network: its rate, the client's pace, and its faults.
import { describe, expect, test } from 'vitest';
import { pacedContent } from '../../../../agent/proxy/apply/paced-content.ts';
import type { Content, Sink } from '../../../../agent/proxy/ports.ts';
import { type LinkSettings, link } from '../../../../http/pacing.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import type { Fault } from '../../../../schemas/shape.ts';
import { testTimers } from '../../../support/timers.ts';
import { contentOf } from '../../../support/walk.ts';

const incomplete = new ProxyError('http_response_incomplete', 'The content stopped before its end.');

describe('the rate', () => {
  test('holds, and octets come as they were', async () => {
    const { heard, timers } = flowing(contentOf(['0123456789', 'abcdefghij']), { bytesPerSecond: 10 });
    await timers.pass(1_000);
    expect(heard.octets).toBe('0123456789');
    await timers.pass(500);
    expect(heard.octets).toBe('0123456789abcde');
    await timers.pass(500);
    expect([heard.octets.slice(-5), heard.endings]).toEqual(['fghij', ['end']]);
    expect(timers.set).toBe(0);
  });

  test('reaches the source: it is asked for more when all that it gave has gone on', async () => {
    const source = contentOf(['0123456789'], 'open');
    const { timers } = flowing(source, { bytesPerSecond: 10 });
    await timers.pass(900);
    expect(source.resumed).toBe(0);
    await timers.pass(100);
    expect(source.resumed).toBe(1);
  });

  test('waits for the client where that is slower, with no timer meanwhile', async () => {
    const { heard, timers, content } = flowing(contentOf(['0123456789']), { bytesPerSecond: 10 }, { takes: 4 });
    await timers.pass(60_000);
    expect([heard.octets, timers.set]).toEqual(['0123', 0]);
    content.resume();
    await timers.pass(0);
    expect([heard.octets, heard.endings]).toEqual(['0123456789', ['end']]);
  });

  test('holds for content that its source fails to complete, too', async () => {
    const { heard, timers } = flowing(contentOf(['01234'], incomplete), { bytesPerSecond: 10 });
    await timers.pass(400);
    expect([heard.octets, heard.endings]).toEqual(['0123', []]);
    await timers.pass(100);
    expect([heard.octets, heard.endings]).toEqual(['01234', []]); // a reset would take the last ones along
    await timers.pass(20);
    expect([heard.endings, timers.set]).toEqual([['http_response_incomplete'], 0]);
  });

  test('makes nobody wait for content that fails before it begins', () => {
    const { heard } = flowing(contentOf([], incomplete), { bytesPerSecond: 10 });
    expect(heard.endings).toEqual(['http_response_incomplete']);
  });
});

test('a client that leaves ends the source, and no timer is left', async () => {
  const source = contentOf(['0123456789'], 'open');
  const { heard, timers, content } = flowing(source, { bytesPerSecond: 10 });
  await timers.pass(300);
  content.cancel();
  await timers.pass(60_000);
  expect([heard.octets, heard.endings, timers.set, source.wasCancelled]).toEqual(['012', [], 0, true]);
});

describe('a fault', () => {
  test.each([
    ['reset', 'connection_terminated'],
    ['truncate', 'http_response_incomplete'],
  ] as const)('%s breaks off behind its octets, which have time to leave', async (kind, ending) => {
    const source = contentOf(['0123456789'], 'open');
    const { heard, timers, struck } = flowing(source, {}, { fault: { kind, afterBytes: 7, probability: 1 } });
    expect([heard.octets, heard.endings, source.wasCancelled]).toEqual(['0123456', [], true]);
    await timers.pass(20);
    expect([heard.endings, struck, timers.set]).toEqual([[ending], [kind], 0]);
  });

  test('truncate behind no octet at all lets the head go out', async () => {
    const fault = { kind: 'truncate', afterBytes: 0, probability: 1 } as const;
    const { heard, timers } = flowing(contentOf(['0123']), {}, { fault });
    expect(heard.endings).toEqual([]);
    await timers.pass(20);
    expect([heard.octets, heard.endings]).toEqual(['', ['http_response_incomplete']]);
  });

  test('timeout lets nothing follow, and gives up after the idle timeout', async () => {
    const source = contentOf(['0123456789'], 'open');
    const fault = { kind: 'timeout', afterBytes: 7, probability: 1 } as const;
    const { heard, timers } = flowing(source, {}, { fault });
    await timers.pass(9_999);
    expect([heard.octets, heard.endings, source.wasCancelled]).toEqual(['0123456', [], true]);
    await timers.pass(1);
    expect([heard.endings, timers.set]).toEqual([['connection_read_timeout'], 0]);
  });

  test('timeout is over when the client leaves', async () => {
    const fault = { kind: 'timeout', afterBytes: 1, probability: 1 } as const;
    const { heard, timers, content } = flowing(contentOf(['0123']), {}, { fault });
    content.cancel();
    await timers.pass(60_000);
    expect([heard.endings, timers.set]).toEqual([[], 0]);
  });

  test.each([
    ['the last octet', 4, '012'],
    ['the end', undefined, '0123'],
  ])('slow-close keeps back %s', async (_what, octets, before) => {
    const fault = { kind: 'slow-close', delayMs: 5_000, probability: 1 } as const;
    const { heard, timers, struck } = flowing(contentOf(['0123']), {}, { fault, octets });
    await timers.pass(4_999);
    expect([heard.octets, heard.endings, struck]).toEqual([before, [], ['slow-close']]);
    await timers.pass(1);
    expect([heard.octets, heard.endings]).toEqual(['0123', ['end']]);
  });

  test('of content that is shorter does not take place', () => {
    const fault = { kind: 'reset', afterBytes: 5, probability: 1 } as const;
    const { heard, struck } = flowing(contentOf(['0123']), {}, { fault });
    expect([heard.octets, heard.endings, struck]).toEqual(['0123', ['end'], []]);
  });
});

test('a source in memory that gives much at once is not recursed into', async () => {
  const pieces = Array.from({ length: 20_000 }, () => 'x');
  const { heard, timers } = flowing(contentOf(pieces), { bytesPerSecond: 100_000_000 });
  await timers.pass(1_000);
  expect([heard.octets.length, heard.endings]).toEqual([20_000, ['end']]);
});

function flowing(
  source: Content,
  settings: LinkSettings,
  { fault, octets, takes }: { fault?: Fault; octets?: number | undefined; takes?: number } = {},
) {
  const timers = testTimers();
  const struck: string[] = [];
  const heard = { octets: '', endings: [] as string[] };
  let isStuck = takes !== undefined;
  const sink: Sink = {
    write: (piece) => {
      heard.octets += piece.toString('latin1');
      const wantsMore = !isStuck || heard.octets.length < (takes ?? 0);
      if (!wantsMore) isStuck = false; // once
      return wantsMore;
    },
    end: () => void heard.endings.push('end'),
    fail: ({ type }) => void heard.endings.push(type),
  };
  const content = pacedContent(source, octets, {
    clock: timers.clock,
    after: timers.after,
    link: link<Buffer>(settings),
    fault,
    idleTimeoutMs: 10_000,
    onFault: ({ kind }) => struck.push(kind),
  });
  content.flow(sink);
  return { heard, timers, content, struck };
}
