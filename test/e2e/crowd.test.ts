// Many clients at once: everyone gets an answer, and everyone gets their own.
import { expect, test } from 'vitest';
import { routes, startTestAgent } from '../support/agent.ts';
import { connectClient } from '../support/client.ts';
import { chunk, message, startOrigin } from '../support/origin.ts';

const clients = 500;
const requestsEach = 3;

test.each(routes)(
  'I13 five hundred clients at once all get their own answers by edge %s',
  async (edge) => {
    await using origin = await startOrigin(async (request, socket) => {
      const content = (await request.content).toString('latin1');
      const [id = ''] = request.values('x-id');
      const text = `${id} said ${content}`;
      const isKnown = content.length % 2 === 0; // both framings, mixed
      socket.write(
        isKnown
          ? message(['HTTP/1.1 200 OK', `X-Id: ${id}`, `Content-Length: ${text.length}`], text)
          : Buffer.concat([
              message(['HTTP/1.1 200 OK', `X-Id: ${id}`, 'Transfer-Encoding: chunked']),
              chunk(text),
              chunk(),
            ]),
      );
    });
    await using proxy = await startTestAgent({ edge });
    const everyone = await Promise.all(Array.from({ length: clients }, () => connectClient(proxy.port)));
    const wrong: string[] = [];
    const ask = async (client: (typeof everyone)[number], number: number) => {
      for (let turn = 0; turn < requestsEach; turn++) {
        const id = `client-${number}-${turn}`;
        const content = `${'.'.repeat(number % 50)}${id}`;
        client.send(
          message(
            [`POST ${origin.url}/${id} HTTP/1.1`, 'Host: x', `X-Id: ${id}`, `Content-Length: ${content.length}`],
            content,
          ),
        );
        const response = await client.response('POST');
        const isOwn = response.field('x-id') === id && response.content.toString() === `${id} said ${content}`;
        if (response.status !== 200 || !isOwn)
          wrong.push(`${id}: ${response.status} ${response.field('x-id')} ${response.content}`);
      }
    };
    await Promise.all(everyone.map(ask));
    expect(wrong).toEqual([]);
    expect(origin.requests.length).toBe(clients * requestsEach);
    const ids = new Set(origin.requests.map(({ target }) => target));
    expect(ids.size).toBe(clients * requestsEach);
    for (const client of everyone) client.socket.destroy();
    await proxy.active(0);
    expect(new Set(proxy.records.map(({ id }) => id)).size).toBe(clients * requestsEach);
    expect(proxy.records.filter(({ error }) => error !== undefined)).toEqual([]);
  },
  60_000,
);
