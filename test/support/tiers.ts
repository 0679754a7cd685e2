// Agents that cache, in each of the ways in which one can, and how often an origin was asked behind them.
import { expect } from 'vitest';
import type { TestAgentOptions } from './agent.ts';
import { getOnce } from './client.ts';
import { message, type Origin, type OriginRequest, startOrigin } from './origin.ts';

/** Which of the two halves have a cache. */
export const tiers: readonly (readonly [name: string, options: TestAgentOptions])[] = [
  ['the agent', { edge: 'none', cache: { agent: {}, edge: 'off' } }],
  ['the edge', { edge: 'embedded', cache: { agent: false, edge: 'auto' } }],
  ['both', { edge: 'embedded', cache: { agent: {}, edge: 'on' } }],
];

/** The lines of a head behind the status line, and the content. */
export type Sent = readonly [lines: readonly string[], content: string, status?: string];

/** An origin that answers each request with what `answer` makes of it; its length and the date are added. */
export function startSite(answer: (request: OriginRequest, number: number) => Sent): Promise<Origin> {
  let number = 0;
  return startOrigin((request, socket) => {
    const [lines, content, status = '200 OK'] = answer(request, ++number);
    const date = `Date: ${new Date().toUTCString()}`;
    const length = /^(?:204|304)/.test(status) ? [] : [`Content-Length: ${content.length}`];
    const sent = request.method === 'HEAD' || length.length === 0 ? '' : content;
    socket.write(message([`HTTP/1.1 ${status}`, date, ...length, ...lines], sent));
  });
}

/** An origin that knows what it was asked. */
interface Asked {
  readonly requests: readonly unknown[];
}

/** The content of a GET, which has to be whole. */
export async function contentOf(port: number, url: string, ...fields: string[]): Promise<string> {
  const response = await getOnce(port, url, ...fields);
  expect(response.isComplete).toBe(true);
  return response.content.toString('latin1');
}

/** Asks until an answer comes without the origin: what is stored behind an answer takes a moment. */
export async function untilStored(port: number, origin: Asked, url: string, ...fields: string[]): Promise<string> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const asked = origin.requests.length;
    const content = await contentOf(port, url, ...fields);
    if (origin.requests.length === asked) return content;
  }
  throw new Error(`${url} is never answered from what is stored`);
}

const maxAttempts = 50;

/** Asks several times. Every time the origin has to be asked. */
export async function neverStored(port: number, origin: Asked, url: string, ...fields: string[]): Promise<void> {
  for (let time = 0; time < 3; time++) {
    const asked = origin.requests.length;
    await getOnce(port, url, ...fields);
    expect(origin.requests.length, `time ${time}`).toBe(asked + 1);
  }
}
