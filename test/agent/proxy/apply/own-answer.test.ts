// Who asks edgehop itself is answered by its pages, on the port of plain HTTP and nowhere else.
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createOwnAnswer, type OwnPages } from '../../../../agent/proxy/apply/own-answer.ts';
import type { Ending, PlannedRequest } from '../../../../agent/proxy/ports.ts';
import { plannedRequest, receivedOf, stillClock } from '../../../support/walk.ts';

const asked: Parameters<OwnPages>[0][] = [];
const own = createOwnAnswer({
  clock: stillClock(),
  boundary: () => 'b',
  pages: (page) => {
    asked.push(page);
    const fields = [
      ['Content-Type', 'text/x'],
      ['Cache-Control', 'no-store'],
    ] as const;
    return { status: 404, fields, octets: Buffer.from('hello') };
  },
});

test('the page is asked for by method and path, without its query, and goes out as it is', async () => {
  const ending = await answered({ path: '/a/b?c=/d?e' });
  if (ending.kind !== 'response') throw new Error(ending.kind);
  const { status, reason, fields, content } = ending.response;
  expect([status, reason]).toEqual([404, 'Not Found']);
  expect(fields).toEqual([
    ['Content-Type', 'text/x'],
    ['Cache-Control', 'no-store'],
  ]);
  expect(content.kind === 'some' && receivedOf(content.source)).toEqual({ octets: 'hello', endings: ['end'] });
  expect(asked.at(-1)).toEqual({ method: 'GET', path: '/a/b', reachedAt: '127.0.0.1:8080' });
});

test('HEAD has the length, and no content', async () => {
  const ending = await answered({ method: 'HEAD' });
  if (ending.kind !== 'response') throw new Error(ending.kind);
  expect(ending.response.content).toEqual({ kind: 'none' });
  expect(ending.response.fields).toContainEqual(['Content-Length', '5']);
});

test.each([{ port: 81 }, { port: 443 }, { scheme: 'https', port: 443 }, { scheme: 'https', port: 80 }] as const)(
  '%j is refused, with a sentence',
  async (parts) => {
    const before = asked.length;
    expect(await answered(parts)).toMatchObject({
      kind: 'failed',
      error: { type: 'http_request_denied', status: 403, message: expect.stringContaining('plain HTTP on port 80') },
    });
    expect(asked.length).toBe(before);
  },
);

test('content that comes with a request is read first, so that its sender hears the answer', async () => {
  const content = Readable.from([Buffer.from('a=1')]);
  await answered({ method: 'POST', content, framing: { kind: 'length', octets: 3 } });
  expect(content.readableEnded).toBe(true);
  expect(asked.at(-1)).toMatchObject({ method: 'POST' });
});

async function answered(parts: Partial<PlannedRequest>): Promise<Ending> {
  const plan = own(plannedRequest({ host: 'edgehop.internal', ...parts }), '127.0.0.1:8080');
  if (plan.kind !== 'answer') throw new Error(plan.kind);
  return plan.ending;
}
