// ATTACKS.md group E: content that is cut, parts, answers to validation, sizes, crowds, and what is served again.
import { beforeAll, describe, expect, test } from 'vitest';
import { cacheStatistics } from '../../schemas/cache-admin.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';
import {
  call,
  type DeployedOptions,
  envelopeFor,
  exchangeFields,
  replyOf,
  responseOf,
  send,
  startDeployedEdge,
} from '../support/edge.ts';
import { message, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';
import { contentOf, neverStored, startSite, tiers, untilStored } from '../support/tiers.ts';

const ok = 'HTTP/1.1 200 OK';
const fresh = 'Cache-Control: max-age=60';
/** The first octet of a TLS connection. RFC 8446 5.1. */
const tlsHandshake = 22;
const own = /^(?:age|cache-status|connection|date|proxy-status|server-timing|via)$/i;

describe.each(tiers)('cached by %s', (name, options) => {
  let proxy: TestAgent;

  beforeAll(async () => {
    proxy = await startTestAgent(options);
    return () => proxy[Symbol.asyncDispose]();
  });

  const whole = 'the whole content';

  test.each([
    ['a length that is not reached', [ok, fresh, `Content-Length: ${whole.length}`], 'the whole', 'end'],
    ['a length that is not reached, and a reset', [ok, fresh, `Content-Length: ${whole.length}`], 'the whole', 'reset'],
    ['chunks without the last one', [ok, fresh, 'Transfer-Encoding: chunked'], '9\r\nthe whole\r\n', 'end'],
    ['chunks and a reset', [ok, fresh, 'Transfer-Encoding: chunked'], '9\r\nthe whole\r\n', 'reset'],
    ['a chunk that is cut', [ok, fresh, 'Transfer-Encoding: chunked'], '99\r\nthe whole', 'end'],
  ] as const)('E10 %s is never given as a whole', async (_what, head, content, ending) => {
    let isCut = true;
    await using origin = await startOrigin((_request, socket) => {
      if (!isCut) return void socket.write(message([ok, fresh, `Content-Length: ${whole.length}`], whole));
      socket.write(message(head, content), () => (ending === 'end' ? socket.end() : socket.resetAndDestroy()));
    });
    const first = await getOnce(proxy.port, `${origin.url}/`).catch(() => undefined); // cut before its head went out
    expect(first === undefined || first.status === 502 || !first.isComplete).toBe(true);
    isCut = false;
    expect(await untilStored(proxy.port, origin, `${origin.url}/`)).toBe(whole);
  });

  test('E10 a part is never given as the whole', async () => {
    await using origin = await startSite(({ values }) => {
      const range = /^bytes=(\d+)-(\d+)$/.exec(values('range').join());
      if (range === null) return [[fresh, 'ETag: "a"'], whole];
      const [first, last] = [Number(range[1]), Number(range[2])];
      const lines = [fresh, 'ETag: "a"', `Content-Range: bytes ${first}-${last}/${whole.length}`];
      return [lines, whole.slice(first, last + 1), '206 Partial Content'];
    });
    for (const _time of [1, 2]) {
      const part = await getOnce(proxy.port, `${origin.url}/`, 'Range: bytes=4-8');
      expect([part.status, part.content.toString(), part.field('content-range')]).toEqual([
        206,
        'whole',
        `bytes 4-8/${whole.length}`,
      ]);
    }
    for (const _time of [1, 2]) {
      const response = await getOnce(proxy.port, `${origin.url}/`);
      expect([response.status, response.content.toString()]).toEqual([200, whole]);
    }
  });

  test('E10 a part that nobody asked for is not stored as what was asked for', async () => {
    await using origin = await startSite((_request, number) =>
      number === 1
        ? [[fresh, `Content-Range: bytes 0-2/${whole.length}`], 'the', '206 Partial Content']
        : [[fresh], whole],
    );
    await getOnce(proxy.port, `${origin.url}/`);
    const response = await getOnce(proxy.port, `${origin.url}/`);
    expect([response.status, response.content.toString()]).toEqual([200, whole]);
  });

  test('E14 what was on its way when it was purged is not given afterwards', async () => {
    const purged = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_request, socket) => {
      const number = origin.requests.length;
      socket.write(message([ok, fresh, 'Content-Length: 8'], 'answer '));
      await purged.promise;
      socket.write(`${number}`);
    });
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}/ HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    const fields = { authorization: `Bearer ${proxy.agent.state().controlToken}` };
    const purge = { method: 'POST', content: '{"kind":"all"}', fields };
    expect((await call(`http://127.0.0.1:${proxy.controlPort}/v1/cache/purge`, purge)).status).toBe(200);
    purged.resolve();
    await client.octets.until('1');
    expect(await contentOf(proxy.port, `${origin.url}/`)).toBe('answer 2');
  });

  test('E15 a 304 changes what describes the content, never what frames it', async () => {
    const lying = ['Content-Length: 999', 'Content-Encoding: gzip', 'Content-Range: bytes 0-1/2', 'Content-Type: x/y'];
    await using origin = await startSite(({ values }) =>
      values('if-none-match').length > 0
        ? [['ETag: "a"', 'X-New: new', ...lying], '', '304 Not Modified']
        : [['Cache-Control: no-cache', 'ETag: "a"', 'X-New: old', 'X-Kept: kept', 'Content-Type: a/b'], 'hello'],
    );
    await getOnce(proxy.port, `${origin.url}/`);
    for (const _time of [1, 2, 3]) {
      const response = await getOnce(proxy.port, `${origin.url}/`);
      expect([response.status, response.content.toString(), response.isComplete]).toEqual([200, 'hello', true]);
      expect(response.field('content-encoding')).toBeUndefined();
      expect(response.field('content-range')).toBeUndefined();
      expect([undefined, '5']).toContain(response.field('content-length'));
      expect([response.field('x-new'), response.field('x-kept')]).toEqual(['new', 'kept']);
    }
    expect(origin.requests.filter(({ values }) => values('if-none-match').length > 0).length).toBe(3);
  });

  test('E15 a 304 about something else does not bring back what is stored', async () => {
    await using origin = await startSite(({ values }, number) =>
      values('if-none-match').length > 0
        ? [['ETag: "other"'], '', '304 Not Modified']
        : [['Cache-Control: no-cache', `ETag: "${number}"`], `${number}`],
    );
    await getOnce(proxy.port, `${origin.url}/`);
    for (const _time of [1, 2]) {
      const asked = origin.requests.length;
      const response = await getOnce(proxy.port, `${origin.url}/`);
      if (response.status === 502) continue;
      expect([response.status, Number(response.content.toString())]).toEqual([200, origin.requests.length]);
      expect(origin.requests.length).toBeLessThanOrEqual(asked + (name === 'both' ? 4 : 2));
    }
  });

  test('E15 a 304 that nothing asked for is never stored, and 502 where the agent looks at it', async () => {
    await using origin = await startSite((_request, number) =>
      number < 3 ? [[fresh, 'ETag: "a"'], '', '304 Not Modified'] : [[fresh], 'hello'],
    );
    const allowed = name === 'the edge' ? [200, 304, 502] : [200, 502];
    for (let time = 0; time < 3; time++)
      expect(allowed).toContain((await getOnce(proxy.port, `${origin.url}/`)).status);
    expect(await contentOf(proxy.port, `${origin.url}/`)).toBe('hello');
  });

  test('E16 a crowd that asks for one URL gets it whole, and the origin is not overrun', async () => {
    const crowd = 100;
    const content = 'x'.repeat(100_000);
    const answer = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_request, socket) => {
      await answer.promise;
      socket.write(message([ok, fresh, `Content-Length: ${content.length}`], content));
    });
    const asking = Array.from({ length: crowd }, () => contentOf(proxy.port, `${origin.url}/`));
    await origin.received(1);
    await proxy.active(crowd);
    answer.resolve();
    for (const got of await Promise.all(asking)) expect(got === content).toBe(true);
    if (name === 'the edge') expect(origin.requests.length).toBeLessThanOrEqual(crowd);
    else expect(origin.requests.length).toBe(1);
  });

  test('E16 a crowd is let go when the answer is for nobody else', async () => {
    const crowd = 20;
    await using origin = await startSite((_request, number) => [['Cache-Control: private'], `${number}`]);
    const got = await Promise.all(Array.from({ length: crowd }, () => contentOf(proxy.port, `${origin.url}/`)));
    expect(new Set(got).size).toBe(crowd);
  });

  test('E17 what http has answered is not the answer of https', async () => {
    const requests: Buffer[] = [];
    const lines = [
      fresh,
      'Location: http://evil.example/',
      'Strict-Transport-Security: max-age=0',
      'Content-Length: 0',
    ];
    await using origin = await startTcp((socket) => {
      socket.on('data', (octets) => {
        if (octets[0] === tlsHandshake) return void socket.destroy();
        requests.push(octets as Buffer);
        socket.write(message(['HTTP/1.1 301 Moved Permanently', ...lines]));
      });
    });
    await untilStored(proxy.port, { requests }, `http://127.0.0.1:${origin.port}/`);
    const secure = await getOnce(proxy.port, `https://127.0.0.1:${origin.port}/`);
    expect([secure.status >= 500, secure.field('location')]).toEqual([true, undefined]);
  });

  test('E18 a large head is given again as it was, or not stored', async () => {
    const lines = Array.from(
      { length: 60 },
      (_, i) => `X-Large-${i % 50}: ${String.fromCharCode(97 + (i % 26)).repeat(900)}`,
    );
    await using origin = await startSite(() => [[fresh, ...lines], 'hello']);
    const [first, ...more] = [
      await getOnce(proxy.port, `${origin.url}/`),
      await getOnce(proxy.port, `${origin.url}/`),
      await getOnce(proxy.port, `${origin.url}/`),
    ];
    expect(first?.fields.filter(([field]) => /^x-large/i.test(field)).length).toBeGreaterThan(49);
    for (const { fields, status, content } of more) {
      expect([status, content.toString()]).toEqual([200, 'hello']);
      expect(fields.filter(([field]) => !own.test(field))).toEqual(first?.fields.filter(([field]) => !own.test(field)));
    }
  });
});

