// Content that is there at once is one piece; of what is not, no octet is lost.
import { expect, test } from 'vitest';
import { ProxyError } from '../../../http/proxy-error.ts';
import { atOnce } from '../../../worker/exchange/at-once.ts';
import type { Piece, Source } from '../../../worker/exchange/pour.ts';

const octets = (text: string): Piece => ({ kind: 'octets', octets: new TextEncoder().encode(text) });
const end: Piece = { kind: 'end', trailers: [] };
const cut: Piece = { kind: 'failed', error: new ProxyError('http_response_incomplete', 'It stopped.') };

function sourceOf(pieces: readonly (Piece | Promise<Piece>)[]): Source {
  const left = [...pieces];
  return { next: async () => left.shift() ?? end, cancel: () => undefined };
}

async function rest({ next }: Source): Promise<string> {
  let text = '';
  for (;;) {
    const piece = await next();
    if (piece.kind !== 'octets') return `${text} ${piece.kind}`;
    text += new TextDecoder().decode(piece.octets);
  }
}

test.each([
  ['one piece', [octets('hello'), end], 5],
  ['several', [octets('he'), octets('llo'), end], 5],
  ['none', [end], 0],
])('%s, at once', async (_, pieces, announced) => {
  const come = await atOnce(sourceOf(pieces), announced);
  if (come.kind !== 'whole') throw new Error('it is not whole');
  expect(new TextDecoder().decode(come.octets)).toBe('hello'.slice(0, announced));
});

test('what comes later comes whole all the same', async () => {
  const later = Promise.withResolvers<Piece>();
  const come = await atOnce(sourceOf([octets('he'), later.promise, octets('o'), end]), 5);
  if (come.kind !== 'begun') throw new Error('it is whole already');
  later.resolve(octets('ll'));
  expect(await rest(come.source)).toBe('hello end');
});

test.each([
  ['E10: is cut off', [octets('hel'), cut], 'hel failed'],
  ['ends too early', [octets('hel'), end], 'hel end'],
  ['is longer than announced', [octets('hel'), octets('lo!'), end], 'hello! end'],
])('what %s is told as what it is', async (_, pieces, expected) => {
  const come = await atOnce(sourceOf(pieces), 5);
  if (come.kind !== 'begun') throw new Error('it is whole already');
  expect(await rest(come.source)).toBe(expected);
});
