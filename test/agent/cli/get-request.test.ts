// One GET: what is sent, what comes back, and when.
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fetchOnce, type GetRequest } from '../../../agent/cli/get-request.ts';
import { machineClock } from '../../../agent/clock.ts';
import { type Answer, message, type Origin, startOrigin } from '../../support/origin.ts';

const ok = 'HTTP/1.1 200 OK';

test('the origin is asked with a path, and a proxy with the whole URL', async () => {
  const origin = await originFor((_, socket) => void socket.write(message([ok, 'Content-Length: 0'])));
  await fetched({ url: `${origin.url}/a?b` });
  await fetched({ url: 'http://o.example:81/a?b', proxy: origin.url });
  const asked = origin.requests.map(({ target, values }) => [target, values('host'), values('user-agent')]);
  expect(asked).toEqual([
    ['/a?b', [`127.0.0.1:${origin.port}`], ['edgehop-get']],
    ['http://o.example:81/a?b', ['o.example:81'], ['edgehop-get']],
  ]);
});

test('fields are sent behind our own', async () => {
  const origin = await originFor((_, socket) => void socket.write(message([ok, 'Content-Length: 0'])));
  await fetched({ url: origin.url, fields: [['X-One', '1']] });
  expect(origin.requests[0]?.fields.slice(2)).toEqual([
    ['Accept', '*/*'],
    ['X-One', '1'],
    ['Connection', 'close'],
  ]);
});

test('where only the head is wanted the connection ends with it', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const origin = await originFor((_, socket) => {
    socket.once('close', resolve);
    socket.write(message([ok, 'X: 1', 'Content-Length: 1000000']));
  });
  expect(await fetched({ url: origin.url, headOnly: true })).toMatchObject({ status: 200, octets: 0, isCut: true });
  await closed;
});

test('the response is told as it came, with its times in their order', async () => {
  const origin = await originFor(
    (_, socket) => void socket.write(message(['HTTP/1.1 404 Nope', 'X: 1', 'x: 2', 'Content-Length: 5'], 'hello')),
  );
  const result = await fetched({ url: origin.url });
  expect(result).toMatchObject({
    status: 404,
    reason: 'Nope',
    httpVersion: '1.1',
    fields: [
      ['X', '1'],
      ['x', '2'],
      ['Content-Length', '5'],
    ],
    octets: 5,
    text: 'hello',
    isCut: false,
    localAddress: '127.0.0.1',
  });
  expect(result.localPort).toBeGreaterThan(0);
  expect(result.sentAt).toBeLessThanOrEqual(result.receivedAt);
  expect(result.receivedAt).toBeLessThanOrEqual(result.endedAt);
});

describe('content', () => {
  test.each([
    ['text in UTF-8', ['Content-Type: text/plain; charset=utf-8'], 'caf\xc3\xa9', 'café'],
    ['text in another charset', ['Content-Type: text/plain; charset="iso-8859-1"'], 'caf\xe9', 'café'],
    ['JSON', ['Content-Type: application/problem+json'], '{}', '{}'],
    ['of no type, but UTF-8', [], 'caf\xc3\xa9', 'café'],
    ['of no type, and not UTF-8', [], '\xff\xfe', undefined],
    ['of a type that is no text', ['Content-Type: image/png'], 'abc', undefined],
    ['in a charset that nobody knows', ['Content-Type: text/plain; charset=x-none'], 'abc', undefined],
    ['that is coded', ['Content-Type: text/plain', 'Content-Encoding: gzip'], 'abc', undefined],
    ['as large as is kept', ['Content-Type: text/plain'], 'x'.repeat(64), 'x'.repeat(64)],
    ['larger than is kept', ['Content-Type: text/plain'], 'x'.repeat(65), undefined],
  ])('%s', async (_, lines, content, text) => {
    const head = [ok, ...lines, `Content-Length: ${content.length}`];
    const origin = await originFor((_, socket) => void socket.write(message(head, content)));
    expect(await fetched({ url: origin.url })).toMatchObject({ octets: content.length, text });
  });

  test('that breaks off is told as cut', async () => {
    const origin = await originFor((_, socket) => void socket.end(message([ok, 'Content-Length: 9'], 'hello')));
    expect(await fetched({ url: origin.url })).toMatchObject({ octets: 5, isCut: true });
  });

  test('is saved octet for octet, at the pace of what takes it', async () => {
    const octets = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    const origin = await originFor(
      (_, socket) => void socket.write(message([ok, `Content-Length: ${octets.length}`], octets)),
    );
    const saved: Buffer[] = [];
    const output = new Writable({
      highWaterMark: 1,
      write: (piece, _, done) => {
        saved.push(piece);
        setImmediate(done);
      },
    });
    expect(await fetched({ url: origin.url, output })).toMatchObject({ octets: octets.length, isCut: false });
    expect(Buffer.concat(saved).equals(octets)).toBe(true);
  });
});

test('no response is an error', async () => {
  const origin = await originFor((_, socket) => void socket.destroy());
  await expect(fetched({ url: origin.url })).rejects.toMatchObject({ code: 'ECONNRESET' });
});

function fetched(parts: Pick<GetRequest, 'url'> & Partial<GetRequest>) {
  return fetchOnce({ proxy: undefined, clock: machineClock(), keepBytes: 64, output: undefined, ...parts });
}

async function originFor(answer: Answer): Promise<Origin> {
  const origin = await startOrigin(answer);
  onTestFinished(() => origin[Symbol.asyncDispose]());
  return origin;
}
