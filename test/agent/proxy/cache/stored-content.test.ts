// Content of the store as a client gets it: whole, in pieces, from memory, and from a disk that may have lost it.
import { describe, expect, test } from 'vitest';
import { heldContent, inSequence, opened, storedContent } from '../../../../agent/proxy/cache/stored-content.ts';
import type { Content, Entry } from '../../../../agent/proxy/ports.ts';
import { stream } from '../../../support/caching.ts';
import { type FakeStore, fakeStore } from '../../../support/fake-store.ts';
import { contentOf, receivedOf } from '../../../support/walk.ts';

describe('in memory', () => {
  test('the whole is the very octets that are stored', () => {
    const { store, entry } = stored('content');
    const content = storedContent(store, entry, [{ first: 0, last: 6 }]);
    expect(content).toMatchObject({ held: store.octets(entry) });
    expect(received(content)).toEqual({ octets: 'content', endings: ['end'] });
  });

  test('a slice, several with text between, and none', () => {
    const { store, entry } = stored('content');
    expect(received(storedContent(store, entry, [{ first: 1, last: 3 }])).octets).toBe('ont');
    const pieces = [{ text: '<' }, { first: 0, last: 0 }, { text: '|' }, { first: 5, last: 6 }, { text: '>' }];
    expect(received(storedContent(store, entry, pieces))).toEqual({ octets: '<c|nt>', endings: ['end'] });
    expect(storedContent(store, entry, [])).toMatchObject({ held: { length: 0 } });
  });

  test('what trailers follow has to flow', () => {
    const { store, entry } = stored('content');
    const content = storedContent(store, entry, [{ first: 0, last: 6 }], [['X-Sum', '7']]);
    expect(content).toMatchObject({ held: undefined });
    expect(received(content).octets).toBe('content');
  });
});

describe('on disk', () => {
  test('it comes with its first octets', async () => {
    const { store, entry } = stored('content');
    store.isOnDisk = true;
    const content = await storedContent(store, entry, [{ first: 2, last: 6 }]);
    const sink = { octets: '', endings: 0 };
    await new Promise<void>((resolve) =>
      content?.flow({
        write: (octets) => {
          sink.octets += octets;
          return true;
        },
        end: () => {
          sink.endings++;
          resolve();
        },
        fail: () => undefined,
      }),
    );
    expect(sink).toEqual({ octets: 'ntent', endings: 1 });
  });

  test('it may be lost', async () => {
    const { store, entry } = stored('content');
    store.isOnDisk = true;
    store.isLost = true;
    expect(await storedContent(store, entry, [{ first: 0, last: 6 }])).toBeUndefined();
  });
});

describe('what is opened', () => {
  test('holds its first piece and asks for no more until it flows', async () => {
    const source = stream();
    const opening = opened(source);
    source.write('con');
    expect(source.isWanted).toBe(false);
    const content = (await opening) as Content;
    let octets = '';
    const write = (piece: Buffer) => {
      octets += piece;
      return true;
    };
    content.flow({ write, end: () => undefined, fail: () => undefined });
    expect([octets, source.isWanted]).toEqual(['con', true]);
    source.write('tent');
    expect(octets).toBe('content');
  });

  test('tells an end and a failure that came before it flowed', async () => {
    const whole = await opened(contentOf(['a', 'b']));
    expect(receivedOf(whole as Content)).toEqual({ octets: 'ab', endings: ['end'] });
    const source = stream();
    const opening = opened(source);
    source.write('a');
    source.fail();
    expect(receivedOf((await opening) as Content)).toEqual({ octets: 'a', endings: ['http_response_incomplete'] });
  });

  test('is empty at once where there is nothing', async () => {
    expect(receivedOf((await opened(contentOf([]))) as Content)).toEqual({ octets: '', endings: ['end'] });
  });
});

describe('a sequence', () => {
  test('ends once, with its own trailers, and fails with what fails in it', () => {
    const source = stream();
    const failing = receivedOf(inSequence([heldContent(Buffer.from('a'), []), source, contentOf(['c'])], []));
    source.write('b');
    source.fail();
    expect(failing.endings).toEqual(['http_response_incomplete']);
  });

  test('hands resume and cancel to the part whose turn it is', () => {
    const [one, other] = [stream(), stream()];
    const content = inSequence([one, other], []);
    content.flow({ write: () => false, end: () => undefined, fail: () => undefined });
    one.write('a');
    content.resume();
    expect([one.isWanted, other.hasBegun]).toEqual([true, false]);
    one.end();
    content.cancel();
    expect([one.wasCancelled, other.wasCancelled]).toEqual([false, true]);
  });
});

function stored(text: string): { store: FakeStore; entry: Entry } {
  const store = fakeStore();
  const head = { status: 200, reason: 'OK', fields: [], requestTime: 0, responseTime: 0, url: 'u', selecting: [] };
  const writer = store.begin('u', head, text.length);
  writer?.write(Buffer.from(text));
  return { store, entry: writer?.commit([]) as Entry };
}

function received(content: ReturnType<typeof storedContent>) {
  if (content instanceof Promise) throw new Error('it is not there yet');
  return receivedOf(content);
}
