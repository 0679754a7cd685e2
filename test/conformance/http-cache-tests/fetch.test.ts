// The suite's client speaks to the proxy and to nobody else.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { type Collector, fetchBy } from './fetch.ts';

test('a request goes to the proxy in absolute-form, its lines of one name joined as fetch joins them', async () => {
  let target: string | undefined;
  let cacheControl: string | undefined;
  await using proxy = await server((request, response) => {
    target = request.url;
    cacheControl = request.headers['cache-control'];
    response.setHeader('x-twice', ['a', 'b']).end('content');
  });
  const reply = await fetchBy(proxy.port)('http://origin.invalid:81/a?b', {
    headers: [
      ['Cache-Control', 'one'],
      ['cache-control', 'two'],
    ],
  });
  expect([target, cacheControl]).toEqual(['http://origin.invalid:81/a?b', 'one, two']);
  expect([reply.status, reply.headers.get('X-Twice'), await reply.text()]).toEqual([200, 'a, b', 'content']);
});

test('a proxy that is not there is an error, never a way around it', async () => {
  await using origin = await server((_request, response) => response.end());
  const { port } = await server((_request, response) => response.end()).then(async (gone) => {
    await gone[Symbol.asyncDispose]();
    return gone;
  });
  await expect(fetchBy(port)(`http://127.0.0.1:${origin.port}/`)).rejects.toThrow('ECONNREFUSED');
});

test('interim responses are told to the handler that the suite wraps around', async () => {
  await using proxy = await server((_request, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' }, () => response.end());
  });
  const seen: unknown[] = [];
  const dispatcher: Collector = {
    collect: (dispatch) => (options) =>
      dispatch(options, { onResponseStart: (_controller, status, { link }) => seen.push([status, link]) }),
  };
  await (await fetchBy(proxy.port)('http://origin.invalid/', { dispatcher })).text();
  expect(seen).toEqual([[103, '</a>; rel=preload']]);
});

async function server(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const listening = createServer(answer).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      listening.close();
      listening.closeAllConnections();
      await once(listening, 'close');
    },
  };
}
