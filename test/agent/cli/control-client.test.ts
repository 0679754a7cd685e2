// What verbs hear from the running agent, and how they end when it says something else or nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { askAgent, recordOfClient } from '../../../agent/cli/control-client.ts';
import { recordOf } from '../../../agent/proxy/trace.ts';
import type { AgentState } from '../../../schemas/api.ts';
import { cachePurged } from '../../../schemas/cache-admin.ts';
import { closedPort } from '../../support/tcp.ts';
import { stillClock, testTrace } from '../../support/walk.ts';

/** An agent whose control port answers so, and what it was asked. */
async function agentThatAnswers(...answers: (readonly [status: number, content: string])[]) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    let content = '';
    for await (const piece of request) content += piece;
    asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${content}`.trimEnd());
    const [status, text] = answers[Math.min(asked.length, answers.length) - 1] as readonly [number, string];
    response.writeHead(status, { connection: 'close' }).end(text);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port: controlPort } = server.address() as { port: number };
  const agent: AgentState = { pid: 1, host: '127.0.0.1', port: 8080, controlPort, controlToken: 'the-token' };
  return { agent, asked };
}

test('the token goes along, and content by POST', async () => {
  const { agent, asked } = await agentThatAnswers([200, '{"entries":3}']);
  expect(await askAgent(agent, '/a', cachePurged)).toEqual({ entries: 3 });
  expect(await askAgent(agent, '/b', cachePurged, { kind: 'all' })).toEqual({ entries: 3 });
  expect(asked).toEqual(['GET /a Bearer the-token', 'POST /b Bearer the-token {"kind":"all"}']);
});

test.each([
  [[400, '{"detail":"That is no host."}'], 2, 'That is no host.'],
  [[500, '{"detail":"No space is left."}'], 1, 'No space is left.'],
  [[502, 'oops'], 1, 'the agent answered 502.'],
  [[200, 'oops'], 1, 'the agent on port 8080 is of another version: it answers differently.'],
  [[200, '{"entries":"3"}'], 1, 'the agent on port 8080 is of another version: it answers differently.'],
] as const)('%j ends the verb with %i', async (answer, code, message) => {
  const { agent } = await agentThatAnswers(answer);
  await expect(askAgent(agent, '/', cachePurged)).rejects.toMatchObject({ code, message });
});

test('an agent that is gone ends the verb with 69', async () => {
  const { agent } = await agentThatAnswers([200, '']);
  const gone = { ...agent, controlPort: await closedPort() };
  await expect(askAgent(gone, '/', cachePurged)).rejects.toMatchObject({ code: 69 });
});

test('a record is asked for until it is complete', async () => {
  const record = recordOf(testTrace({ method: 'GET', url: 'http://o.example/' }), stillClock());
  const { agent, asked } = await agentThatAnswers([404, '{}'], [404, '{}'], [200, JSON.stringify(record)]);
  const found = await recordOfClient(agent, { localAddress: '::1', localPort: 5 });
  expect(found).toEqual(JSON.parse(JSON.stringify(record)));
  expect(asked).toEqual(Array(3).fill('GET /v1/exchanges?client=%3A%3A1%405 Bearer the-token'));
});
