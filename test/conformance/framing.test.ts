// Seven hundred messages that have misled servers and proxies, in both directions, over both routes: nothing desynchronises.
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { type FramingCase, framingCases } from '../support/cases.ts';
import { paces, replayRequest } from '../support/replay-request.ts';
import { replayResponse } from '../support/replay-response.ts';

const cases = framingCases();
const atOnce = 16;

describe.skipIf(cases === undefined).each(upstreams)('by edge %s', (edge) => {
  let proxy: TestAgent;

  beforeAll(async () => {
    proxy = await startTestAgent({ edge });
    return () => proxy[Symbol.asyncDispose]();
  });

  // How the edge reaches the origin makes no difference to how the agent reads.
  test.each(edge === 'embedded-socket' ? (['whole'] as const) : paces)('what clients send, %s', async (pace) => {
    const sent = cases?.filter(({ dir }) => dir === 'req') ?? [];
    expect(sent.length).toBeGreaterThan(500);
    expect(await violations(sent, (text) => replayRequest(proxy.port, text, pace))).toEqual({});
  });

  test.each(paces)('what origins answer, %s', async (pace) => {
    const sent = cases?.filter(({ dir }) => dir === 'res') ?? [];
    expect(sent.length).toBeGreaterThan(100);
    expect(await violations(sent, (text) => replayResponse(proxy.port, text, pace, carriers[edge]))).toEqual({});
  });
});

const carriers = { none: 'exact', 'embedded-socket': 'exact', embedded: 'fetch' } as const;

type Replay = (template: string) => Promise<string[]>;

/** By case, what was wrong with it. */
async function violations(sent: readonly FramingCase[], replay: Replay): Promise<Record<string, string[]>> {
  const wrong: Record<string, string[]> = {};
  const waiting = [...sent];
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const found = await replay(Buffer.from(next.raw_b64, 'base64').toString('latin1'));
      if (found.length > 0) wrong[`${next.id} (${next.expect}): ${next.note}`] = found;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return wrong;
}