describe('E16 the agent’s bounds', () => {
  const [memoryBytes, diskBytes, maxEntryBytes] = [256 * 1024, 512 * 1024, 64 * 1024];

  test('hold, however many URLs and however large a content', async () => {
    await using proxy = await startTestAgent({
      edge: 'none',
      cache: { agent: { memoryBytes, diskBytes, maxEntryBytes }, edge: 'off' },
    });
    await using origin = await startSite(({ target }) => [
      [fresh],
      'x'.repeat(target === '/large' ? maxEntryBytes + 1 : target === '/many' ? 10_000 : 1),
    ]);
    await neverStored(proxy.port, origin, `${origin.url}/large`);
    for (let i = 0; i < 200; i += 20) {
      const urls = Array.from({ length: 20 }, (_, j) => `${origin.url}/${j % 2 === 0 ? 'many' : 'one'}?${i + j}`);
      await Promise.all(urls.map((url) => getOnce(proxy.port, url)));
    }
    const authorization = `Bearer ${proxy.agent.state().controlToken}`;
    const answer = await call(`http://127.0.0.1:${proxy.controlPort}/v1/cache`, { fields: { authorization } });
    const told = cacheStatistics.parse(JSON.parse(answer.content.toString()));
    if (told.agent === 'off') throw new Error('the cache is off');
    expect(told.stored).toBeGreaterThanOrEqual(200);
    expect(told.memory).toMatchObject({ maxOctets: memoryBytes });
    expect(told.memory.octets).toBeLessThanOrEqual(memoryBytes);
    expect(told.disk.octets).toBeLessThanOrEqual(diskBytes);
  });
});

describe('E13 two people of one edge', () => {
  const [one, other] = ['a-token-of-one-person', 'a-token-of-the-other'];

  test('share nothing', async () => {
    await using origin = await startSite((_request, number) => [[fresh], `${number}`]);
    const options: DeployedOptions = {
      bindings: { EDGEHOP_TOKENS: `one=${one},other=${other}` },
      internet: `127.0.0.1:${origin.port}`,
    };
    await using edge = await startDeployedEdge(options);
    const envelope = envelopeFor('http://site.example/', { cache: { mode: 'use', generation: '' } });
    const asked = async (token: string) => {
      const sent = await send(`${edge.direct}/v1/exchange`, {
        method: 'POST',
        fields: exchangeFields(envelope, token),
      });
      const reply = await replyOf(sent);
      return { outcome: responseOf(reply).cache, content: reply.content.toString() };
    };
    const first = (await asked(one)).content;
    let again = await asked(one);
    for (let attempt = 0; attempt < 50 && again.outcome?.hit !== true; attempt++) again = await asked(one);
    expect(again).toMatchObject({ outcome: { hit: true }, content: first });
    const strange = await asked(other);
    expect([strange.outcome?.hit, strange.content === first]).toEqual([undefined, false]);
  });
});
