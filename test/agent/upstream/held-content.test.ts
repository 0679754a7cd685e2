// Content between its connection and its sink: nothing is lost, little is held, and each side is asked to wait for the other.
import { describe, expect, test } from 'vitest';
import type { Sink } from '../../../agent/proxy/ports.ts';
import { HeldContent } from '../../../agent/upstream/held-content.ts';
import { ProxyError } from '../../../http/proxy-error.ts';

const trailers = [['X', '1']] as const;
const error = new ProxyError('http_response_incomplete', 'x');

describe('before there is a sink', () => {
  test('what comes is held, and the source is asked to wait from maxOctetsHeld on', () => {
    const { content, asked } = held(10);
    content.push(Buffer.from('hello'));
    content.push(Buffer.from('you'));
    expect(asked).toEqual([]);
    content.push(Buffer.from('!!'));
    expect(asked).toEqual(['pause']);
    const { sink, told } = sinkOf();
    content.flow(sink);
    expect(told).toEqual(['hello', 'you', '!!']);
    expect(asked).toEqual(['pause', 'resume']);
  });

  test.each([
    ['its end', (content: HeldContent) => content.end(trailers), ['hello', 'end X']],
    ['its failure', (content: HeldContent) => content.fail(error), ['hello', 'http_response_incomplete']],
  ])('%s is told behind what came before', (_, finish, expected) => {
    const { content, asked } = held();
    content.push(Buffer.from('hello'));
    finish(content);
    const { sink, told } = sinkOf();
    content.flow(sink);
    expect(told).toEqual(expected);
    expect(asked).toEqual([]); // the connection may carry another exchange by now
  });

  test('a sink that takes no more lets the source wait', () => {
    const { content, asked } = held();
    content.push(Buffer.from('hello'));
    content.flow(sinkOf(() => false).sink);
    expect(asked).toEqual(['pause']);
  });

  test('a sink that wants more only of the last piece is asked again', () => {
    const { content, asked } = held();
    content.push(Buffer.from('1'));
    content.push(Buffer.from('2'));
    content.flow(sinkOf((octets) => octets === '2').sink);
    expect(asked).toEqual(['pause']);
  });

  test('a sink that wants no more gets none of the rest', () => {
    const { content, asked } = held();
    for (const octets of ['1', '2', '3']) content.push(Buffer.from(octets));
    const { sink, told } = sinkOf((octets) => {
      if (octets === '2') content.cancel();
      return true;
    });
    content.flow(sink);
    expect([told, asked]).toEqual([['1', '2'], ['cancel']]);
  });
});

describe('with a sink', () => {
  test('octets pass at once, at its pace', () => {
    const { content, asked } = held(1);
    const { sink, told } = sinkOf((octets) => octets !== 'full');
    content.flow(sink);
    asked.length = 0;
    content.push(Buffer.from('more than may be held'));
    expect(asked).toEqual([]);
    content.push(Buffer.from('full'));
    expect(asked).toEqual(['pause']);
    content.resume();
    expect(asked).toEqual(['pause', 'resume']);
    content.end(trailers);
    expect(told).toEqual(['more than may be held', 'full', 'end X']);
  });

  test.each([
    ['end', (content: HeldContent) => content.end([]), 'end'],
    ['failure', (content: HeldContent) => content.fail(error), 'http_response_incomplete'],
  ])('its %s leaves the source alone, whatever the sink does then', (_, finish, expected) => {
    const { content, asked } = held();
    const { sink, told } = sinkOf();
    content.flow(sink);
    asked.length = 0;
    finish(content);
    content.resume();
    content.cancel();
    expect([told, asked]).toEqual([[expected], []]);
  });

  test('the first ending is the only one', () => {
    const { content } = held();
    content.end([]);
    content.fail(error);
    const { sink, told } = sinkOf();
    content.flow(sink);
    expect(told).toEqual(['end']);
  });

  test('a cancel ends the source, and nothing more is told', () => {
    const { content, asked } = held();
    const { sink, told } = sinkOf();
    content.flow(sink);
    asked.length = 0;
    content.cancel();
    content.push(Buffer.from('late'));
    content.fail(error);
    expect([told, asked]).toEqual([[], ['cancel']]);
  });
});

test('a cancel before there is a sink ends the source, and a sink that comes later hears nothing', () => {
  const { content, asked } = held();
  content.push(Buffer.from('hello'));
  content.cancel();
  content.push(Buffer.from('late'));
  content.end([]);
  const { sink, told } = sinkOf();
  content.flow(sink);
  expect([told, asked]).toEqual([[], ['cancel']]);
});

/** Content with a note of what its source is asked for. */
function held(maxOctetsHeld = 100) {
  const asked: string[] = [];
  const note = (what: string) => () => void asked.push(what);
  const source = { pause: note('pause'), resume: note('resume'), cancel: note('cancel') };
  return { content: new HeldContent(source, maxOctetsHeld), asked };
}

/** A sink with a note of what it is told. */
function sinkOf(wantsMore: (octets: string) => boolean = () => true) {
  const told: string[] = [];
  const sink: Sink = {
    write: (octets) => {
      told.push(octets.toString());
      return wantsMore(octets.toString());
    },
    end: (fields) => void told.push(['end', ...fields.map(([name]) => name)].join(' ')),
    fail: ({ type }) => void told.push(type),
  };
  return { sink, told };
}
