// Content on its way to the agent and to whoever keeps it: every end is told as what it is.
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../../http/proxy-error.ts';
import { createMark } from '../../../worker/exchange/marked.ts';
import { drain, type Keeper, type Piece, pour, type Source } from '../../../worker/exchange/pour.ts';

const octets = (text: string | number): Piece => ({
  kind: 'octets',
  octets: typeof text === 'number' ? new Uint8Array(text) : new TextEncoder().encode(text),
});
const end: Piece = { kind: 'end', trailers: [] };
const cut: Piece = { kind: 'failed', error: new ProxyError('http_response_incomplete', 'It stopped.') };

/** Gives these pieces, the last one over and over, or nothing more after `'silence'`. */
function sourceOf(pieces: readonly (Piece | 'silence')[]) {
  const left = [...pieces];
  const cancelled = Promise.withResolvers<Piece>();
  const told = { isCancelled: false, isOver: cancelled.promise };
  const source: Source = {
    next: async () => {
      const [piece = end] = left;
      if (piece === 'silence') return cancelled.promise;
      if (left.length > 1) left.shift();
      return piece;
    },
    cancel: () => {
      told.isCancelled = true;
      cancelled.resolve(cut);
    },
  };
  return { source, told };
}

function keeperOf(isWilling = true) {
  const heard: string[] = [];
  const keeper: Keeper = {
    take: (piece) => {
      heard.push(piece.length > 10 ? `${piece.length} octets` : new TextDecoder().decode(piece));
      return isWilling;
    },
    end: (trailers) => heard.push(`end ${trailers.length}`),
    giveUp: () => heard.push('given up'),
  };
  return { keeper, heard };
}

async function read(readable: ReadableStream<Uint8Array>): Promise<string> {
  let text = '';
  try {
    for await (const piece of readable) text += Buffer.from(piece).toString('latin1');
  } catch {
    return `${text} broken`;
  }
  return `${text} ended`;
}

describe('the agent and the keeper hear the same', () => {
  test.each([
    ['a whole', [octets('hel'), octets('lo'), end], 'hello ended', ['hel', 'lo', 'end 0']],
    ['nothing', [end], ' ended', ['end 0']],
    ['one that is cut off', [octets('hel'), cut], 'hel broken', ['hel', 'given up']],
  ] as const)('%s', async (_, pieces, agent, kept) => {
    const { source, told } = sourceOf(pieces);
    const { keeper, heard } = keeperOf();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const [text] = await Promise.all([read(readable), pour({ source, writable, keeper })]);
    expect(text).toBe(agent);
    expect(heard).toEqual(kept);
    expect(told.isCancelled).toBe(true);
  });
});

test.each([
  ['complete', end, { outcome: 'complete' }],
  ['complete with trailers', { kind: 'end', trailers: [['a', 'b']] }, { outcome: 'complete', trailers: [['a', 'b']] }],
  [
    'cut off',
    cut,
    { outcome: 'failed', error: { type: 'http_response_incomplete', status: 502, message: 'It stopped.' } },
  ],
] as const)('with a mark an end record says that it was %s', async (_, last, record) => {
  const mark = createMark();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const [text] = await Promise.all([
    read(readable),
    pour({ source: sourceOf([octets('hello'), last]).source, writable, mark }),
  ]);
  const nonce = Buffer.from(mark.nonce, 'base64url').toString('latin1');
  const [content, rest = ''] = text.split(nonce);
  expect(content).toBe('hello');
  expect(JSON.parse(rest.replace(/ ended$/, ''))).toEqual(record);
});

test('a keeper that wants no more hears no more, and the agent gets all', async () => {
  const { keeper, heard } = keeperOf(false);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const { source } = sourceOf([octets('hel'), octets('lo'), end]);
  const [text] = await Promise.all([read(readable), pour({ source, writable, keeper })]);
  expect(text).toBe('hello ended');
  expect(heard).toEqual(['hel']);
});

describe('when the agent leaves', () => {
  const leaving = async (pieces: readonly (Piece | 'silence')[], announced: number | undefined) => {
    const { source, told } = sourceOf([octets('hello'), ...pieces]);
    const { keeper, heard } = keeperOf();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const poured = pour({ source, writable, keeper, octets: announced });
    const reader = readable.getReader();
    await reader.read();
    await reader.cancel();
    await poured;
    expect(told.isCancelled).toBe(true);
    return heard;
  };

  test('the keeper gets the little that is left', async () => {
    expect(await leaving([octets('world'), end], 10)).toEqual(['hello', 'world', 'end 0']);
  });

  test('and much of it would be left, it is given up at once', async () => {
    expect(await leaving(['silence'], 5 + 1024 * 1024 + 1)).toEqual(['hello', 'given up']);
  });

  test('and nobody knows how much is left, a little more is read', async () => {
    expect(await leaving([octets('world'), end], undefined)).toEqual(['hello', 'world', 'end 0']);
    const heard = await leaving([octets(1024 * 1024 + 1), end], undefined);
    expect(heard).toEqual(['hello', 'given up']);
  });

  test('and nobody keeps it, it ends', async () => {
    const { source, told } = sourceOf([octets('hello'), 'silence']);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const poured = pour({ source, writable });
    const reader = readable.getReader();
    await reader.read();
    await reader.cancel();
    await poured;
    expect(told.isCancelled).toBe(true);
  });
});

test.each([
  [
    [octets('hel'), octets(2 * 1024 * 1024), end],
    ['hel', '2097152 octets', 'end 0'],
  ],
  [
    [octets('hel'), cut],
    ['hel', 'given up'],
  ],
])('without an agent a keeper gets all of it', async (pieces, expected) => {
  const { keeper, heard } = keeperOf();
  const { source, told } = sourceOf(pieces);
  await drain(source, keeper);
  expect(heard).toEqual(expected);
  expect(told.isCancelled).toBe(true);
});
